"""An entry says who and when by the database's word, whatever its writer would have it say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import audit
from accounts.gate import Entry
from accounts.models import AuditEntry, AuditName, User
from tests.people import adam, ann, as_, bea, gail

pytestmark = pytest.mark.django_db


def forged(by: Entry, **values: Any) -> AuditEntry:
    """The entry as it is kept, of a person who writes it past `audit.record`."""
    entry = AuditEntry.objects.create(
        company_id=by.company_id, actor_id=by.user_id, action="person.left", **values
    )
    return kept(entry)


def kept(entry: AuditEntry) -> AuditEntry:
    with as_(adam):
        return AuditEntry.objects.get(id=entry.id)


@pytest.mark.parametrize("away", [timedelta(days=-400), timedelta(days=400)])
def test_an_entry_is_neither_antedated_nor_postdated(away: timedelta) -> None:
    before = timezone.now()
    with as_(gail) as by:
        entry = forged(by, at=before + away)
    assert before <= entry.at <= timezone.now()


def test_nobody_writes_another_name_to_a_deed() -> None:
    with as_(ann) as by:
        anns = kept(audit.record(by=by, action="team.made")).actor_seal
    with as_(gail) as by:
        assert forged(by, at=timezone.now(), actor_seal=anns).actor_name == "Gail"


def test_who_has_no_name_goes_by_the_email() -> None:
    with as_(gail) as by:
        User.objects.filter(pk=by.user_id).update(name="")
        assert forged(by, at=timezone.now()).actor_name == gail.email


def test_a_former_name_stays_with_former_deeds() -> None:
    with as_(gail) as by:
        former = forged(by, at=timezone.now())
        User.objects.filter(pk=by.user_id).update(name="Abigail")
        assert forged(by, at=timezone.now()).actor_name == "Abigail"
    assert kept(former).actor_name == "Gail"


def test_what_is_recorded_has_both() -> None:
    before = timezone.now()
    with as_(adam) as by:
        entry = kept(audit.record(by=by, action="person.left"))
    assert before <= entry.at <= timezone.now()
    assert entry.actor_name == "Adam"


def test_of_a_member_the_entry_names_the_person() -> None:
    membership = gail.membership()
    with as_(ann) as by:
        entry = kept(audit.record(by=by, action="person.removed", of=membership))
    assert (entry.person_id, entry.person_name) == (gail.user.pk, "Gail")
    assert entry.object_name == ""


def test_nobody_of_another_company_is_named() -> None:
    """Who knows a number could read whose it is."""
    bea_id = bea.user.pk
    with as_(gail) as by:
        with pytest.raises(DatabaseError, match="people of the company"), transaction.atomic():
            audit.record(by=by, action="order.assigned", person_id=bea_id)
        assert not AuditName.objects.filter(name="Bea").exists()


@pytest.mark.parametrize(
    "said", [[], "text", {"a": 1.5}, {"a": 10**20}, {"a": {"b": {"c": {"d": {"e": 1}}}}}], ids=str
)
def test_an_entry_says_nothing_that_cannot_be_said_again_letter_by_letter(said: Any) -> None:
    with as_(gail) as by:
        with pytest.raises(DatabaseError, match="whole numbers"), transaction.atomic():
            forged(by, at=timezone.now(), changes=said)
        assert forged(by, at=timezone.now(), changes={"a": [1, -2, "1.5", None, True]}).changes


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO accounts_auditname (company_id, seal, name, salt) VALUES (1, 'x', 'Ann', '')",
        "UPDATE accounts_auditname SET name = 'Nobody'",
        "DELETE FROM accounts_auditname",
        "DELETE FROM accounts_auditchain",
        "UPDATE accounts_auditchain SET hash = ''",
        "SELECT FROM gate.chain_end FOR UPDATE",
        "SELECT FROM gate.unchained",
        "SELECT gate.chain()",
    ],
)
def test_the_web_role_has_no_hand_in_names_and_chain(statement: str) -> None:
    with as_(ann) as by:
        audit.record(by=by, action="team.made")
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)
