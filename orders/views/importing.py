"""An import's pages: the file and what its columns mean, how far it is, and what was refused."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.downloads import attached
from accounts.gate import Entry
from accounts.guard import closed_to_support, requires
from accounts.identifiers import uuid7
from accounts.models import Company, Membership
from accounts.requests import GET_OR_POST, Request
from orders import imports, statuses
from orders.calling import zone_of
from orders.intake import OrderDraft
from orders.mapping import TARGETS
from orders.models import Import, ImportRefusal, Order
from orders.money import format_amount
from orders.screening import (
    LABELS,
    Accepted,
    Outcome,
    Reading,
    Refused,
    screened,
    sentence,
    told,
)
from orders.spreadsheets import MAX_BYTES, REFUSALS, Sheet, UnreadableFile, to_csv
from orders.uploads import (
    LEAVE_OUT,
    Busy,
    Upload,
    UploadForm,
    one_at_a_time,
    refuse_oversize,
)
from orders.views.editing import company_has_policy, no_policy
from policy import coverage
from policy.prohibitions import Jurisdiction

PREVIEWED: Final = 5_000  # rows that the preview is made of: a second or two
SHOWN: Final = 8  # orders in it
CSV: Final = "text/csv; charset=utf-8"
RECENT: Final = 10  # earlier imports
SHOWN_OF: Final = ("external_id", "created_at", "status", "name", "phone", "city", "item", "total")


# The file


@closed_to_support
@requires("orders.import")
@GET_OR_POST
@never_cache
def start(request: Request) -> HttpResponse:
    """The form of an import. A posted file is shown as it would be read, until `step` is "start"
    and nothing is left to ask."""
    if not company_has_policy():
        status = 403 if request.method == "POST" else 200
        return page(request, UploadForm(), refusal=no_policy(request.gate), status=status)
    if request.method != "POST":
        return page(request, UploadForm())
    form = UploadForm(request.POST, request.FILES)
    try:
        if "file" not in request.FILES:
            refuse_oversize(request.META.get("CONTENT_LENGTH", ""))
        if not form.is_valid():
            return unread(request, form)
        with one_at_a_time():
            return received(request, form.cleaned_data["file"])
    except (UnreadableFile, Busy) as error:
        form.is_valid()
        form.errors.pop("file", None)
        form.add_error("file", str(error))
        return unread(request, form)


def received(request: Request, file: UploadedFile[bytes]) -> HttpResponse:
    by = request.gate
    upload = Upload(
        file,
        request.POST,
        currency=by.company_currency,
        country=Company.country_of(by.company_id),
        prohibited=Jurisdiction.objects.prohibited(),
    )
    wanted = request.POST.get("step") == "start" and upload.is_known
    if not upload.is_valid() or not wanted or not upload.statuses.is_seen:
        return preview_page(request, upload)
    outcomes = screened(upload.sheet, upload.mapping, reading_of(upload, by))
    run = imports.begin(by=by, file_name=upload.name, outcomes=outcomes, preview=upload.preview)
    return redirect("orders:import_progress", run.id)


def reading_of(upload: Upload, by: Entry) -> Reading:
    return Reading(
        zone=zone_of(by),
        currency=upload.option("currency"),
        country=upload.option("country"),
        statuses=upload.statuses.meant,
        leave_out=upload.option("unreadable") == LEAVE_OUT,
        prohibited=upload.prohibited,
        covered=coverage.of(by),
    )


def page(
    request: Request,
    form: UploadForm,
    *,
    mapping: dict[str, Any] | None = None,
    refusal: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "mapping": mapping, "refusal": refusal}
    if request.htmx:
        return render(request, "orders/import/_mapping.html", context)
    context |= {
        "recent": list(recent(request.gate)),
        "max_bytes": str(MAX_BYTES),
        "too_large": REFUSALS["too_big"],
    }
    return render(request, "orders/import/start.html", context, status=status)


def unread(request: Request, form: UploadForm) -> HttpResponse:
    """Nothing could be read: why, at the file's field or, for htmx, in its place below."""
    errors = [str(error) for error in form.errors.get("file", [])]
    mapping = {"errors": errors} if request.htmx else None
    return page(request, form, mapping=mapping, status=422)


def preview_page(request: Request, upload: Upload) -> HttpResponse:
    valid, step = upload.is_valid(), request.POST.get("step")
    columns = list(upload.columns.described())
    mapping = {
        "detected": list(detected(upload.sheet)),
        "columns": [column for column in columns if column["field"].value()],
        "others": [column for column in columns if not column["field"].value()],
        "options": upload.options,
        "statuses": list(upload.statuses.described()),
        "unseen": not upload.statuses.is_seen,
        "unsaid": upload.statuses.counts.get("", 0),
        "preview": previewed(upload, request.gate, whole=step == "whole") if valid else None,
        "errors": upload.errors,
        "token": upload.token,
        "preview_id": uuid7(),
        "file_name": upload.name,
    }
    return page(request, UploadForm(), mapping=mapping, status=200 if valid else 422)


def detected(sheet: Sheet) -> Iterator[dict[str, str]]:
    yield {"label": _("Rows"), "value": number_format(len(sheet.rows), force_grouping=True)}
    yield {"label": _("Columns"), "value": str(len(sheet.header))}
    if sheet.encoding:
        separators = {"\t": _("tab"), ";": _("semicolon"), ",": _("comma"), "|": _("bar")}
        yield {"label": _("Encoding"), "value": sheet.encoding.upper()}
        yield {"label": _("Separator"), "value": separators[sheet.delimiter]}
    if sheet.name:
        yield {"label": _("Worksheet"), "value": sheet.name}


def previewed(upload: Upload, by: Entry, *, whole: bool) -> dict[str, Any]:
    """The first orders, among them the first that would be refused; how many of those read would be
    stored, and in which status; how many hang on what becomes of optional values; and the lines of
    prohibited persons, of which nothing is told later."""
    sheet = upload.sheet if whole else replace(upload.sheet, rows=upload.sheet.rows[:PREVIEWED])
    outcomes = list(screened(sheet, upload.mapping, reading_of(upload, by)))
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    added = imports.not_there([each.order for each in accepted], by=by)
    shown: list[Outcome] = [*refused[: SHOWN // 2]]
    shown += accepted[: SHOWN - len(shown)]
    rows = len(sheet.rows) if len(sheet.rows) < len(upload.sheet.rows) else None
    return {
        "orders": len(outcomes),
        "first_rows": rows,
        "expected": list(expected(rows, accepted, refused, added)),
        "statuses": list(by_status(Counter(order.status for order in added))),
        "prohibited": lines_told(refused),
        "refused_for_optional": sum(outcome.for_optional_values for outcome in refused),
        "incomplete": sum(bool(outcome.left_out) for outcome in accepted),
        "headers": [LABELS[name] for name in SHOWN_OF],
        "rows": [previewed_row(o) for o in sorted(shown, key=lambda o: o.rows[0].line)],
    }


def expected(
    rows: int | None,
    accepted: Sequence[Accepted],
    refused: Sequence[Refused],
    added: Sequence[OrderDraft],
) -> Iterator[dict[str, str]]:
    """What would become of the orders that the preview has read: of so many rows, or of all."""
    read = _("Orders in the file")
    if rows:
        shown = number_format(rows, force_grouping=True)
        read = _("Orders in the first %(rows)s rows") % {"rows": shown}
    for label, count in (
        (read, len(accepted) + len(refused)),
        (_("Would be added"), len(added)),
        (_("Are here already"), len(accepted) - len(added)),
        (_("Would be refused"), len(refused)),
    ):
        yield {"label": label, "value": number_format(count, force_grouping=True)}


def by_status(counts: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """The statuses there are among so many orders, in the order of their life."""
    for key, status in statuses.STATUSES.items():
        if count := counts.get(key):
            yield {"status": status, "count": count}


def lines_told(refused: Iterable[Refused]) -> dict[str, Any]:
    """The lines of prohibited persons: how many, and which."""
    lines = sorted(row.line for each in refused if each.prohibited for row in each.rows)
    return {"count": len(lines), "lines": ", ".join(map(str, lines))}


def previewed_row(outcome: Outcome) -> dict[str, Any]:
    line = outcome.rows[0].line
    if isinstance(outcome, Refused):
        return {"line": line, "error": told(outcome.reasons, line)}
    order = outcome.order
    items = [f"{item.quantity} × {item.name or item.sku}" for item in order.items]
    cells = [
        order.external_id,
        date_format(timezone.localtime(order.created_at), "SHORT_DATETIME_FORMAT"),
        statuses.STATUSES[order.status].label,
        order.person.name,
        order.person.phone,
        order.person.city,
        ", ".join(items),
        format_amount(order.total or Decimal(0), order.currency),
    ]
    return {"line": line, "cells": cells}


# The import


@closed_to_support
@requires("orders.import")
@require_safe
@never_cache
def progress(request: Request, pk: uuid.UUID) -> HttpResponse:
    run = described(find(request.gate, pk), request.gate)
    part = "_progress" if request.htmx else "progress"
    return render(request, f"orders/import/{part}.html", {"run": run})


@closed_to_support
@requires("orders.import")
@require_POST
def go_on(request: Request, pk: uuid.UUID) -> HttpResponse:
    """Let an import that stands still go on, under a pass of whoever asks."""
    if not imports.go_on(find(request.gate, pk), by=request.gate):
        messages.info(request, _("The import is running, or finished already."))
    return redirect("orders:import_progress", pk)


@closed_to_support
@requires("orders.import")
@require_safe
@never_cache
def refusals(request: Request, pk: uuid.UUID) -> HttpResponse:
    """The refused lines as CSV, with reasons; under headings that a new import understands."""
    run = find(request.gate, pk)
    table = refused_table(run, request.gate, _("Refused because"), values_only=False)
    return attached(to_csv(table), f"refused-{run.id}.csv", CSV)


@closed_to_support
@requires("orders.import")
@require_safe
@never_cache
def left_out(request: Request, pk: uuid.UUID) -> HttpResponse:
    """The lines whose orders do without a value, as CSV: which, why, and what it said."""
    run = find(request.gate, pk)
    table = refused_table(run, request.gate, _("Left out because"), values_only=True)
    return attached(to_csv(table), f"left-out-{run.id}.csv", CSV)


def refused_table(run: Import, by: Entry, why: str, *, values_only: bool) -> list[list[Any]]:
    lines = list(imports.refusals_of(run, by=by, values_only=values_only))
    used = {name for _line, _reasons, values in lines for name in values}
    names = [target.name for target in TARGETS if target.name in used]
    table: list[list[Any]] = [[_("Line"), why, *(LABELS[name] for name in names)]]
    for line, reasons, values in lines:
        table.append([line, told(reasons, line), *(values.get(name, "") for name in names)])
    return table


def find(by: Entry, pk: uuid.UUID) -> Import:
    runs = Import.objects.select_related("author")
    return get_object_or_404(runs, company_id=by.company_id, id=pk)


def recent(by: Entry) -> Iterator[dict[str, Any]]:
    for run in Import.objects.filter(company_id=by.company_id).order_by("-id")[:RECENT]:
        yield {
            "url": reverse("orders:import_progress", args=[run.id]),
            "file_name": run.file_name,
            "started_at": run.started_at,
            "state": state_of(run),
            "created": run.created,
            "refused": run.refused,
            "orders_url": orders_url(run),
        }


def orders_url(run: Import, **also: str) -> str:
    """The list of the orders that the import brought."""
    return f"{reverse('orders:list')}?{urlencode(also | {'imported': str(run.id)})}"


def described(run: Import, by: Entry) -> dict[str, Any]:
    state = state_of(run)
    ended = state in ("done", "failed")
    return {
        "pk": run.id,
        "file_name": run.file_name,
        "state": state,
        "done": run.created + run.refused,
        "total": run.drafts,
        "lines": run.rows,
        "created": run.created,
        "refused": run.refused,
        "prohibited": run.prohibited,
        "incomplete": run.incomplete,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "refused_url": run.refused > run.prohibited
        and reverse("orders:import_refusals", args=[run.id]),
        "orders_url": orders_url(run),
        "statuses": list(standing(run)) if ended else [],
        "left_out_url": run.incomplete and reverse("orders:import_left_out", args=[run.id]),
        "reasons": list(reasons_of(run, values_only=False)) if ended else [],
        "left_out": list(reasons_of(run, values_only=True)) if ended else [],
        "error": why_stopped(run, by) if state == "failed" else "",
    }


def standing(run: Import) -> Iterator[dict[str, Any]]:
    """Where the import's orders stand now, each with the list of those."""
    orders = Order.objects.filter(company_id=run.company_id, import_id=run.id)
    counts = orders.order_by().values_list("status").annotate(Count("number"))
    for each in by_status(dict(counts)):
        yield each | {"url": orders_url(run, status=each["status"].key)}


def state_of(run: Import) -> str:
    """waiting, running, done, or failed: nobody works on it, and nobody will before it is let."""
    if run.finished_at:
        return "done"
    job = imports.job_of(run)
    match job and (job.status, job.queue):
        case ("doing", _queue):
            return "running"
        case ("todo", imports.QUEUE):
            return "running" if run.created else "waiting"
    return "failed"


def why_stopped(run: Import, by: Entry) -> str:
    author = {"author": str(run.author)}
    match (job := imports.job_of(run)) and job.status:
        case "todo":
            waits = _("A policy in force waits for the acceptance of %(author)s, who started this.")
            return waits % author
        case "failed":
            return _("It met an error, which is in the log of the site.")
    members = Membership.objects.living().filter(company_id=by.company_id, user_id=run.author_id)
    if not (run.author.is_active and members.exists()):
        return _("%(author)s, who started this, no longer works here.") % author
    return _("The permission that %(author)s started it with has ended.") % author


def reasons_of(run: Import, *, values_only: bool) -> Iterator[dict[str, Any]]:
    """Why lines, or values of theirs alone, were refused, the most frequent reasons first. Tells
    kinds, not each number."""
    kept = ImportRefusal.objects.filter(
        company_id=run.company_id, import_id=run.id, values_only=values_only
    )
    counted: Counter[tuple[str, str]] = Counter()
    for reasons in kept.values_list("reasons", flat=True).iterator():
        counted.update(kinds(reasons))
    for (of, code), count in counted.most_common():
        yield {"text": sentence((of, code, 0, "")), "lines": count}


def kinds(reasons: Iterable[Any]) -> set[tuple[str, str]]:
    return {(of, code) for of, code, *_rest in reasons}
