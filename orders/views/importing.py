"""The form of an import: a file, shown as it would be read until nothing is left to ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts.gate import Entry
from accounts.guard import closed_to_support, requires
from accounts.identifiers import uuid7
from accounts.models import Company
from accounts.requests import GET_OR_POST, Request
from orders import imports
from orders.models import Import
from orders.screening import screened
from orders.spreadsheets import MAX_BYTES, REFUSALS, UnreadableFile
from orders.uploads import Busy, Upload, UploadForm, one_at_a_time, refuse_oversize
from orders.views.editing import company_has_policy, no_policy
from orders.views.import_previews import detected, previewed
from orders.views.import_runs import orders_url, state_of
from policy.prohibitions import Jurisdiction

RECENT: Final = 10  # earlier imports


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
    outcomes = screened(upload.sheet, upload.mapping, upload.reading(by=by))
    run = imports.begin(by=by, file_name=upload.name, outcomes=outcomes, preview=upload.preview)
    return redirect("orders:import_progress", run.id)


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
