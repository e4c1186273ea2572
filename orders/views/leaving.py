"""Taking one's data along, and closing a company: open to whoever has accepted nothing (R1)."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe

from accounts.downloads import attached
from accounts.forms import ClosureForm
from accounts.guard import closed_to_support, member, requires, signed_in
from accounts.requests import GET_OR_POST, Request
from orders import closure
from orders import exports as archives
from orders.models import Closure, Export


@closed_to_support
@signed_in
@GET_OR_POST
def exports(request: Request) -> HttpResponse:
    """The archives there are; a posted `of` ("me", "company") has another built."""
    if request.method == "POST":
        run = archives.begin(by=request.gate, of_company=request.POST.get("of") == "company")
        return redirect("orders:export", run.id)
    found = [described(run) for run in Export.objects.living().order_by("-id")]
    return render(request, "orders/leaving/exports.html", {"exports": found})


@closed_to_support
@signed_in
@require_safe
@never_cache
def progress(request: Request, pk: uuid.UUID) -> HttpResponse:
    return render(request, "orders/leaving/export.html", {"export": described(find(pk))})


@closed_to_support
@signed_in
@require_safe
@never_cache
def archive(request: Request, pk: uuid.UUID) -> HttpResponseBase:
    run = find(pk)
    if not run.finished_at:
        raise Http404(_("The archive is not finished."))
    name = archives.file_name(run, request.gate)
    pieces = archives.loaded(run, request.COOKIES[settings.SESSION_COOKIE_NAME])
    return attached(pieces, name, "application/zip")


@closed_to_support
@requires("company.close")
@member
@sensitive_post_parameters()
@never_cache
@GET_OR_POST
def close(request: Request) -> HttpResponse:
    """Deleting the company: what it means, the password again and the company's name."""
    posted = request.POST if request.method == "POST" else None
    form = ClosureForm(posted, request=request, slug=request.gate.company_slug)
    if request.method == "POST" and form.is_valid():
        return redirect("orders:closed", closure.begin(by=request.gate))
    status = 422 if form.is_bound else 200
    return render(request, "orders/leaving/close.html", {"form": form}, status=status)


@closed_to_support
@signed_in
@require_safe
@never_cache
def closed(request: Request, number: int) -> HttpResponse:
    """How far the deletion of a company is, for who began it."""
    found = get_object_or_404(Closure, company_id=number)
    gone = found.orders - found.remaining
    return render(request, "orders/leaving/closed.html", {"closure": found, "gone": gone})


def find(pk: uuid.UUID) -> Export:
    return get_object_or_404(Export.objects.living(), id=pk)


def described(run: Export) -> dict[str, Any]:
    """`state` is running, done, or failed: nobody builds it, and nobody will."""
    job = None if run.finished_at else archives.job_of(run)
    waits = job is not None and job.status in ("todo", "doing")
    return {
        "pk": run.id,
        "of_company": run.company_id is not None,
        "state": "done" if run.finished_at else "running" if waits else "failed",
        "done": run.done,
        "total": run.total,
        "started_at": run.started_at,
        "expires_at": run.expires_at,
    }
