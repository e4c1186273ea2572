"""Letters about access links: the link, to support, and what became of it, to who made it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from accounts import gate, grants
from accounts.access import LetterDue
from accounts.gate import Entry
from accounts.models import Grant

TASK: Final = "orders.tell_of_access"
SUBJECTS: Final = {
    "asked": _lazy("%(staff)s of support asks to be let into %(company)s"),
    "viewed": _lazy("%(staff)s of support looks at orders of %(company)s"),
    "written": _lazy("%(staff)s of support changed an order of %(company)s"),
    "over": _lazy("Support's access to %(company)s is over"),
}


def mail_link(link: str, *, by: Entry, grant: Grant) -> None:
    """To support, once the link is there. It opens to nobody unless its maker lets him in."""
    told = {"link": link, "company": by.company_name, "who": by.user_name, "reason": grant.reason}
    subject = _("%(company)s asks support for help") % {"company": by.company_name}
    body = render_to_string("orders/access/link.txt", told)
    transaction.on_commit(lambda: _send(subject, body, [settings.SUPPORT_EMAIL]), robust=True)


def tell_all() -> None:
    """Every letter that is due, each in a transaction of its own. One that fails is written the
    next time, and keeps no other waiting; then the failure is raised."""
    failed: dict[UUID, OSError] = {}
    while _tell_one(failed):
        pass
    for error in failed.values():
        raise error


def _tell_one(failed: dict[UUID, OSError]) -> LetterDue | None:
    """None once there is no other."""
    due = None
    try:
        with gate.vouching():
            due = grants.letter_about_access(but=list(failed))
            if due:
                for reader in due.readers:
                    _write(due, **reader)
    except OSError as error:  # of the mail server
        if due is None:
            raise
        failed[due.grant_id] = error
    return due


def _write(due: LetterDue, *, email: str, language: str) -> None:
    told: dict[str, Any] = {**due._asdict(), "link": _watching(due.grant_id)}
    with translation.override(language or settings.LANGUAGE_CODE):
        subject = SUBJECTS[due.what] % {"staff": due.staff, "company": due.company}
        body = render_to_string("orders/access/told.txt", told)
    _send(subject, body, [email])


def _watching(grant_id: UUID) -> str:
    return str(settings.SITE_URL + reverse("orders:access_link", args=[grant_id]))


def _send(subject: str, body: str, to: list[str]) -> None:
    send_mail(" ".join(subject.split()), body, settings.DEFAULT_FROM_EMAIL, to)
