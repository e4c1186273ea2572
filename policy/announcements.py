"""Telling people by mail, ahead, of a policy that will ask them: once for each announced version.

Whom it concerns, and who has been told, the database works out and notes, so many at a time: a
worker may be killed between any two steps, and the next goes on from there, and no step holds more
than its own people. The letters are jobs of their own, as those of `policy.reminders`. Whoever
comes later reads it on every page (`policy.notices`).
"""

from __future__ import annotations

from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import gate
from accounts.letters import letter
from accounts.models import User
from policy.models import Announcement, Kind, PolicyVersion

TASK: Final = "policy.announce"
LETTER: Final = "policy.announce_to"
AT_ONCE: Final = 200  # people in one transaction: a fraction of a second


def tell_people() -> int:
    """Have a letter written to each of whom an announced version will ask something; to how
    many."""
    many = 0
    while True:
        with gate.vouching():
            told = gate.announce(at_once=AT_ONCE)
            if told is None:
                return many
            for user_id in told.people:
                gate.queue_job(LETTER, user_id=user_id, version_id=str(told.version))
        many += len(told.people)


def write(*, user_id: int, version_id: UUID | str) -> None:
    """The letter, in its reader's language; none of what is in force by now, which asks by
    itself."""
    version = PolicyVersion.objects.select_related("company").get(pk=version_id)
    if not version.upcoming:
        return
    user, company = User.objects.get(pk=user_id), version.company
    zone = company.time_zone if company else settings.TIME_ZONE
    with timezone.override(ZoneInfo(zone)):
        letter(
            user.email,
            language=user.language,
            subject=_("%(company)s announces a new policy")
            if company
            else _("A new policy of the CRM is announced"),
            template="policy/announcement.txt",
            company=company.name if company else "",
            name=user.name,
            at=version.effective_at,
            zone=zone,
            link=settings.SITE_URL + (version.diff_url() or version.get_absolute_url()),
        ).send()


def of(version: PolicyVersion | None) -> Announcement | None:
    """How far the letters about an announced version are, for who may publish it; None where
    nobody is told ahead."""
    if not (version and version.upcoming and version.material and version.kind != Kind.SITE):
        return None
    found = Announcement.objects.filter(version=version).first()
    return found or Announcement(version=version, people=0)
