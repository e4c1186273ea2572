"""Where a chain ended is signed every night and mailed to the owners, and cannot be forged."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from accounts import audit, chains, gate, heads
from accounts.models import AuditHead, Company
from tests import people
from tests.conftest import copy_anew
from tests.jobs import told
from tests.people import Someone, adam, ann, gail

as_ = partial(people.as_, kind="job")  # sessions are entries of their own


@pytest.fixture(autouse=True)
def database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Chained at the commit, checked as the owner, whose tables Django's own tests would empty."""
    with django_db_blocker.unblock():
        yield
        copy_anew()


def recorded(by: Someone = gail, many: int = 3) -> None:
    for number in range(many):
        with as_(by) as entry:
            audit.record(by=entry, action="team.made", number=number)


def kept() -> list[AuditHead]:
    with as_(adam):
        return list(AuditHead.objects.order_by("id"))


def found() -> list[str]:
    return list(chains.problems(Company.objects.using("owner").get(slug="aurora"), {}))


def test_a_head_is_kept_where_the_chain_has_grown():
    recorded()
    heads.keep()
    heads.keep()
    [first] = kept()
    recorded()
    heads.keep()
    assert [head.number - first.number for head in kept()] == [0, 3]
    assert found() == []


def test_owners_are_told_by_mail_and_nobody_else():
    recorded()
    heads.keep()
    [head] = kept()
    letters: list[Any] = [each for each in told(heads.TASK) if each["company"] == "Aurora"]
    assert [each["email"] for each in letters] == [ann.email]
    heads.tell(**letters[0])
    [letter] = mail.outbox
    assert letter.to == [ann.email]
    assert f"{head.number}:{head.hash}" in letter.body


def test_the_letter_s_line_finds_what_the_database_says_no_more(owner: psycopg.Connection) -> None:
    recorded()
    heads.keep()
    [head] = kept()
    line = f"{head.number}:{head.hash}"
    call_command("verify_audit", "--head", "aurora", line)
    with pytest.raises(CommandError):
        call_command("verify_audit", "--head", "aurora", f"{head.number + 1}:{head.hash}")


def test_a_head_that_somebody_else_signed_is_named(owner: psycopg.Connection) -> None:
    recorded()
    heads.keep()
    owner.execute("ALTER TABLE accounts_audithead DISABLE TRIGGER append_only")
    owner.execute("UPDATE accounts_audithead SET number = number - 1")
    [head] = kept()
    assert found() == [f"head {head.number}: not signed by the operator"]


def test_another_master_key_signs_anew_and_checks_what_it_can(settings) -> None:
    recorded()
    heads.keep()
    former = settings.MASTER_KEYS
    try:
        with override_settings(MASTER_KEYS=[bytes(32), *former]):
            heads._keys.cache_clear()
            heads.keep()
            assert found() == []
        with override_settings(MASTER_KEYS=[bytes(32)]):
            heads._keys.cache_clear()
            assert found() == []
        with override_settings(MASTER_KEYS=[b"1" * 32]):
            heads._keys.cache_clear()
            assert found() == ["heads: none is signed with a key at hand"]
    finally:
        heads._keys.cache_clear()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM gate.heads_due('guessed', 'x')",
        "SELECT gate.keep_head('guessed', 1, gen_random_uuid(), 1, '', now(), '', '')",
        "DELETE FROM accounts_audithead",
        "UPDATE accounts_audithead SET hash = ''",
    ],
)
def test_no_member_keeps_or_changes_a_head(statement: str) -> None:
    recorded()
    heads.keep()
    before = [head.signature for head in kept()]
    with as_(ann), pytest.raises(DatabaseError), transaction.atomic():
        connection.cursor().execute(statement)
    assert [head.signature for head in kept()] == before


def test_agents_read_no_heads():
    recorded()
    heads.keep()
    with as_(gail):
        assert not AuditHead.objects.exists()
    with gate.vouching():
        assert not AuditHead.objects.exists()
