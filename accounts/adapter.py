"""How django-allauth behaves here: nobody signs up by himself, an invitation brings people in."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils import translation

from accounts import gate
from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        """Checking a password takes a while. Where it was changed meanwhile, the old one must not
        open a session: a change ends those there are, and waits for this row."""
        if not gate.password_stands(user.pk, user.password):
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def set_password(self, user: User, password: str) -> None:
        """Save the password and nothing else: the rest of `user` may be out of date."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """In the reader's language: anybody may have asked for it."""
        with translation.override(User.objects.language_of(email)):
            super().send_mail(template_prefix, email, context)

    def add_message(
        self, request: HttpRequest, level: int, message_template: str = "", *args: Any, **more: Any
    ) -> None:
        """Signing out is not remarked upon: the words would need a cookie to wait in."""
        if message_template != "account/messages/logged_out.txt":
            super().add_message(request, level, message_template, *args, **more)
