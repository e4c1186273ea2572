"""How django-allauth behaves here: nobody signs up by himself, an invitation brings people in."""

from __future__ import annotations

import logging
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts import gate
from accounts.models import User

# What django-allauth calls each change of somebody's second factor.
CHANGES: Final = {
    "mfa/email/totp_activated": _("An authenticator app was added."),
    "mfa/email/totp_deactivated": _("The authenticator app was removed."),
    "mfa/email/webauthn_added": _("A passkey was added."),
    "mfa/email/webauthn_removed": _("A passkey was removed."),
    "mfa/email/recovery_codes_generated": _("New recovery codes were made; the old ones are void."),
}
BEGAN_BY: Final = "sign_in_began_by"  # in the session: a person's id, and the password's keyed hash
log = logging.getLogger(__name__)


def _send(subject: str, body: str, email: str) -> None:
    try:
        send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [email])
    except OSError:  # of the connection, or SMTPException
        log.exception("A change of a second factor was not told.")


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_login(self, request: HttpRequest, user: User, **told: Any) -> HttpResponse | None:
        """Notes what the password was that the first step was taken by."""
        request.session[BEGAN_BY] = {str(user.pk): user.get_session_auth_hash()}
        return super().pre_login(request, user, **told)

    def login(self, request: HttpRequest, user: User) -> None:
        """Checking a password takes a while, and so does a second step, which reads the person
        anew. Where the password was changed meanwhile, the old one must not open a session: a
        change ends those there are, and waits for this row."""
        known = user.get_session_auth_hash()
        began_by = request.session.pop(BEGAN_BY, {}).get(str(user.pk), known)
        if began_by != known or not gate.password_stands(user.pk, user.password):
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Whoever knows an e-mail's password is asked for it again, too: that is told likewise."""
        email = str(credentials.get("email", "")).lower()
        known = User.objects.filter(email=email, is_active=True).values_list("pk", flat=True)
        gate.tell_of_refusal(known.first(), "password")

    def set_password(self, user: User, password: str) -> None:
        """Save the password and nothing else: the rest of `user` may be out of date."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """In the reader's language: anybody may have asked for it."""
        with translation.override(User.objects.language_of(email)):
            super().send_mail(template_prefix, email, context)

    def send_notification_mail(
        self, template_prefix: str, user: User, context: Any = None, email: str | None = None
    ) -> None:
        """To whoever's second factor was changed. It is changed by then, so a letter that does not
        leave is logged, and undoes nothing."""
        if change := CHANGES.get(template_prefix):
            with translation.override(user.language or settings.LANGUAGE_CODE):
                body = render_to_string("accounts/factors.txt", {"change": change})
                _send(str(_("How you sign in to Covenant was changed")), body, user.email)

    def add_message(
        self, request: HttpRequest, level: int, message_template: str = "", *args: Any, **more: Any
    ) -> None:
        """Signing out is not remarked upon: the words would need a cookie to wait in. Nor is what
        became of second factors, which the page that follows shows."""
        if message_template != "account/messages/logged_out.txt" and not (
            message_template.startswith("mfa/messages/")
        ):
            super().add_message(request, level, message_template, *args, **more)
