"""One's own second factors: django-allauth's pages, behind a fresh proof of who asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.base.views import IndexView
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse_lazy

from accounts import gate
from accounts.freshness import is_fresh
from accounts.guard import closed_to_support, signed_in
from accounts.requests import Request

View = Callable[..., Any]


def opened(view: View) -> View:
    """To whoever is signed in, with his own factors open to the view."""

    @wraps(view)
    def with_factors(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        gate.open_factors(request.gate.user_id)
        return view(request, *args, **kwargs)

    return closed_to_support(signed_in(with_factors))


def guarded(view: View) -> View:
    """The same, after a fresh proof: by a factor of whoever has one, or else by the password. Who
    has found out a password is not to take the factor away by it."""

    @wraps(view)
    def after_proof(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        has_factor = gate.open_factors(request.gate.user_id)
        if not is_fresh(request.gate, "factor" if has_factor else "any"):
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return closed_to_support(signed_in(after_proof))


class GoingOn:
    """On to where the person was headed, past the recovery codes that are shown once."""

    request: Request

    def get_success_url(self) -> str:
        address: str = super().get_success_url()  # type: ignore[misc]  # a view's, beside us
        headed = get_next_redirect_url(self.request)
        return f"{address}?{urlencode({'next': headed})}" if headed else address


class AddAuthenticatorApp(GoingOn, ActivateTOTPView):
    def form_valid(self, form: Any) -> HttpResponse:
        self.request.session.prove(form.user.pk, "totp")
        return super().form_valid(form)


class AddPasskey(GoingOn, AddWebAuthnView):
    def form_valid(self, form: Any) -> HttpResponse:
        self.request.session.prove(form.user.pk, "webauthn")
        return super().form_valid(form)


class RecoveryCodes(ViewRecoveryCodesView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        headed = get_next_redirect_url(self.request) or settings.LOGIN_REDIRECT_URL
        return {**super().get_context_data(**kwargs), "next": headed}


index = opened(IndexView.as_view())
add_app = guarded(AddAuthenticatorApp.as_view())
remove_app = guarded(DeactivateTOTPView.as_view())
add_passkey = guarded(AddPasskey.as_view())
remove_passkey = guarded(
    RemoveWebAuthnView.as_view(pk_url_kwarg="number", success_url=reverse_lazy("mfa_index"))
)
recovery_codes = guarded(RecoveryCodes.as_view())
new_recovery_codes = guarded(GenerateRecoveryCodesView.as_view())
