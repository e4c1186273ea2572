"""Reminding a company's people of the policies that wait for their acceptance (clause C2).

The database notes who was reminded, and reminds nobody twice within a day. The letters are the
worker's, a job for each, so that one address that refuses its letter holds up no other.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import audit, gate
from accounts.gate import Entry
from accounts.letters import letter
from accounts.models import Company, User

TASK = "policy.remind"


def remind(*, by: Entry) -> int:
    """Have a letter written to whoever has something to accept; to how many. Raises
    ProgrammingError for who does not run the company."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT gate.remind()")
            found = [user_id for (user_id,) in cursor.fetchall()]
        for user_id in found:
            gate.queue_job(TASK, user_id=user_id, company_id=by.company_id)
        if found:
            audit.record(by=by, action="people.reminded", people=len(found))
    return len(found)


def write(*, user_id: int, company_id: int) -> None:
    """The letter, in its reader's language. No job says where its link leads."""
    link = settings.SITE_URL + reverse("policy:accept")
    user, company = User.objects.get(pk=user_id), Company.objects.get(pk=company_id)
    letter(
        user.email,
        language=user.language,
        subject=_("A policy of %(company)s waits for you"),
        template="policy/reminder.txt",
        company=company.name,
        name=user.name,
        link=link,
    ).send()
