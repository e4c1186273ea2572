"""How far an import is, and what came of it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.gate import Entry
from accounts.guard import closed_to_support, requires
from accounts.models import Membership
from accounts.requests import Request
from orders import imports, statuses
from orders.models import Import, ImportRefusal, Order
from orders.screening import sentence


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


def find(by: Entry, pk: uuid.UUID) -> Import:
    runs = Import.objects.select_related("author")
    return get_object_or_404(runs, company_id=by.company_id, id=pk)


def orders_url(run: Import, **also: str) -> str:
    """The list of the orders that the import brought."""
    return f"{reverse('orders:list')}?{urlencode(also | {'imported': str(run.id)})}"


def described(run: Import, by: Entry) -> dict[str, Any]:
    state = state_of(run)
    ended = state not in ("waiting", "running")
    reasons = list(reasons_of(run, values_only=False)) if ended else []
    left_out = list(reasons_of(run, values_only=True)) if ended else []
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
        "expired": run.expired,
        "untouched": (run.finished_at - run.touched_at).days if run.finished_at else 0,
        "refused_url": reasons and reverse("orders:import_refusals", args=[run.id]),
        "orders_url": orders_url(run),
        "statuses": list(standing(run)) if ended else [],
        "left_out_url": left_out and reverse("orders:import_left_out", args=[run.id]),
        "reasons": reasons,
        "left_out": left_out,
        "lines_erased": ended and run.refused > run.prohibited and not reasons,
        "error": why_stopped(run, by) if state == "failed" else "",
    }


def standing(run: Import) -> Iterator[dict[str, Any]]:
    """Where the import's orders stand now, each with the list of those."""
    orders = Order.objects.filter(company_id=run.company_id, import_id=run.id)
    counts = orders.order_by().values_list("status").annotate(Count("number"))
    for each in by_status(dict(counts)):
        yield each | {"url": orders_url(run, status=each["status"].key)}


def state_of(run: Import) -> str:
    """waiting, running, done, expired, or failed: nobody works on it, and nobody will before it is
    let."""
    if run.finished_at:
        return "expired" if run.expired else "done"
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


def by_status(counts: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """The statuses there are among so many orders, in the order of their life."""
    for key, status in statuses.STATUSES.items():
        if count := counts.get(key):
            yield {"status": status, "count": count}
