"""A write begun before a right was taken back is not committed after: nothing has changed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts import gate
from accounts.middleware import GateMiddleware
from accounts.models import Membership, Team
from orders import imports
from orders.tasks import Patience
from policy.models import Policy
from tests import people
from tests.accounts.test_verified_passes import PUBLISH
from tests.orders.uploading import begun as begun_import
from tests.orders.uploading import job_of, many, secret_of

pytestmark = pytest.mark.django_db(transaction=True)

WRITE = """
    INSERT INTO orders_offer (company_id, id, name)
    SELECT id, gen_random_uuid(), 'overtaken ' || random() FROM accounts_company
     WHERE slug = 'aurora'
"""
GAIL = "(SELECT id FROM accounts_user WHERE email = 'gail@aurora.example')"
AURORA = "(SELECT id FROM accounts_company WHERE slug = 'aurora')"
GAILS = f"user_id = {GAIL} AND company_id = {AURORA}"

REVOCATIONS = {
    "deactivated": f"UPDATE accounts_user SET is_active = false WHERE id = {GAIL}",
    "another password": f"UPDATE accounts_user SET password = 'x' WHERE id = {GAIL}",
    "removed": f"UPDATE accounts_membership SET left_at = now() WHERE {GAILS}",
    "another role": f"UPDATE accounts_membership SET role = 'lead' WHERE {GAILS}",
    "no team": f"UPDATE accounts_membership SET team_id = NULL WHERE {GAILS}",
    "signed out": f"DELETE FROM accounts_pass WHERE user_id = {GAIL}",
    "pass over": f"UPDATE accounts_pass SET expires_at = now() WHERE user_id = {GAIL}",
    "suspended": f"UPDATE accounts_company SET suspended_at = now() WHERE id = {AURORA}",
    "a policy to accept": PUBLISH,
}


@contextmanager
def writing(someone: people.Someone = people.gail) -> Iterator[psycopg.Connection]:
    """A transaction of the web role with that person's pass, which has added an offer."""
    with begun(people.pass_of(someone)) as web:
        assert web.execute(WRITE).rowcount > 0
        yield web


@contextmanager
def begun(secret: str) -> Iterator[psycopg.Connection]:
    connection = psycopg.connect(os.environ["DATABASE_URL"])
    try:
        connection.execute("SELECT gate.enter(%s, %s)", [gate._key("vouch"), secret])
        yield connection
    finally:
        connection.close()


def refused(web: psycopg.Connection) -> bool:
    with pytest.raises(psycopg.Error) as refusal:
        web.commit()
    return refusal.value.sqlstate == "CV002"


@pytest.mark.parametrize("revocation", REVOCATIONS)
def test_what_was_begun_before_it_is_not_committed_after(
    revocation: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with writing() as web:
        owner.execute(REVOCATIONS[revocation])
        assert refused(web)
    assert nothing_changed(superuser)


def nothing_changed(superuser: psycopg.Connection) -> bool:
    """Asked by a superuser: after some of the revocations nobody else could see the orders."""
    return superuser.execute(
        "SELECT count(*) FROM orders_offer WHERE name LIKE 'overtaken%'"
    ).fetchone() == (0,)


def test_what_nobody_objects_to_is_committed(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with writing() as web:
        web.commit()
    assert not nothing_changed(superuser)
    assert owner.execute("SELECT count(*) FROM gate.writing").fetchone() == (0,)


def test_one_who_is_being_removed_does_not_wait_for_it(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with writing() as web, owner.transaction():
        owner.execute(REVOCATIONS["removed"])
        assert refused(web)
    assert nothing_changed(superuser)


IMMEDIATE = "SET CONSTRAINTS ALL IMMEDIATE"
SMUGGLED = (
    IMMEDIATE,
    f"{IMMEDIATE}; {IMMEDIATE}; {IMMEDIATE}",
    f"DO $$ BEGIN {IMMEDIATE}; {IMMEDIATE}; END $$",
    "SET CONSTRAINTS gate.check_at_commit IMMEDIATE",
    f"{IMMEDIATE}; {WRITE}",
    "SELECT set_config('gate.pass', '', true)",
    "SELECT gate.leave_company(); ROLLBACK TO here",
    f"{IMMEDIATE}; ROLLBACK TO here",
)


@pytest.mark.parametrize("smuggled", SMUGGLED)
def test_smuggled_sql_does_not_disarm_it(
    smuggled: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with writing() as web:
        web.execute("SAVEPOINT here")
        web.execute(smuggled)
        owner.execute(REVOCATIONS["removed"])
        assert refused(web)
    assert nothing_changed(superuser)


def test_nor_does_it_before_the_write(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with begun(people.pass_of(people.gail)) as web:
        web.execute(IMMEDIATE)
        web.execute(WRITE)
        owner.execute(REVOCATIONS["removed"])
        assert refused(web)
    assert nothing_changed(superuser)


@pytest.mark.parametrize(
    "ending", ["; COMMIT", "; COMMIT AND CHAIN", "; SET CONSTRAINTS ALL IMMEDIATE; COMMIT"]
)
def test_what_is_committed_within_another_message_is_refused(
    ending: str, superuser: psycopg.Connection
) -> None:
    secret = people.pass_of(people.gail)
    with begun(secret) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(WRITE + ending)
    assert nothing_changed(superuser)


def test_a_pass_presented_for_a_part_of_a_statement_writes_nothing(
    superuser: psycopg.Connection,
) -> None:
    secret = people.pass_of(people.gail)
    with begun(secret) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(
            f"WITH written AS ({WRITE} RETURNING id)"
            " SELECT set_config('gate.pass', '', true) FROM written"
        )
    assert nothing_changed(superuser)


# More than one pass


END = "SELECT gate.end_pass(%s, %s)"
AS = "set_config('gate.pass', '{0}', true)"
SWITCHED = {
    "ended at the end": f"{WRITE} RETURNING {AS.format('{stranger}')}",
    "there and back": (
        f"WITH hers AS MATERIALIZED (SELECT {AS.format('{hers}')} AS pass)"
        " INSERT INTO orders_offer (company_id, id, name)"
        " SELECT c.id, gen_random_uuid(), 'overtaken ' || random()"
        " FROM hers, accounts_company c WHERE c.slug = 'aurora' AND hers.pass <> ''"
        f" RETURNING {AS.format('{stranger}')}"
    ),
}


@pytest.fixture
def stranger() -> str:
    """The pass of somebody who has not signed in."""
    secret = gate.new_secret()
    gate.open_pass(
        secret, kind="session", user_id=None, company_id=None, data="{}",
        until=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    return secret


def test_the_pass_of_the_right_is_asked_about_and_not_one_ended_before(
    stranger: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    hers = people.pass_of(people.gail)
    with begun(stranger) as web:
        web.execute(END, [gate._key("issue"), stranger])
        web.execute("SELECT gate.enter(%s, %s)", [gate._key("vouch"), hers])
        web.execute(SWITCHED["ended at the end"].format(stranger=stranger))
        owner.execute(REVOCATIONS["signed out"])
        assert refused(web)
    assert nothing_changed(superuser)


@pytest.mark.parametrize("revocation", ["signed out", "removed", "a policy to accept"])
def test_a_pass_presented_within_a_statement_alone_is_asked_about(
    revocation: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    """Between two others of a colleague's, who is still there at the commit."""
    hers, his = people.pass_of(people.gail), people.pass_of(people.gus)
    with begun(his) as web:
        web.execute(SWITCHED["there and back"].format(hers=hers, stranger=his))
        owner.execute(REVOCATIONS[revocation])
        assert refused(web)
    assert nothing_changed(superuser)


def test_what_several_passes_may_is_committed_while_all_of_them_stand(
    superuser: psycopg.Connection,
) -> None:
    hers, his = people.pass_of(people.gail), people.pass_of(people.gus)
    with begun(his) as web:
        web.execute(SWITCHED["there and back"].format(hers=hers, stranger=his))
        web.commit()
    assert not nothing_changed(superuser)


def test_nothing_is_written_with_a_pass_that_the_transaction_has_ended(
    superuser: psycopg.Connection,
) -> None:
    hers = people.pass_of(people.gail)
    with begun(hers) as web:
        web.execute(END, [gate._key("issue"), hers])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("UPDATE orders_offer SET name = 'overtaken'")
    assert nothing_changed(superuser)


# What is taken back while a statement is under way

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


# One's own

LAST_DEED = "SELECT count(*) FROM accounts_team WHERE name = 'Last deed'"


def sign_out(secret: str) -> None:
    gate.end_pass(secret)


def leave(secret: str) -> None:
    with people.as_(people.adam) as by:
        adam = Membership.objects.get(company_id=by.company_id, id=by.membership_id)
    adam.leave(by=by)


def step_down(secret: str) -> None:
    Membership.objects.filter(user_id=people.adam.user.pk).update(role="agent")


def publish(secret: str) -> None:
    with people.as_(people.adam) as by:
        Policy.objects.get(company_id=by.company_id).publish(by=by, texts={"en": "# Anew"})


@pytest.mark.parametrize("end", [sign_out, leave, step_down, publish])
def test_who_gives_up_the_right_himself_may_have_used_it(
    end: Callable[[str], None], superuser: psycopg.Connection
) -> None:
    secret = people.pass_of(people.adam)
    with gate.carrying(secret) as by:
        Team.objects.create(company_id=by.company_id, name="Last deed")
        end(secret)
    assert superuser.execute(LAST_DEED).fetchone() == (1,)


def test_who_gives_up_a_role_has_not_thereby_escaped(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    adam = people.adam.user.pk
    with pytest.raises(DatabaseError), gate.carrying(people.pass_of(people.adam)) as by:
        Team.objects.create(company_id=by.company_id, name="Last deed")
        step_down("")
        owner.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [adam])
    assert superuser.execute(LAST_DEED).fetchone() == (0,)


# Over HTTP


@pytest.fixture
def overtaken(monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection) -> list[str]:
    """Revocations to be committed, each, as the next request comes to its end."""
    waiting: list[str] = []
    finish = GateMiddleware.process_response

    def finish_late(self: Any, request: Any, response: Any) -> Any:
        response = finish(self, request, response)
        if waiting:
            owner.execute(waiting.pop())
        return response

    monkeypatch.setattr(GateMiddleware, "process_response", finish_late)
    return waiting


def comment(client: Client, superuser: psycopg.Connection) -> HttpResponse:
    """A deed that waits for nobody who changes the member: taking an order holds the membership."""
    found = superuser.execute(
        "SELECT id FROM orders_order WHERE company_id = %s", [people.company("aurora").pk]
    )
    return client.post(f"/orders/{found.fetchone()[0]}/comment/", {"text": "Call after six."})


def comments(superuser: psycopg.Connection) -> int:
    return superuser.execute("SELECT count(*) FROM orders_comment").fetchone()[0]


@pytest.mark.parametrize(
    ("revocation", "answer"),
    [
        ("signed out", "/login/"),
        ("deactivated", "/login/"),
        ("a policy to accept", "/accept/"),
        ("removed", "/login/"),
    ],
)
def test_a_request_that_was_overtaken_is_refused_as_one_that_comes_too_late(
    revocation: str, answer: str, overtaken: list[str], superuser: psycopg.Connection
) -> None:
    client = people.sign_in(Client(), people.gail)
    before = comments(superuser)
    overtaken.append(REVOCATIONS[revocation])
    response = comment(client, superuser)
    assert (response.status_code, response.url.partition("?")[0]) == (302, answer)
    assert comments(superuser) == before


def test_a_request_whose_right_was_only_changed_is_carried_out_with_the_new_one(
    overtaken: list[str], superuser: psycopg.Connection
) -> None:
    client = people.sign_in(Client(), people.gail)
    before = comments(superuser)
    overtaken.append(REVOCATIONS["no team"])
    assert comment(client, superuser).status_code == 302
    assert comments(superuser) == before + 1


def test_a_job_that_was_overtaken_makes_no_order_and_asks_again(
    monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    run = begun_import(many(3))
    make = imports.make_orders

    def make_late(*args: Any, **by: Any) -> None:
        make(*args, **by)
        owner.execute("DELETE FROM accounts_pass WHERE kind = 'job'")

    monkeypatch.setattr(imports, "make_orders", make_late)
    with pytest.raises(DatabaseError) as refusal:
        imports.work_through(run.id, secret_of(run))
    assert superuser.execute(
        "SELECT count(*) FROM orders_order WHERE source = 'import'"
    ).fetchone() == (0,)
    job = job_of(run)
    assert job
    retry = Patience().get_retry_decision(exception=refusal.value, job=job.procrastinate_job)
    assert retry
