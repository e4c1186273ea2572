"""Support works under one access link at a time: a person, in all sessions together. In SQL."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from accounts import gate, grants
from accounts.access import Over
from tests import people
from tests.access import confirm, let_in, link, revoke, state_of
from tests.accounts.revocations import begun
from tests.accounts.test_access_in_sql import carrying, close, seen

pytestmark = pytest.mark.django_db(transaction=True)

RUN_OUT = (
    "UPDATE accounts_grant SET made_at = now() - interval '2 hours',"
    " expires_at = now() - interval '1 second'"
)


def asked(secret: str, own: str | None = None) -> str:
    """The pass of a session of Sue's that has asked; raises OneAtATime."""
    another = gate.new_secret()
    with gate.carrying(own or people.pass_of(people.sue)):
        assert grants.ask_with_link(secret, another=another)
    return another


def test_another_link_is_refused_in_another_session(superuser: psycopg.Connection) -> None:
    first, sues = let_in()
    second, secret = link(people.adam)
    before = seen(sues)
    with pytest.raises(grants.OneAtATime):
        asked(secret)
    assert (state_of(first), state_of(second, people.adam)) == ("open", "waiting")
    assert seen(sues) == before != []
    told = "SELECT FROM accounts_auditentry WHERE grant_id = %s"
    assert superuser.execute(told, [second]).rowcount == 1  # that it was made


def test_nor_may_one_ask_twice_while_nobody_has_let_him_in() -> None:
    first, secret = link()
    asked(secret)
    second, another = link(people.bea)
    with pytest.raises(grants.OneAtATime):
        asked(another)
    assert (state_of(first), state_of(second, people.bea)) == ("asked", "waiting")


@pytest.mark.parametrize("named", [None, people.sue])
def test_nor_where_the_other_link_names_him(named: people.Someone | None) -> None:
    let_in()
    second, secret = link(people.bea, staff=named)
    with pytest.raises(grants.OneAtATime):
        asked(secret)
    assert state_of(second, people.bea) == "waiting"


@pytest.mark.parametrize(
    "how", ["revoked", "ended", "the grant is over", "the maker is deactivated", "signed out"]
)
def test_once_the_first_is_over_the_second_opens(how: str, owner: psycopg.Connection) -> None:
    first, sues = let_in(people.adam)
    end(how, first, sues, owner)
    second, secret = link(people.bea)
    assert asked(secret) and confirm(second, people.bea)
    assert state_of(second, people.bea) == "open"


def end(how: str, grant_id: UUID, sues: str, owner: psycopg.Connection) -> None:
    if how == "revoked":
        assert revoke(grant_id, people.adam)
    elif how == "ended":
        with gate.carrying(sues):
            assert grants.end(another=gate.new_secret())
    elif how == "signed out":
        gate.end_pass(sues)
    elif how == "the maker is deactivated":
        owner.execute(
            "UPDATE accounts_user SET is_active = false WHERE id = %s", [people.adam.user.pk]
        )
    else:
        close(owner, how)


def test_what_the_clock_has_ended_makes_room_and_stays_expired(owner: psycopg.Connection) -> None:
    first, _ = let_in()
    ran_out_at = owner.execute(f"{RUN_OUT} RETURNING expires_at").fetchone()[0]
    _, secret = link(people.adam)
    assert asked(secret)
    ended = owner.execute("SELECT ended_at FROM accounts_grant WHERE id = %s", [first])
    assert ended.fetchone() == (ran_out_at,) and state_of(first) == "expired"


def test_the_table_itself_holds_no_second_one(owner: psycopg.Connection) -> None:
    """Whatever function may come: two in one hand are no rows of this table."""
    let_in()
    second, _ = link(people.adam)
    with pytest.raises(psycopg.errors.UniqueViolation):
        owner.execute(
            "UPDATE accounts_grant SET staff_id = %s WHERE id = %s", [people.sue.user.pk, second]
        )


# Two at once


def test_of_two_links_asked_with_by_one_person_at_once_one_is_used() -> None:
    """Each in a session of its own; neither sees that the other has begun."""
    for _round in range(5):
        (first, here), (second, there) = link(people.ann), link(people.bea)
        together = threading.Barrier(2)
        with ThreadPoolExecutor(2) as threads:
            came_to = threads.map(asks_with, (here, there), [together] * 2)
            assert sorted(came_to) == ["asked", "refused"]
        states = [state_of(first), state_of(second, people.bea)]
        assert sorted(states) == ["asked", "waiting"]
        assert revoke(first) and revoke(second, people.bea)


def asks_with(secret: str, together: threading.Barrier) -> str:
    """In a session of its own, as soon as the other is there, too."""
    with begun(people.pass_of(people.sue)) as web:
        together.wait(20)
        try:
            web.execute(ASKS, asking(secret))
            web.commit()
        except psycopg.errors.ObjectNotInPrerequisiteState:
            return "refused"
        finally:
            connection.close()
        return "asked"


ASKS = "SELECT gate.ask_with_link(%s, %s, %s)"


def asking(secret: str) -> list[str]:
    return [gate.key_for("issue"), secret, gate.new_secret()]


@pytest.mark.parametrize("kept", [True, False])
def test_the_second_waits_for_what_becomes_of_the_first(kept: bool) -> None:
    (first, here), (second, there) = link(people.ann), link(people.bea)
    sessions = [people.pass_of(people.sue) for _ in range(2)]
    with begun(sessions[0]) as one, begun(sessions[1]) as two, ThreadPoolExecutor(1) as thread:
        one.execute(ASKS, asking(here))
        waiting = thread.submit(two.execute, ASKS, asking(there))
        with pytest.raises(TimeoutError):
            waiting.result(0.5)
        if kept:
            one.commit()
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
                waiting.result(20)
        else:
            one.rollback()
            waiting.result(20)
            two.commit()
    states = (state_of(first), state_of(second, people.bea))
    assert states == (("asked", "waiting") if kept else ("waiting", "asked"))


# The other browser


def test_the_other_session_is_told_what_is_in_hand_and_ends_it() -> None:
    first, sues = let_in(people.adam)
    with gate.carrying(people.pass_of(people.sue)):
        told = grants.elsewhere()
        assert told and told[:3] == ("Aurora", "Adam", "The total is wrong")
        assert told.confirmed and told.expires_at > datetime.now(UTC)
        assert grants.end_elsewhere() and not grants.end_elsewhere()
        assert grants.elsewhere() is None
    assert state_of(first, people.adam) == "ended" and seen(sues) == []
    with gate.carrying(sues) as entry:
        assert entry.over == Over("Aurora", "Adam", "support")


def test_nothing_is_elsewhere_for_the_session_itself_and_for_anybody_else() -> None:
    first, sues = let_in()
    for secret in (sues, *map(people.pass_of, (people.ann, people.olga, people.nina))):
        with gate.carrying(secret):
            assert grants.elsewhere() is None
            assert not grants.end_elsewhere()
    assert state_of(first) == "open"


def test_what_is_written_there_meanwhile_is_not_committed() -> None:
    _, sues = let_in()
    with carrying(sues) as web:
        with gate.carrying(people.pass_of(people.sue)):
            assert grants.end_elsewhere()
        with pytest.raises(psycopg.Error) as refusal:
            web.commit()
    assert refusal.value.sqlstate == "CV002"


def test_ending_it_there_is_an_entry_like_any_end(superuser: psycopg.Connection) -> None:
    first, _ = let_in()
    with gate.carrying(people.pass_of(people.sue)):
        assert grants.end_elsewhere()
    ended = superuser.execute(
        "SELECT actor_id FROM accounts_auditentry WHERE grant_id = %s AND action = 'access.ended'",
        [first],
    ).fetchall()
    assert ended == [(people.sue.user.pk,)]
