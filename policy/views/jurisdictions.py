"""The operator's list of prohibited jurisdictions: what is on it, since when, by whom and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.guard import closed_to_support, operator
from accounts.requests import GET_OR_POST, Request
from policy import refusals
from policy.countries import country_name
from policy.forms import LiftingForm, ProhibitionForm
from policy.prohibitions import Jurisdiction, NothingDecided


@closed_to_support
@operator
@never_cache
@GET_OR_POST
def jurisdictions(request: Request) -> HttpResponse:
    """The list, and a form that puts a country on it."""
    form = ProhibitionForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _page(request, form=form)
    code, reason = form.cleaned_data["country"], form.cleaned_data["reason"]
    try:
        Jurisdiction.objects.prohibit(code, by=request.gate, reason=reason)
    except NothingDecided:
        form.add_error("country", _("It is on the list already."))
        return _page(request, form=form)
    messages.success(request, _("%(country)s is on the list.") % {"country": country_name(code)})
    return redirect("policy:jurisdictions")


@closed_to_support
@operator
@never_cache
@require_POST
def lifting(request: Request, code: str) -> HttpResponse:
    """Takes a country off the list, for a reason that its history keeps."""
    prohibition = get_object_or_404(Jurisdiction.objects.in_force(), code=code)
    form = LiftingForm(prohibition, request.POST)
    if not form.is_valid():
        return _page(request, lifted=form)
    Jurisdiction.objects.lift(code, by=request.gate, reason=form.cleaned_data["reason"])
    messages.success(
        request, _("%(country)s is no longer on the list.") % {"country": country_name(code)}
    )
    return redirect("policy:jurisdictions")


def _page(
    request: Request, *, form: ProhibitionForm | None = None, lifted: LiftingForm | None = None
) -> HttpResponse:
    wrong = any(each and each.is_bound for each in (form, lifted))
    context = {
        "form": form or ProhibitionForm(),
        "listed": list(_listed(lifted)),
        "history": list(_history()),
        "totals": [
            {**total, "country": country_name(total["jurisdiction"])} for total in refusals.totals()
        ],
    }
    return render(request, "policy/jurisdictions.html", context, status=422 if wrong else 200)


def _listed(lifted: LiftingForm | None) -> Iterator[dict[str, Any]]:
    for decision in Jurisdiction.objects.in_force().select_related("decided_by"):
        answered = lifted if lifted and lifted.code == decision.code else None
        yield {**_told(decision), "lifting": answered or LiftingForm(decision)}


def _history() -> Iterator[dict[str, Any]]:
    """Every decision, the newest first."""
    for decision in Jurisdiction.objects.select_related("decided_by").order_by("-decided_at"):
        yield _told(decision)


def _told(decision: Jurisdiction) -> dict[str, Any]:
    by = decision.decided_by
    return {
        "code": decision.code,
        "country": country_name(decision.code),
        "prohibited": decision.prohibited,
        "because": decision.because,
        "at": decision.decided_at,
        "by": str(by) if by else _("The software itself"),
    }
