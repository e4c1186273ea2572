"""An invitation, as whoever holds its link sees it. Opening it changes nothing: mail scanners open
every link."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import gate, invitations
from accounts.forms import JoiningForm
from accounts.guard import closed_to_support, public
from accounts.models import Role, User
from accounts.requests import GET_OR_POST, Request
from accounts.views import unseen

WHY_CLOSED = {
    "used": gettext_lazy("It has been used already."),
    "withdrawn": gettext_lazy("It has been withdrawn."),
    "expired": gettext_lazy("It has expired."),
}


@closed_to_support
@public
@sensitive_post_parameters()
@never_cache
@GET_OR_POST
def invitation(request: Request, secret: str) -> HttpResponse:
    offer = invitations.read(secret)
    if offer is None:
        return _closed(request, _("There is no such invitation. Was the link copied whole?"), 404)
    if offer.state != "open":
        return _closed(request, str(WHY_CLOSED[offer.state]), 410)
    try:
        if request.user.is_authenticated:
            return _for_member_elsewhere(request, secret, offer)
        if User.objects.filter(email=offer.email).exists():
            return unseen(redirect_to_login(request.path))
        return _for_newcomer(request, secret, offer)
    except invitations.Closed:
        return _closed(request, str(WHY_CLOSED["used"]), 410)


def _for_newcomer(request: Request, secret: str, offer: invitations.Offer) -> HttpResponse:
    form = JoiningForm(request.POST or None, email=offer.email)
    if not form.is_valid():
        return _shown(request, offer, form=form)
    user = invitations.join_anew(
        secret,
        email=offer.email,
        name=form.cleaned_data["name"],
        password=form.cleaned_data["password"],
        language=get_language() or "",
    )
    get_adapter().login(request, user)
    request.session.save()
    return _joined(request)


def _for_member_elsewhere(request: Request, secret: str, offer: invitations.Offer) -> HttpResponse:
    if request.user.email != offer.email:
        return _shown(request, offer, signed_in_as=request.user.email, for_another=True, status=403)
    if request.method != "POST":
        return _shown(request, offer, signed_in_as=request.user.email)
    gate.choose_company(invitations.join(secret, request.user))
    return _joined(request)


def _joined(request: Request) -> HttpResponse:
    invitations.record_joining(request.session.session_key)
    return redirect(settings.LOGIN_REDIRECT_URL)


def _shown(
    request: Request, offer: invitations.Offer, *, status: int = 200, **context: Any
) -> HttpResponse:
    shown = {
        "company": offer.company,
        "role_label": Role(offer.role).label,
        "email": offer.email,
        "invited_by": offer.invited_by,
        "expires_at": offer.expires_at,
    }
    return unseen(
        render(request, "accounts/invitation.html", {"invitation": shown, **context}, status=status)
    )


def _closed(request: Request, problem: str, status: int) -> HttpResponse:
    return unseen(render(request, "accounts/invitation.html", {"problem": problem}, status=status))
