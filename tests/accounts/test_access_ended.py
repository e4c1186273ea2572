"""Whatever ends an access link is an entry, in the transaction that ends it, and once: in SQL.

Nobody shuts these by hand: what they rest on changes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError

from accounts import gate, grants, tasks
from accounts.access import CAUSES
from accounts.models import AuditEntry, Grant
from tests import people
from tests.access import ask, let_in, link, proven, revoke, state_of
from tests.accounts.revocations import begun
from tests.accounts.test_access_in_sql import MEMBERSHIP, aurora, carrying, seen

pytestmark = pytest.mark.django_db(transaction=True)

GAIL, SUE = (f"(SELECT id FROM accounts_user WHERE email = '{each.email}')"
             for each in (people.gail, people.sue))  # fmt: skip
ACCOUNT = "UPDATE accounts_user SET {} WHERE id = {}"
PLACE = MEMBERSHIP.replace("{} AND company_id = {}", f"{GAIL} AND left_at IS NULL")


class End(NamedTuple):
    """What changes, on the server; the cause that is stored; and in whose name the entry stands,
    where nobody's pass is presented."""

    change: str
    cause: str
    doer: people.Someone = people.gail


ENDS = {
    "another role": End(PLACE.format("role = 'lead'"), "role"),
    "no team": End(
        PLACE.format("team_id = NULL"), "place"
    ),
    "left": End(PLACE.format("left_at = now()"), "left"),
    "deactivated": End(ACCOUNT.format("is_active = false", GAIL), "deactivated"),
    "another password": End(ACCOUNT.format("password = 'x'", GAIL), "password"),
    "suspended": End(
        "UPDATE accounts_company SET suspended_at = now() WHERE slug = 'aurora'", "suspended"
    ),
    "support deactivated": End(
        ACCOUNT.format("is_active = false", SUE), "staff", people.sue
    ),
    "support dismissed": End(
        ACCOUNT.format("is_support = false", SUE), "rank", people.sue
    ),
    "support's session over": End(
        f"DELETE FROM accounts_pass WHERE user_id = {SUE}", "session", people.sue
    ),
    "support joins": End(
        "INSERT INTO accounts_membership (company_id, id, user_id, role, joined_at) SELECT c.id,"
        f" gen_random_uuid(), {SUE}, 'agent', now() FROM accounts_company c"
        " WHERE c.slug = 'aurora'",
        "colleague",
        people.sue,
    ),
}  # fmt: skip


class Told(NamedTuple):
    action: str
    doer: str
    changes: dict[str, str]


def ends_of(grant_id: UUID, superuser: psycopg.Connection) -> list[Told]:
    rows = superuser.execute(
        "SELECT e.action, u.email, e.changes FROM accounts_auditentry e"
        "  JOIN accounts_user u ON u.id = e.actor_id"
        " WHERE e.grant_id = %s AND e.action IN ('access.shut', 'access.ended', 'access.revoked')",
        [grant_id],
    ).fetchall()
    return [Told(*row) for row in rows]


def cause_of(grant_id: UUID, superuser: psycopg.Connection) -> str:
    found = superuser.execute("SELECT cause FROM accounts_grant WHERE id = %s", [grant_id])
    return found.fetchone()[0]


@pytest.mark.parametrize("how", ENDS)
def test_each_end_is_an_entry_with_its_cause(
    how: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    grant_id, sues = let_in(people.gail)
    assert seen(sues)
    owner.execute(ENDS[how].change)
    assert ends_of(grant_id, superuser) == [
        Told("access.shut", ENDS[how].doer.email, {"why": ENDS[how].cause, "by": "operator"})
    ]
    assert cause_of(grant_id, superuser) == ENDS[how].cause
    assert seen(sues) == []


def test_there_is_a_text_for_each_cause() -> None:
    assert {end.cause for end in ENDS.values()} <= set(CAUSES)


@pytest.mark.parametrize("how", ENDS)
def test_what_has_ended_stays_so_and_is_told_once(
    how: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    grant_id, _ = let_in(people.gail)
    for each in [ENDS[how], *ENDS.values(), ENDS[how]]:
        with suppress(psycopg.errors.UniqueViolation):  # a member twice
            owner.execute(each.change)
    assert [told.changes["why"] for told in ends_of(grant_id, superuser)] == [ENDS[how].cause]


@pytest.mark.parametrize("how", ["another role", "deactivated", "suspended"])
def test_a_link_that_nobody_has_used_ends_with_an_entry_too(
    how: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    grant_id, secret = link(people.gail)
    owner.execute(ENDS[how].change)
    assert len(ends_of(grant_id, superuser)) == 1
    assert seen(ask(secret)) == []


def test_an_end_that_is_taken_back_has_neither_happened_nor_been_told(
    superuser: psycopg.Connection,
) -> None:
    grant_id, sues = let_in(people.gail)
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"]) as owner:
        owner.execute(ENDS["another role"].change)
        owner.rollback()
    assert ends_of(grant_id, superuser) == [] and seen(sues)


def test_the_entry_names_who_changed_the_makers_place(superuser: psycopg.Connection) -> None:
    grant_id, _ = let_in(people.gail)
    with carrying(people.pass_of(people.ann), telling=False) as web:
        web.execute(MEMBERSHIP.format("role = 'lead'", people.gail.user.pk, aurora()))
    assert ends_of(grant_id, superuser) == [Told("access.shut", people.ann.email, {"why": "role"})]


def test_whoever_signs_out_ended_it_by_that(superuser: psycopg.Connection) -> None:
    grant_id, sues = let_in(people.gail)
    gate.end_pass(sues)
    assert ends_of(grant_id, superuser) == [
        Told("access.shut", people.sue.email, {"why": "session"})
    ]


def worker_sweeps() -> None:
    tasks.sweep_what_has_expired(0)


def somebody_else_sweeps() -> None:
    with people.as_(people.bea):
        gate.sweep_passes()


@pytest.mark.parametrize("sweeps", [worker_sweeps, somebody_else_sweeps])
def test_whoever_sweeps_a_session_away_is_not_who_ended_it(
    sweeps: Callable[[], None], owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    grant_id, _ = let_in(people.gail)
    owner.execute(f"UPDATE accounts_pass SET expires_at = now() WHERE user_id = {SUE}")
    sweeps()
    assert ends_of(grant_id, superuser) == [
        Told("access.shut", people.sue.email, {"why": "session"})
    ]


DEEDS: dict[str, Callable[[UUID, str], object]] = {
    "support": lambda _, sues: end(sues),
    "": lambda grant_id, _: revoke(grant_id, people.gail),
}


def end(sues: str) -> None:
    with gate.carrying(sues):
        assert grants.end(another=gate.new_secret())


@pytest.mark.parametrize("cause", DEEDS)
def test_what_was_ended_by_hand_is_not_told_again(
    cause: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    grant_id, sues = let_in(people.gail)
    DEEDS[cause](grant_id, sues)
    before = ends_of(grant_id, superuser)
    for each in ENDS.values():
        owner.execute(each.change)
    assert ends_of(grant_id, superuser) == before and len(before) == 1
    assert cause_of(grant_id, superuser) == cause


def test_what_the_clock_has_ended_is_not_told_as_the_end_of_something_else(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    grant_id, _ = let_in(people.gail)
    owner.execute(
        "UPDATE accounts_grant SET made_at = now() - interval '2 hours',"
        " expires_at = now() - interval '1 second'"
    )
    owner.execute(ENDS["another role"].change)
    assert ends_of(grant_id, superuser) == []
    assert state_of(grant_id) == "expired"


def test_a_suspended_company_that_comes_back_has_no_link_open(owner: psycopg.Connection) -> None:
    _, sues = let_in(people.gail)
    owner.execute(ENDS["suspended"].change)
    owner.execute("UPDATE accounts_company SET suspended_at = NULL WHERE slug = 'aurora'")
    assert seen(sues) == []


@pytest.mark.parametrize(
    "forged",
    ["UPDATE accounts_grant SET cause = 'role'", "SELECT gate.shut_grant(%(id)s, 'role')",
     "SELECT gate.shut_grants(NULL, NULL, 'role')"],
)  # fmt: skip
def test_nobody_ends_a_link_past_the_gate(forged: str, superuser: psycopg.Connection) -> None:
    grant_id, sues = let_in(people.gail)
    for secret in (sues, people.pass_of(people.ann)):
        with begun(secret) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute(forged, {"id": grant_id})
    assert cause_of(grant_id, superuser) == "" and ends_of(grant_id, superuser) == []


def test_nobody_tells_of_an_end_that_was_none(superuser: psycopg.Connection) -> None:
    grant_id, _ = let_in(people.gail)
    with people.as_(people.ann) as ann, suppress(DatabaseError):
        AuditEntry.objects.create(
            company_id=ann.company_id, actor_id=ann.user_id, action="access.shut"
        )
    assert ends_of(grant_id, superuser) == []
    with people.as_(people.ann):
        assert not AuditEntry.objects.filter(action="access.shut").exists()
        assert Grant.objects.get(id=grant_id).state == "open"


def test_made_while_the_company_is_being_suspended_and_shut_at_its_lifting(
    owner: psycopg.Connection,
) -> None:
    """The suspension sees no link that is not committed yet."""
    suspending = "UPDATE accounts_company SET suspended_at = {} WHERE slug = 'aurora'"
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"]) as operator:
        operator.execute(suspending.format("now()"))
        grant_id, secret = link()
    owner.execute(suspending.format("NULL"))
    assert state_of(grant_id) == "ended"
    assert seen(ask(secret)) == []
    assert told_of(grant_id) == 1


def told_of(grant_id: UUID) -> int:
    with people.as_(people.ann):
        return AuditEntry.objects.filter(grant_id=grant_id, action="access.shut").count()


def test_a_link_is_made_without_a_cause_of_its_end(owner: psycopg.Connection) -> None:
    with begun(proven(people.ann)) as web:
        web.execute(
            "INSERT INTO accounts_grant (company_id, id, hash, made_by_id, fields, moves, reason,"
            " cause, made_at, expires_at) VALUES (%s, gen_random_uuid(), 'x', %s, '{}', '{}', 'x',"
            " 'suspended', now(), now() + interval '1 hour')",
            [aurora(), people.ann.user.pk],
        )
        web.commit()
    assert owner.execute("SELECT cause FROM accounts_grant").fetchone() == ("",)
