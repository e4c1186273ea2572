"""What is taken back while a statement is under way, and whose revocation waits for whom."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest

from tests import people
from tests.accounts.revocations import (
    AS,
    AURORA,
    GAILS,
    REVOCATIONS,
    WRITE,
    begun,
    nothing_changed,
    refused,
    writing,
)

pytestmark = pytest.mark.django_db(transaction=True)

HELD_UP = 99  # an advisory lock, on which the statement waits


@contextmanager
def held_up(web: psycopg.Connection, sql: str, *, by: psycopg.Connection) -> Iterator[None]:
    """Has the statement run, and wait for what `by` holds until the block has ended."""
    running = threading.Thread(target=_attempted, args=[web, sql])
    running.start()
    deadline = time.monotonic() + 20
    while not by.execute(
        "SELECT cardinality(pg_blocking_pids(%s))", [web.info.backend_pid]
    ).fetchone()[0]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield
    running.join()


def _attempted(web: psycopg.Connection, sql: str) -> None:
    with suppress(psycopg.errors.DatabaseError):  # left to the commit, which then fails
        web.execute(sql)


USED_LATE = (
    "WITH waited AS MATERIALIZED (SELECT pg_advisory_xact_lock({lock}) IS NULL AS x),"
    " hers AS MATERIALIZED (SELECT CASE WHEN x IS NOT NULL THEN {hers} END AS pass FROM waited)"
    " INSERT INTO orders_offer (company_id, id, name)"
    " SELECT c.id, gen_random_uuid(), 'overtaken ' || random()"
    " FROM hers, accounts_company c WHERE c.slug = 'aurora' AND hers.pass <> ''"
    " RETURNING {his}"
)


@pytest.mark.parametrize(
    "revocation",
    ["removed", "another role", "signed out", "deactivated", "a policy to accept", "pass over"],
)
def test_a_right_that_ended_before_the_statement_used_it_is_not_used(
    revocation: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    """The statement's snapshot still shows it, and another's pass stands at both ends."""
    hers, his = people.pass_of(people.gail), people.pass_of(people.gus)
    late = USED_LATE.format(lock=HELD_UP, hers=AS.format(hers), his=AS.format(his))
    superuser.execute("SELECT pg_advisory_lock(%s)", [HELD_UP])
    with begun(his) as web:
        with held_up(web, late, by=superuser):
            owner.execute(REVOCATIONS[revocation])
            superuser.execute("SELECT pg_advisory_unlock(%s)", [HELD_UP])
        with suppress(psycopg.Error):
            web.commit()
    assert nothing_changed(superuser)


ADAMS = GAILS.replace("gail@", "adam@")
RESTORED = f"UPDATE accounts_membership SET role = 'admin', left_at = NULL WHERE {ADAMS}"


@pytest.mark.parametrize("change", ["role = 'agent'", "left_at = now()"])
def test_who_is_demoted_does_not_write_his_former_place_over_it(
    change: str, superuser: psycopg.Connection
) -> None:
    """His statement waited for the row; the answer to it is from before."""
    with (
        begun(people.pass_of(people.adam)) as web,
        psycopg.connect(os.environ["OWNER_DATABASE_URL"]) as owner,
    ):
        owner.execute(f"UPDATE accounts_membership SET {change} WHERE {ADAMS}")
        with held_up(web, RESTORED, by=superuser):
            owner.commit()
        with suppress(psycopg.Error):
            web.commit()
    [(role, left_at)] = superuser.execute(
        f"SELECT role, left_at FROM accounts_membership WHERE {ADAMS}"
    ).fetchall()
    assert role == "agent" or left_at


def test_nobody_is_put_back_who_has_left(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    owner.execute(REVOCATIONS["removed"])
    with (
        begun(people.pass_of(people.adam)) as web,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        web.execute(f"UPDATE accounts_membership SET left_at = NULL WHERE {GAILS}")
    [(left_at,)] = superuser.execute(
        f"SELECT left_at FROM accounts_membership WHERE {GAILS}"
    ).fetchall()
    assert left_at


def test_nothing_runs_between_the_check_and_the_end(superuser: psycopg.Connection) -> None:
    with writing() as web:
        web.execute("DECLARE slow CURSOR WITH HOLD FOR SELECT pg_sleep(60)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.commit()
    assert nothing_changed(superuser)


def test_a_pass_is_over_within_a_statement_too(superuser: psycopg.Connection) -> None:
    hers = people.pass_of(people.gail)
    superuser.execute(
        "UPDATE accounts_pass SET expires_at = clock_timestamp() + interval '1 second'"
        " WHERE hash = sha256(%s::bytea)",
        [hers.encode()],
    )
    assert answers(hers, "EXISTS (SELECT FROM orders_offer)")[-1] == "f"


def answers(secret: str, asked: str) -> list[str]:
    """At the beginning of one statement, and a second and a half later."""
    told: list[str] = []
    with begun(secret) as web:
        web.add_notice_handler(lambda notice: told.append(notice.message_primary))
        web.execute(
            f"DO $$ BEGIN RAISE NOTICE '%', {asked};"
            f" PERFORM pg_sleep(1.5); RAISE NOTICE '%', {asked}; END $$"
        )
    return told


SOON = "clock_timestamp() + interval '1 second'"


def test_a_closing_is_over_within_a_statement_too(superuser: psycopg.Connection) -> None:
    hers = people.pass_of(people.ann)
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(f"UPDATE accounts_company SET closed_at = now() WHERE id = {AURORA}")
    superuser.execute(
        f"UPDATE accounts_pass SET kind = 'closing', expires_at = {SOON}"
        " WHERE hash = sha256(%s::bytea)",
        [hers.encode()],
    )
    assert answers(hers, "gate.closing() IS NOT NULL") == ["t", "f"]


def test_a_company_is_under_its_policy_from_the_moment_on(superuser: psycopg.Connection) -> None:
    hers = people.pass_of(people.ann)
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(
        f"UPDATE policy_policyversion SET effective_at = {SOON} WHERE company_id = {AURORA}"
    )
    assert answers(hers, "gate.company_under_policy() IS NOT NULL") == ["f", "t"]


# Whose revocation waits for whom

IDLE = {
    "leaving": (people.gail, "SELECT gate.leave_company()"),
    "another's role": (people.adam, f"UPDATE accounts_membership SET role = 'lead' WHERE {GAILS}"),
    "an accepting pass": (people.gail, WRITE),
}
ELSEWHERE = (
    "UPDATE accounts_membership SET left_at = now()"
    " WHERE company_id <> {aurora} AND role = 'agent'",
    "UPDATE accounts_company SET suspended_at = now() WHERE id <> {aurora}",
)


@pytest.mark.parametrize("kept_open", IDLE)
@pytest.mark.parametrize("revocation", ELSEWHERE)
def test_no_revocation_waits_for_another_company(
    kept_open: str, revocation: str, owner: psycopg.Connection
) -> None:
    someone, sql = IDLE[kept_open]
    with begun(people.pass_of(someone)) as web:
        web.execute(sql)
        owner.execute("SET lock_timeout = '2s'")
        assert owner.execute(revocation.format(aurora=AURORA)).rowcount > 0


FLAG = "UPDATE accounts_user SET is_superuser = false WHERE email = 'olga@covenant.example'"


def test_an_operator_who_is_none_any_more_commits_nothing(owner: psycopg.Connection) -> None:
    [(before,)] = owner.execute("SELECT count(*) FROM policy_counter").fetchall()
    with begun(people.pass_of(people.olga)) as web:
        web.execute(
            "INSERT INTO policy_counter (id, number, decided_at, decided_by_id)"
            " VALUES (gen_random_uuid(), 7, now(), gate.user_id())"
        )
        assert owner.execute(FLAG).rowcount == 1
        assert refused(web)
    assert owner.execute("SELECT count(*) FROM policy_counter").fetchall() == [(before,)]
