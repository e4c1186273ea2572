"""Access links under attack: what SQL in support's own request, or a member's, tried with them.

Each began as a way that was open. The numbers are those of the list of cases that access links
were to pass.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from accounts import gate, grants
from tests import people
from tests.access import ask, let_in, link, orders_of, proven, revoke, state_of
from tests.accounts.revocations import begun
from tests.accounts.test_access_in_sql import ENTRY, LOOK, SEEN, aurora, carrying, seen

pytestmark = pytest.mark.django_db(transaction=True)


# Letters on their way


@contextmanager
def mailing() -> Iterator[psycopg.Connection]:
    """The worker, whose mail server takes its time."""
    with begun("") as worker:
        found = worker.execute(
            "SELECT * FROM gate.letter_about_access(%s, '{}')", [gate.key_for("issue")]
        )
        assert found.fetchone()
        yield worker


def test_46_a_slow_mail_server_keeps_no_revocation_waiting() -> None:
    grant_id, sues = let_in()
    with mailing(), begun(people.pass_of(people.ann)) as anns:
        anns.execute("SET LOCAL lock_timeout = '1s'")
        anns.execute("SELECT gate.revoke_grant(%s, %s)", [gate.key_for("issue"), grant_id])
        anns.commit()
    assert seen(sues) == [] and state_of(grant_id) == "revoked"


def test_46_a_slow_mail_server_keeps_no_demotion_waiting(owner: psycopg.Connection) -> None:
    _, sues = let_in(people.adam)
    with mailing():
        owner.execute("SET lock_timeout = '1s'")
        owner.execute(
            "UPDATE accounts_membership SET role = 'agent' WHERE user_id = %s",
            [people.adam.user.pk],
        )
    assert seen(sues) == []


def test_46_support_goes_on_while_a_letter_is_written() -> None:
    _, sues = let_in()
    with mailing(), carrying(sues) as web:
        assert web.execute(SEEN).fetchall()
        web.commit()


def test_46_each_letter_is_written_once_by_many_workers() -> None:
    let_in()
    with mailing() as worker, begun("") as another:
        asked = "SELECT what FROM gate.letter_about_access(%s, '{}')"
        assert another.execute(asked, [gate.key_for("issue")]).fetchall() == []
        worker.commit()
        another.rollback()
        another.execute("SELECT gate.enter(%s, '')", [gate.key_for("vouch")])
        assert another.execute(asked, [gate.key_for("issue")]).fetchall() == []


# What an entry says

FORGED = ["access.made", "access.confirmed", "access.revoked", "access.ended", "access.refused",
          "access.viewed", "access.missed", "access.listed", "access.searched"]  # fmt: skip


def entry(action: str) -> str:
    return ENTRY.replace("'order.commented'", f"'{action}'")


@pytest.mark.parametrize("action", [*FORGED, "order.erased", "person.removed", ""])
def test_38_support_tells_of_what_support_does_alone(
    action: str, superuser: psycopg.Connection
) -> None:
    _, sues = let_in()
    with carrying(sues, telling=False) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(entry(action), [aurora(), people.sue.user.pk])


@pytest.mark.parametrize("action", FORGED)
def test_38_nobody_tells_of_a_link_but_the_gate(action: str) -> None:
    with (
        carrying(people.pass_of(people.ann), telling=False) as web,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        web.execute(entry(action), [aurora(), people.ann.user.pk])


@pytest.mark.parametrize("action", ["order.moved", "order.commented"])
def test_39_only_an_entry_of_a_look_opens_a_row(action: str) -> None:
    """Or support has looked, and "support last opened your account: never" stands there."""
    _, sues = let_in(moves=["trash"])
    with carrying(sues, telling=False) as web:
        web.execute(entry(action), [aurora(), people.sue.user.pk])
        assert web.execute(SEEN).fetchall() == []


def test_38_no_entry_is_slipped_in_among_the_older_ones() -> None:
    """A maker reads the newest of them."""
    grant_id, sues = let_in()
    with carrying(sues):
        pass
    slipped = ENTRY.replace("gen_random_uuid()", "'00000000-0000-7000-8000-000000000000'")
    with carrying(sues, telling=False) as web:
        web.execute(slipped, [aurora(), people.sue.user.pk])
    with people.as_(people.ann):
        assert grants.deeds_under(grant_id, most=1)[0].action == "order.commented"


def test_38_another_name_taken_afterwards_hides_nobody() -> None:
    grant_id, sues = let_in()
    with carrying(sues):
        pass
    with carrying(people.pass_of(people.sue), telling=False) as web:
        web.execute("UPDATE accounts_user SET name = 'Gus' WHERE id = %s", [people.sue.user.pk])
    with people.as_(people.ann):
        assert grants.deeds_under(grant_id, most=1)[0].doer == "Sue"


def test_11_who_only_asks_is_not_told_which_orders_there_are() -> None:
    _, secret = link(orders=[orders_of()[0].id], moves=["trash"])
    entering = "SELECT access FROM gate.enter(%s, %s)"
    with psycopg.connect(os.environ["DATABASE_URL"]) as web:
        told = web.execute(entering, [gate.key_for("vouch"), ask(secret)]).fetchone()[0]
    assert (told["orders"], told["fields"], told["moves"]) == (None, [], [])


# Links that stand in for others

COPY = """
    INSERT INTO accounts_grant (company_id, id, hash, made_by_id, orders, fields, moves, reason,
        made_at, expires_at) VALUES (%s, %s, %s, %s, NULL, '{}', '{}', 'x', now(),
        now() + interval '1 hour')
"""


@pytest.mark.parametrize("change", ["password = 'x'", "is_active = false"])
def test_07_who_takes_an_account_back_shuts_what_another_opened_with_it(
    change: str, owner: psycopg.Connection
) -> None:
    _, sues = let_in(people.adam)
    of_adam = f" WHERE id = {people.adam.user.pk}"
    owner.execute(f"UPDATE accounts_user SET {change}{of_adam}")
    owner.execute(f"UPDATE accounts_user SET is_active = true{of_adam}")
    assert seen(sues) == []


@pytest.mark.parametrize("what", ["id", "hash"])
def test_09_no_other_company_makes_a_link_that_stands_in_for_one(
    what: str, superuser: psycopg.Connection
) -> None:
    grant_id, secret = link()
    theirs = {"id": UUID(int=7), "hash": b"x" * 32}
    theirs |= {
        "id": {"id": grant_id},
        "hash": {"hash": superuser.execute("SELECT hash FROM accounts_grant").fetchone()[0]},
    }[what]
    with begun(proven(people.bea)) as web, pytest.raises(psycopg.errors.UniqueViolation):
        web.execute(
            COPY,
            [people.company("borealis").pk, theirs["id"], theirs["hash"], people.bea.user.pk],
        )
    assert ask(secret) and state_of(grant_id) == "asked"


# At the commit


def test_20_24_what_waits_for_its_turn_in_the_audit_is_asked_about_after_it(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    """Whoever holds the company's turn would otherwise let a write through past the end."""
    _, sues = let_in()
    superuser.autocommit = False
    superuser.execute("SELECT FROM gate.chain_end WHERE company_id = %s FOR UPDATE", [aurora()])
    with ThreadPoolExecutor(1) as other, carrying(sues) as web:
        assert web.execute(SEEN).fetchall()
        owner.execute(
            "UPDATE accounts_grant SET expires_at = clock_timestamp() + interval '1 second'"
        )
        committing = other.submit(web.commit)
        time.sleep(1.5)
        superuser.rollback()
        with pytest.raises(psycopg.Error) as refusal:
            committing.result()
    assert refusal.value.sqlstate == "CV002"


def test_20_what_the_clock_ends_is_over_at_the_next_statement(owner: psycopg.Connection) -> None:
    _, sues = let_in()
    owner.execute("UPDATE accounts_grant SET expires_at = clock_timestamp() + interval '1 second'")
    with carrying(sues) as web:
        assert web.execute(SEEN).fetchall()
        web.execute("SELECT pg_sleep(1)")
        assert web.execute(SEEN).fetchall() == []
        with pytest.raises(psycopg.Error) as refusal:
            web.commit()
    assert refusal.value.sqlstate == "CV002"


def test_23_a_cursor_reads_what_was_open_when_it_began_and_leaves_nothing() -> None:
    """One that has not begun reads nothing; with one that has, nothing is committed any more."""
    grant_id, sues = let_in()
    with carrying(sues) as web:
        web.execute(f"DECLARE begun CURSOR FOR {SEEN}; DECLARE other CURSOR FOR {SEEN}")
        assert web.execute("FETCH 1 FROM begun").fetchall()
        assert revoke(grant_id)
        assert web.execute("FETCH ALL FROM other").fetchall() == []
        with pytest.raises(psycopg.Error) as refusal:
            web.commit()
    assert refusal.value.sqlstate == "CV002"


def test_23_no_cursor_outlasts_the_transaction() -> None:
    _, sues = let_in()
    with carrying(sues) as web:
        web.execute(f"DECLARE kept CURSOR WITH HOLD FOR {SEEN}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.commit()


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_22_nothing_is_told_or_read_where_a_revocation_would_not_be_seen(isolation: str) -> None:
    _, sues = let_in()
    with psycopg.connect(os.environ["DATABASE_URL"]) as web:
        web.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        web.execute("SELECT gate.enter(%s, %s)", [gate.key_for("vouch"), sues])
        web.execute("SELECT set_config('gate.company', %s, true)", [str(aurora())])
        with pytest.raises(psycopg.errors.InsufficientPrivilege), web.transaction():
            web.execute(LOOK)
        assert web.execute(SEEN).fetchall() == []


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_47_the_readers_time_zone_lengthens_nothing(zone: str, owner: psycopg.Connection) -> None:
    _, sues = let_in()
    for ends, rows in (("1 minute", True), ("-1 second", False)):
        owner.execute(
            "UPDATE accounts_grant SET made_at = now() - interval '1 hour',"
            f" expires_at = clock_timestamp() + interval '{ends}'"
        )
        with begun(sues) as web:
            web.execute("SELECT set_config('TimeZone', %s, true)", [zone])
            if rows:
                web.execute(LOOK)
            assert bool(web.execute(SEEN).fetchall()) is rows


# Two at once

CLOSING = {
    "revoked": "SELECT gate.revoke_grant('{key}', '{grant}')",
    "demoted": "UPDATE accounts_membership SET role = 'agent' WHERE user_id = {adam}",
    "deactivated": "UPDATE accounts_user SET is_active = false WHERE id = {sue}",
}
OPENING = {
    "asks": "SELECT gate.ask_with_link('{key}', '{secret}', '{another}')",
    "is let in": "SELECT gate.confirm_grant('{key}', '{grant}', {sue})",
}


@pytest.mark.parametrize("closing_first", [True, False])
@pytest.mark.parametrize("opens", OPENING)
@pytest.mark.parametrize("closes", CLOSING)
def test_14_whoever_comes_first_nothing_is_open_in_the_end(
    closes: str, opens: str, closing_first: bool
) -> None:
    """The one waits for the other, which is not committed yet."""
    grant_id, secret = link(people.adam, staff=people.sue if opens == "asks" else None)
    another = gate.new_secret() if opens == "asks" else ask(secret)
    said = {
        "key": gate.key_for("issue"), "grant": grant_id, "secret": secret, "another": another,
        "adam": people.adam.user.pk, "sue": people.sue.user.pk,
    }  # fmt: skip
    opener = begun(people.pass_of(people.sue if opens == "asks" else people.adam))
    closer = begun(people.pass_of(people.adam)) if closes == "revoked" else owning()
    with opener as one, closer as other:
        deeds = [(other, CLOSING[closes]), (one, OPENING[opens])]
        overlap(*(deeds if closing_first else reversed(deeds)), **said)
    assert seen(another) == []


@contextmanager
def owning() -> Iterator[psycopg.Connection]:
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"]) as connection:
        yield connection


def overlap(
    first: tuple[psycopg.Connection, str], second: tuple[psycopg.Connection, str], **said: object
) -> None:
    """Each in its own transaction, the second begun before the first is committed. What is refused
    is undone."""

    def carry_out(connection: psycopg.Connection, deed: str) -> None:
        try:
            connection.execute(deed.format(**said))
            connection.commit()
        except psycopg.Error as refusal:
            assert refusal.sqlstate in ("42501", "CV002"), refusal
            connection.rollback()

    first[0].execute(first[1].format(**said))
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(carry_out, *second)
        time.sleep(0.3)
        first[0].commit()
        waiting.result(timeout=20)


def test_12_of_two_links_asked_with_at_once_one_is_used() -> None:
    (one, first), (two, second) = link(people.ann), link(people.adam)
    sues = people.pass_of(people.sue)
    asks = "SELECT gate.ask_with_link('{key}', '{secret}', '{another}')"
    with begun(sues) as a, begun(sues) as b:
        overlap(
            (a, asks.replace("{secret}", first).replace("{another}", gate.new_secret())),
            (b, asks.replace("{secret}", second).replace("{another}", gate.new_secret())),
            key=gate.key_for("issue"),
        )
    assert (state_of(one), state_of(two, people.adam)) == ("asked", "waiting")


def test_36_who_asks_chooses_no_company_of_his_own_meanwhile(owner: psycopg.Connection) -> None:
    """Or he worked in two at once, in one of them without a frame."""
    owner.execute(
        "INSERT INTO accounts_membership (company_id, id, user_id, role, joined_at)"
        " VALUES (%s, gen_random_uuid(), %s, 'agent', now())",
        [people.company("borealis").pk, people.sue.user.pk],
    )
    _, secret = link()
    sues, own = ask(secret), gate.new_secret()
    with gate.carrying(sues):
        assert not gate.choose_company(people.company("borealis").pk)
        assert grants.end(another=own)
    with gate.carrying(own):
        assert gate.choose_company(people.company("borealis").pk)


def test_42_a_job_queued_under_a_link_opens_nothing_then_or_later() -> None:
    grant_id, sues = let_in()
    with gate.carrying(sues) as sue:
        queued = gate.open_job_pass(sue, reach=["orders.read"], lasting=timedelta(hours=1))
    assert seen(queued) == []
    assert revoke(grant_id) and seen(queued) == []


def test_09_without_a_second_factor_nobody_asks(owner: psycopg.Connection) -> None:
    grant_id, secret = link()
    sues = people.pass_of(people.sue)
    owner.execute("UPDATE accounts_pass SET factor_at = NULL, password_at = now()")
    with begun(sues) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(
            "SELECT gate.ask_with_link(%s, %s, %s)",
            [gate.key_for("issue"), secret, gate.new_secret()],
        )
    assert state_of(grant_id) == "waiting"
