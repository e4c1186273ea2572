"""An entry says who and when by the database's word, whatever its writer would have it say."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, User
from tests.people import adam, as_, gail

pytestmark = pytest.mark.django_db


def forged(by, **values):
    """The entry as it is kept, of a person who writes it past `audit.record`."""
    entry = AuditEntry.objects.create(
        company_id=by.company_id, actor_id=by.user_id, action="person.left", **values
    )
    with as_(adam):
        return AuditEntry.objects.get(id=entry.id)


@pytest.mark.parametrize("away", [timedelta(days=-400), timedelta(days=400)])
def test_an_entry_is_neither_antedated_nor_postdated(away):
    before = timezone.now()
    with as_(gail) as by:
        entry = forged(by, at=before + away)
    assert before <= entry.at <= timezone.now()


def test_nobody_writes_another_name_to_a_deed():
    with as_(gail) as by:
        assert forged(by, at=timezone.now(), actor_name="Ann").actor_name == "Gail"


def test_who_has_no_name_goes_by_the_email():
    with as_(gail) as by:
        User.objects.filter(pk=by.user_id).update(name="")
        assert forged(by, at=timezone.now()).actor_name == gail.email


def test_what_is_recorded_has_both():
    before = timezone.now()
    with as_(adam) as by:
        entry = audit.record(by=by, action="person.left")
        entry.refresh_from_db()
    assert before <= entry.at <= timezone.now()
    assert entry.actor_name == "Adam"
