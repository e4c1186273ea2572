"""Partners and keys: which machines send leads here, for whom, and until when."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import apikeys
from accounts.forms import KeyForm
from accounts.guard import closed_to_support, requires
from accounts.models import ApiKey
from accounts.people import Roster, Standing, roster
from accounts.requests import GET_OR_POST, Request


@closed_to_support
@never_cache
@GET_OR_POST
@requires("keys.manage")
def keys(request: Request) -> HttpResponse:
    """The keys there are, and a form for another. A new one's secret is shown in this answer and
    nowhere else."""
    known, sent = roster(request.gate), request.POST if request.method == "POST" else None
    form = KeyForm(sent, roster=known, currency=request.gate.company_currency)
    if not form.is_valid():
        return _page(request, known, form, status=422 if form.is_bound else 200)
    secret = apikeys.make(by=request.gate, **form.cleaned_data)
    fresh = KeyForm(roster=known, currency=request.gate.company_currency)
    return _page(request, known, fresh, secret=secret)


@closed_to_support
@require_POST
@requires("keys.manage")
def revocation(request: Request, key_id: UUID) -> HttpResponse:
    key = get_object_or_404(ApiKey.objects, company_id=request.gate.company_id, id=key_id)
    key.revoke(by=request.gate)
    messages.success(request, _("The key “%(name)s” opens nothing any more.") % {"name": key})
    return redirect("accounts:keys")


def _page(
    request: Request, known: Roster, form: KeyForm, *, secret: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "keys": [_told(key, known) for key in apikeys.of_company(request.gate)],
        "form": form,
        "secret": secret,
        "address": request.build_absolute_uri("/api/v1/leads"),
        "document": request.build_absolute_uri("/api/v1/openapi.json"),
    }
    return render(request, "accounts/keys.html", context, status=status)


def _told(key: ApiKey, known: Roster) -> dict[str, Any]:
    member = key.membership
    assert member  # the key goes with its row
    missing = known.standing.get(member.user_id, Standing()).missing
    over = key.revoked_at or (key.expires_at and key.expires_at <= timezone.now())
    return {
        "key": key,
        "partner": member.partner.name if member.partner else "",
        "member": str(member.user),
        "gone": bool(member.left_at) or member.role != "partner",
        "missing": missing,
        "over": over,
        "revoke_url": "" if over else reverse("accounts:revocation", args=[key.id]),
    }
