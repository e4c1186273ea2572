"""Where a member says, or stops saying, of which country he or she is a citizen (clause P1)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.guard import closed_to_support
from accounts.models import Membership
from accounts.requests import GET_OR_POST, Request
from policy import coverage
from policy.forms import CitizenshipForm


@closed_to_support
@never_cache
@GET_OR_POST
def citizenship(request: Request) -> HttpResponse:
    by = request.gate
    declared = Membership.objects.values_list("citizenship", flat=True).get(
        company_id=by.company_id, id=by.membership_id
    )
    form = CitizenshipForm(
        request.POST if request.method == "POST" else None,
        by=by,
        initial={"citizenship": declared},
    )
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "policy/citizenship.html", {"form": form}, status=status)
    coverage.declare_citizenship(form.cleaned_data["citizenship"], by=by)
    messages.success(request, _("Saved."))
    return redirect("policy:citizenship")
