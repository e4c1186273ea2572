"""Letters about access links: the link, to support, and what became of it, to who made it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import gate, grants
from accounts.access import LetterDue
from accounts.gate import Entry
from accounts.letters import letter
from accounts.models import Grant

TASK: Final = "orders.tell_of_access"
SUBJECTS: Final = {
    "asked": _("%(staff)s of support asks to be let into %(company)s"),
    "entered": _("%(staff)s of support is let into %(company)s"),
    "viewed": _("%(staff)s of support looks at orders of %(company)s"),
    "written": _("%(staff)s of support changed an order of %(company)s"),
    "over": _("Support's access to %(company)s is over"),
}


def mail_link(link: str, *, by: Entry, grant: Grant) -> None:
    """To support, once the link is there. It opens to nobody unless its maker lets him in."""
    mail = letter(
        settings.SUPPORT_EMAIL,
        language="",
        subject=_("%(company)s asks support for help"),
        template="orders/access/link.txt",
        company=by.company_name,
        who=by.user_name,
        reason=grant.reason,
        link=link,
    )
    transaction.on_commit(mail.send, robust=True)


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


def _write(due: LetterDue, *, email: str, language: str, mine: bool) -> None:
    letter(
        email,
        language=language,
        subject=SUBJECTS[due.what],
        template="orders/access/told.txt",
        what=due.what,
        company=due.company,
        staff=due.staff,
        maker=due.maker,
        mine=mine,
        reason=due.reason,
        link=settings.SITE_URL + reverse("orders:access_link", args=[due.grant_id]),
    ).send()
