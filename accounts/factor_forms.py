"""What is typed and sent to prove a second factor, and to set one up: django-allauth's forms."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from allauth.core import context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as theirs
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn import forms as webauthn
from allauth.mfa.webauthn.internal import auth as passkeys
from cryptography.exceptions import InvalidTag
from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from fido2.webauthn import AuthenticationResponse, RegistrationResponse

from accounts import gate
from accounts.factors import seal, unseal
from accounts.models import User
from accounts.sign_in_forms import InOurWords

ANY_CODE: Final = _("Six digits from your app, or one of your recovery codes.")


class CodeField(forms.RegexField):
    """Digits, in groups if somebody likes."""

    widget = forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"^[0-9 -]{6,32}\Z", label=_("Code"), **kwargs)


def first_use(user: User, code: str) -> bool:
    """Whether this code of the person's app has not been used before, anywhere. django-allauth
    asks, too, but remembers for one step only, and a code is good for three."""
    steps = 2 * app_settings.TOTP_TOLERANCE + 1
    used = f"totp:{user.pk}:{normalize_user_code(code)}"
    return bool(cache.add(used, True, timeout=steps * app_settings.TOTP_PERIOD))


@contextmanager
def telling(user: User) -> Iterator[None]:
    """A second factor of this person's that proves wrong is told in the audits of their companies;
    one that is not even looked at, after too many, is not."""
    try:
        yield
    except ValidationError as error:
        if error.code == "incorrect_code":
            gate.tell_of_refusal(user.pk, "factor")
        raise


class _CodeForm(InOurWords):
    """A code of the person's app, or a recovery code, each good for once."""

    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        with telling(self.user):
            code: str = super().clean_code()  # type: ignore[misc]  # django-allauth's, beside us
            is_totp = self.authenticator.type == Authenticator.Type.TOTP
            if is_totp and not first_use(self.user, code):
                raise get_adapter().validation_error("incorrect_code")
            return code


class AuthenticateForm(_CodeForm, theirs.AuthenticateForm):
    code = CodeField(help_text=ANY_CODE)


class ReauthenticateForm(_CodeForm, theirs.ReauthenticateForm):
    code = CodeField(help_text=ANY_CODE)


class ActivateTOTPForm(InOurWords, forms.Form):
    """The first code of an app. Until it comes, what codes are made from waits in the session,
    where django-allauth's own form would leave it unsealed."""

    code = CodeField(help_text=_("The six digits that your app shows now."))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.secret = self._offered()

    def _offered(self) -> str:
        session = context.request.session
        if self.is_bound and totp.SECRET_SESSION_KEY in session:
            with suppress(InvalidTag):  # of a master key that is gone: another is offered
                return unseal(session[totp.SECRET_SESSION_KEY])
        secret = totp.generate_totp_secret()
        session[totp.SECRET_SESSION_KEY] = seal(secret)
        return secret

    def clean_code(self) -> str:
        forget_attempts = check_rate_limit(self.user, error_key="rate_limited")
        code: str = self.cleaned_data["code"]
        if not (totp.validate_totp_code(self.secret, code) and first_use(self.user, code)):
            raise get_adapter().validation_error("incorrect_code")
        forget_attempts()
        return code


class CredentialField(forms.JSONField):
    """What a browser says for a passkey, of the given form. fido2 raises whatever comes up for what
    is of none, and django-allauth expects less of it."""

    widget = forms.HiddenInput

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.response = response

    def to_python(self, value: Any) -> Any:
        credential = super().to_python(value)
        try:
            self.response.from_dict(credential)
        except (AttributeError, LookupError, TypeError, ValueError, struct.error):
            raise get_adapter().validation_error("incorrect_code") from None
        return credential


class PasskeyForm(webauthn.AuthenticateWebAuthnForm):
    credential = CredentialField(AuthenticationResponse)

    def clean_credential(self) -> Authenticator:
        with telling(self.user):
            found: Authenticator = super().clean_credential()
            return found


class PasskeyAgainForm(PasskeyForm):
    reauthenticated = True


class AddPasskeyForm(InOurWords, webauthn.AddWebAuthnForm):
    credential = CredentialField(RegistrationResponse)
    name = forms.CharField(
        label=_("Its name"),
        required=False,
        max_length=60,
        help_text=_("By which you tell it from others: the device, or where it is kept."),
    )
    passwordless = forms.BooleanField(
        label=_("Sign in by it alone, without the password"),
        required=False,
        help_text=_("It then has to ask for a PIN, a finger or a face."),
    )


class PasskeySignInForm(webauthn.LoginWebAuthnForm):
    """Whose passkey it is meant to be, the browser alone says: of a wrong one nobody is told, or
    anybody could say that it was somebody's."""

    credential = CredentialField(AuthenticationResponse)

    def clean_credential(self) -> Authenticator:
        credential = self.cleaned_data["credential"]
        gate.open_factors(passkeys.extract_user_from_response(credential).pk)
        found: Authenticator = super().clean_credential()
        return found
