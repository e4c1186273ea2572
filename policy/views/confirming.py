"""Proving once more that it is oneself, for a deed that a session left open must not suffice for.

Like the page of acceptance it holds the form that was stopped, and sends it on (policy/stopped.py).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.mfa.webauthn.internal.auth import begin_authentication
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import factors
from accounts.factor_forms import PasskeyAgainForm, ReauthenticateForm
from accounts.forms import PasswordAgainForm
from accounts.guard import closed_to_support, signed_in
from accounts.requests import GET_OR_POST, Request
from policy import answers, stopped

FIELDS = ("credential", "code", "password")
Forms = dict[str, Any]  # by the name of the one field that proves something


@closed_to_support
@signed_in
@sensitive_post_parameters()
@never_cache
@GET_OR_POST
def confirm(request: Request, proof: str) -> HttpResponse:
    """By a second factor of whoever has one, or else by the password; where a factor is asked for
    (`proof`), who has none is led to set one up."""
    next_address = answers.safe_next(request.POST.get("next") or request.GET.get("next"))
    held = factors.held(request.user)
    if proof == "factor" and not held:
        return redirect(f"{reverse('mfa_activate_totp')}?{urlencode({'next': next_address})}")
    forms = _by_factor(request, held) if held else _by_password(request)
    sent = forms.get(_sent(request))
    if sent is not None and sent.is_valid():
        if held:
            sent.save()
        return answers.go_on(request, next_address)
    context = {
        "form": sent or next(iter(forms.values())),
        "forms": forms,
        "options": {"request_options": begin_authentication(request.user)}
        if "credential" in forms
        else None,
        "next": next_address,
        "stopped": stopped.fields(request),
    }
    return render(request, "policy/confirm.html", context, status=422 if sent else 200)


def _by_password(request: Request) -> Forms:
    data = request.POST if _sent(request) else None
    return {"password": PasswordAgainForm(data, prefix=stopped.PROOF, request=request)}


def _by_factor(request: Request, held: set[str]) -> Forms:
    """A code, or a recovery code; and a passkey."""
    kinds: dict[str, Any] = {"code": ReauthenticateForm}
    if "webauthn" in held:
        kinds["credential"] = PasskeyAgainForm
    sent = _sent(request)
    return {
        name: form(request.POST if name == sent else None, prefix=stopped.PROOF, user=request.user)
        for name, form in kinds.items()
    }


def _sent(request: Request) -> str:
    """By what this page's own form proves it; "" where another was sent, which this is to hold, or
    where the page is asked for in another language."""
    if "lang" in request.GET:
        return ""
    sent = [name for name in FIELDS if f"{stopped.PROOF}-{name}" in request.POST]
    filled = [name for name in sent if request.POST[f"{stopped.PROOF}-{name}"]]
    return next(iter(filled or reversed(sent)), "")
