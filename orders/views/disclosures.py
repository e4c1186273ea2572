"""The operators' side of the disclosure register (clause T1). None of its pages shows an order."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.downloads import attached
from accounts.guard import closed_to_support, fresh_factor, operator
from accounts.requests import GET_OR_POST, Request
from orders import disclosures, packages
from orders.disclosure_forms import DisclosureForm, RefusalForm
from policy.disclosures import Disclosure
from policy.turns import NotInTurn


@closed_to_support
@operator
@never_cache
@GET_OR_POST
def register(request: Request) -> HttpResponse:
    """All requests, and a form that enters one."""
    form = DisclosureForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data | {"company_id": int(form.cleaned_data["company"])}
        del given["company"]
        entered = disclosures.receive(by=request.gate, **given)
        return redirect("orders:disclosure", entered.id)
    context = {"form": form, "disclosures": list(Disclosure.objects.listed())}
    status = 422 if request.method == "POST" else 200
    return render(request, "orders/disclosures.html", context, status=status)


@closed_to_support
@operator
@never_cache
@require_safe
def disclosure(request: Request, disclosure_id: UUID) -> HttpResponse:
    return _page(request, _found(disclosure_id))


@closed_to_support
@operator
@never_cache
@require_safe
def document(request: Request, disclosure_id: UUID) -> HttpResponse:
    kept = get_object_or_404(Disclosure, pk=disclosure_id)
    return attached(disclosures.document_of(kept), f"request-{kept.id}")


@closed_to_support
@operator
@fresh_factor
@never_cache
@require_POST
def approval(request: Request, disclosure_id: UUID) -> HttpResponse:
    found = _found(disclosure_id)
    return _done(request, found, lambda: found.approve(by=request.gate))


@closed_to_support
@operator
@never_cache
@require_POST
def refusal(request: Request, disclosure_id: UUID) -> HttpResponse:
    found = _found(disclosure_id)
    form = RefusalForm(request.POST)
    if not form.is_valid():
        return _page(request, found, refusal=form)
    reason = form.cleaned_data["reason"]
    return _done(request, found, lambda: found.refuse(by=request.gate, reason=reason))


@closed_to_support
@operator
@never_cache
@require_POST
def package(request: Request, disclosure_id: UUID) -> HttpResponse:
    """Makes the package; its passphrase is on this answer and nowhere else."""
    found = _found(disclosure_id)
    try:
        passphrase = disclosures.package(found)
    except NotInTurn as refused:
        messages.error(request, str(refused))
        return redirect("orders:disclosure", found.id)
    context = {"disclosure": found, "passphrase": passphrase}
    return render(request, "orders/disclosed.html", context)


@closed_to_support
@operator
@never_cache
@require_POST
def file(request: Request, disclosure_id: UUID) -> HttpResponse:
    """The sealed package, once."""
    found = _found(disclosure_id)
    try:
        return attached(found.take_package(), f"disclosure-{found.id}.sealed")
    except NotInTurn as refused:
        messages.error(request, str(refused))
        return redirect("orders:disclosure", found.id)


@closed_to_support
@operator
@never_cache
@require_safe
def opener(request: Request) -> HttpResponse:
    """The program that opens a package, to go along with it."""
    program = Path(packages.__file__)
    return attached(program.read_bytes(), program.name, "text/x-python")


def _found(disclosure_id: UUID) -> Disclosure:
    found = Disclosure.objects.listed().filter(pk=disclosure_id).first()
    if found is None:
        raise Http404
    return found


def _done(request: Request, found: Disclosure, deed: Any) -> HttpResponse:
    try:
        deed()
    except NotInTurn as refused:
        messages.error(request, str(refused))
    return redirect("orders:disclosure", found.id)


def _page(
    request: Request,
    shown: Disclosure,
    *,
    refusal: RefusalForm | None = None,
) -> HttpResponse:
    approvers = [each.pk for each in shown.approvers if each]
    mine = request.gate.user_id in approvers
    packaged = bool(shown.outcome) and not shown.is_refused
    context = {
        "disclosure": shown,
        "is_open": shown.outcome is None,
        "may_approve": shown.outcome is None and not mine,
        "may_package": shown.outcome is None and mine and len(approvers) > 1,
        "is_packaged": packaged,
        "may_take": mine and packaged and not shown.is_taken,
        "refusal": refusal or RefusalForm(),
    }
    return render(request, "orders/disclosure.html", context, status=422 if refusal else 200)
