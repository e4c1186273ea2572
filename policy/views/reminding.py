"""Who of a company's people has accepted the policies in force; reminding those who have not."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.guard import closed_to_support, requires
from accounts.models import ApiKey, Membership
from accounts.people import Standing
from accounts.requests import Request
from policy import reminders, standing


@closed_to_support
@requires("company.policy")
@require_safe
@never_cache
def people(request: Request) -> HttpResponse:
    known = standing.of_company(request.gate)
    members = (
        Membership.objects.living()
        .filter(company_id=request.gate.company_id)
        .select_related("user")
        .order_by("user__name", "user__email")
    )
    held = ApiKey.objects.living().filter(company_id=request.gate.company_id)
    holders = set(held.values_list("membership_id", flat=True))
    shown: list[dict[str, Any]] = [
        {
            "member": each,
            "standing": known.get(each.user_id, Standing()),
            "holds_key": each.id in holders,
        }
        for each in members
    ]
    shown.sort(key=lambda each: not each["standing"].missing)
    waiting = sum(bool(each.missing) for each in known.values())
    return render(request, "policy/people.html", {"people": shown, "waiting": waiting})


@closed_to_support
@requires("company.policy")
@require_POST
def remind(request: Request) -> HttpResponse:
    many = reminders.remind(by=request.gate)
    if many:
        text = ngettext("%s person is reminded by mail.", "%s persons are reminded by mail.", many)
        messages.success(request, text % many)
    else:
        messages.info(request, _("Everybody whom it concerns was reminded within the last day."))
    return redirect("policy:people")
