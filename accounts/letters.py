"""Letters: each in its reader's language, under one line that no name in it can break."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise


def letter(to: str, *, language: str, subject: Promise, template: str, **told: Any) -> EmailMessage:
    """Ready to be sent. `subject` names, as "%(name)s", what is `told` to the template, too;
    `language` may be "" for whoever has chosen none."""
    with translation.override(language or settings.LANGUAGE_CODE):
        line = " ".join((str(subject) % told).split())
        return EmailMessage(line, render_to_string(template, told), to=[to])
