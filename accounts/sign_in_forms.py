"""django-allauth's forms in our words, and without placeholders that repeat the labels."""

from __future__ import annotations

from typing import Any, Final

from allauth.account import forms as theirs
from django.utils.translation import gettext_lazy as _

LABELS: Final[dict[str, Any]] = {
    "login": _("E-mail"),
    "email": _("E-mail"),
    "oldpassword": _("Current password"),
    "password1": _("New password"),
    "password2": _("New password, once more"),
}


class InOurWords:
    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = LABELS.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)


class LoginForm(InOurWords, theirs.LoginForm):
    pass


class ChangePasswordForm(InOurWords, theirs.ChangePasswordForm):
    pass


class ResetPasswordForm(InOurWords, theirs.ResetPasswordForm):
    pass


class ResetPasswordKeyForm(InOurWords, theirs.ResetPasswordKeyForm):
    pass
