"""What a link rests on is verified ahead, as a member's pass is (decision 26): it ends no later.

The numbers are those of the list of cases that access links were to pass.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from unittest import mock

import psycopg
import pytest
from django.test import Client

from accounts import gate, grants
from accounts.watching import FILTERS
from tests import people
from tests.access import ask, let_in, link, orders_of, revoke, working
from tests.accounts.revocations import begun
from tests.accounts.test_access_in_sql import (
    CLOSERS,
    LOOK,
    SEEN,
    aurora,
    carrying,
    close,
    entries_of,
    seen,
)
from tests.accounts.test_verified_passes import CRM, PUBLISH, verified

pytestmark = pytest.mark.django_db(transaction=True)

PUBLISHED = {
    "the platform's policy": PUBLISH,
    "the company's policy": PUBLISH.replace(
        CRM, "SELECT id FROM policy_policy WHERE company_id = :co"
    ),
}


def let_in_ahead(**scope: object) -> str:
    """Support's pass under a grant, verified."""
    _, sues = let_in(**scope)
    gate.verify(sues)
    return sues


def end(owner: psycopg.Connection, how: str) -> None:
    if how in CLOSERS:
        close(owner, how)
    else:
        owner.execute(PUBLISHED[how].replace(":co", str(aurora())))


def test_a_look_verifies_and_the_next_one_needs_not(owner: psycopg.Connection) -> None:
    client, _ = working()
    secret = client.cookies["covenant"].value
    assert not verified(secret, owner)
    client.get("/orders/")
    assert verified(secret, owner)
    with mock.patch.object(gate, "verify", side_effect=AssertionError):
        assert client.get("/orders/").status_code == 200


@pytest.mark.parametrize("how", [*CLOSERS, *PUBLISHED])
def test_07_08_21_whatever_it_rests_on_ends_it_at_the_next_statement(
    how: str, owner: psycopg.Connection
) -> None:
    sues = let_in_ahead()
    assert verified(sues, owner)
    with carrying(sues) as web:
        assert web.execute(SEEN).fetchall()
        end(owner, how)
        assert web.execute(SEEN).fetchall() == []
        with pytest.raises(psycopg.Error) as refusal:
            web.commit()
    assert refusal.value.sqlstate == "CV002"
    assert seen(sues) == []


def test_21_revoked_between_two_statements(owner: psycopg.Connection) -> None:
    grant_id, sues = let_in()
    gate.verify(sues)
    with carrying(sues) as web:
        assert verified(sues, owner) and web.execute(SEEN).fetchall()
        assert revoke(grant_id)
        assert web.execute(SEEN).fetchall() == []
        web.rollback()


def test_21_revoked_between_the_entering_and_the_look(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    client, grant_id = working()

    def too_late(deed: str) -> None:
        owner.execute("UPDATE accounts_grant SET revoked_at = now()")
        look(deed)

    look, before = grants.look, entries_of(grant_id, superuser)
    with mock.patch.object(grants, "look", too_late):
        answer = client.get("/orders/")
    assert answer.status_code == 403 and "data-rows" not in answer.text
    assert entries_of(grant_id, superuser) == before


@pytest.mark.parametrize("how", PUBLISHED)
def test_nothing_is_verified_while_a_publication_is_under_way(
    how: str, owner: psycopg.Connection
) -> None:
    _, sues = let_in()
    with owner.transaction():
        end(owner, how)
        gate.verify(sues)
    assert not verified(sues, owner) and seen(sues) == []


@pytest.mark.parametrize("how", PUBLISHED)
def test_a_publication_waits_for_who_verifies_and_then_doubts(
    how: str, owner: psycopg.Connection
) -> None:
    _, sues = let_in()
    publishing = threading.Thread(target=end, args=[owner, how])
    with begun(sues) as web:
        web.execute("SELECT gate.verify(%s, %s)", [gate.key_for("issue"), sues])
        publishing.start()
        publishing.join(timeout=0.5)
        assert publishing.is_alive()
        web.commit()
        publishing.join(timeout=10)
    assert not verified(sues, owner) and seen(sues) == []


def test_36_what_was_verified_of_a_link_is_not_of_support_afterwards(
    owner: psycopg.Connection,
) -> None:
    sues, own = let_in_ahead(), gate.new_secret()
    with gate.carrying(sues):
        assert grants.end(another=own)
    assert not verified(own, owner) and seen(own) == []


@pytest.fixture
def hinted() -> Iterator[psycopg.Connection]:
    """The web role's connection, with a hint of its own making that a grant is in hand."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as web:
        yield web


def enter(web: psycopg.Connection, secret: str) -> None:
    web.execute("SELECT gate.enter(%s, %s)", [gate.key_for("vouch"), secret])
    web.execute("SELECT set_config('gate.under', 'grant', true)")
    web.execute("SELECT set_config('gate.company', %s, true)", [str(aurora())])


@pytest.mark.parametrize("someone", [people.ann, people.gail, people.pat, people.bea, people.sue])
def test_26_a_hint_that_is_made_up_opens_nothing_more(
    someone: people.Someone, hinted: psycopg.Connection
) -> None:
    secret = people.pass_of(someone)
    enter(hinted, secret)
    at_aurora = someone not in (people.bea, people.sue)
    theirs = sorted(order.number for order in orders_of(someone)) if at_aurora else []
    assert [number for (number,) in hinted.execute(SEEN).fetchall()] == theirs


def test_26_who_only_asks_sees_nothing_with_the_hint(hinted: psycopg.Connection) -> None:
    _, secret = link()
    enter(hinted, ask(secret))
    assert hinted.execute(SEEN).fetchall() == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        hinted.execute(LOOK)


def test_39_what_is_no_look_is_not_told_as_one() -> None:
    with carrying(let_in_ahead(), telling=False) as web:
        for deed in ("order.moved", "access.made", ""):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), web.transaction():
                web.execute("SELECT gate.look(%s, NULL, '{}')", [deed])
        assert web.execute(SEEN).fetchall() == []


WORDED = {
    "an order that it does not name": ("access.viewed", None, "{}"),
    "a list of one order": ("access.listed", "an order", "{}"),
    "a buyer's name": ("access.listed", None, '{"by_what": ["Dora Zidaru"]}'),
    "a name searched by": ("access.searched", None, '{"by_what": ["q", "Dora Zidaru"]}'),
    "a word more": ("access.searched", None, '{"by_what": ["q"], "note": "Dora"}'),
    "no names": ("access.searched", None, '{"by_what": []}'),
    "many": ("access.searched", None, '{"by_what": ["q", "q", "q", "q", "q", "q", "q", "q", "q"]}'),
    "nothing": ("access.searched", None, "{}"),
    "a single word": ("access.searched", None, '{"by_what": "q"}'),
    "no words": ("access.listed", None, None),
    "of an order, too": ("access.viewed", "an order", '{"note": "Dora"}'),
}  # fmt: skip


@pytest.mark.parametrize("what", WORDED)
def test_39_a_look_is_worded_by_the_gate_alone(what: str, superuser: psycopg.Connection) -> None:
    deed, of_order, said = WORDED[what]
    grant_id, sues = let_in()
    before = entries_of(grant_id, superuser)
    with carrying(sues, telling=False) as web:
        with pytest.raises(psycopg.Error) as refusal, web.transaction():
            look = [deed, of_order and orders_of()[0].id, said]
            web.execute("SELECT gate.look(%s, %s, %s)", look)
        assert refusal.value.sqlstate in ("42501", "22023")
        assert web.execute(SEEN).fetchall() == []
    assert entries_of(grant_id, superuser) == before


def test_39_each_name_that_a_list_is_searched_by_is_told(superuser: psycopg.Connection) -> None:
    grant_id, sues = let_in()
    with gate.carrying(sues):
        grants.look("access.searched", by_what=list(FILTERS))
    assert "access.searched" in entries_of(grant_id, superuser)


def test_39_a_member_has_nothing_to_look_at() -> None:
    with (
        carrying(people.pass_of(people.ann), telling=False) as web,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        web.execute(LOOK)


# At the commit


def test_35_who_asks_with_a_link_is_asked_about_again_at_the_commit(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    """Under the secret that his session goes on under: the former one's note was not found."""
    _, secret = link()
    own = people.pass_of(people.sue)
    people.prove(own, people.sue)
    with begun(own) as web:
        web.execute("UPDATE accounts_user SET name = 'Sue' WHERE id = %s", [people.sue.user.pk])
        web.execute(
            "SELECT gate.ask_with_link(%s, %s, %s)",
            [gate.key_for("issue"), secret, gate.new_secret()],
        )
        owner.execute(PUBLISH)
        with pytest.raises(psycopg.Error) as refusal:
            web.commit()
    assert refusal.value.sqlstate == "CV002"
    assert superuser.execute("SELECT count(*) FROM gate.writing").fetchone() == (0,)


def test_nothing_is_left_noted_of_who_asks_looks_and_ends(superuser: psycopg.Connection) -> None:
    _, sues = let_in()
    with carrying(sues):
        pass
    with gate.carrying(sues):
        assert grants.end(another=gate.new_secret())
    for table in ("writing", "unchained", "telling"):
        left = superuser.execute(f"SELECT count(*) FROM gate.{table}").fetchone()
        assert left == (0,), table


# What it costs


def statements_of(client: Client) -> int:
    """Those that the list of orders sends to the database."""
    with mock.patch.object(
        psycopg.Cursor, "execute", autospec=True, side_effect=psycopg.Cursor.execute
    ) as sent:
        assert client.get("/orders/").status_code == 200
    return int(sent.call_count)


def test_a_page_under_a_link_is_one_statement_more() -> None:
    member, (support, _) = people.sign_in(Client(), people.ann), working()
    for client in (member, support):
        client.get("/orders/")
    assert statements_of(support) == statements_of(member) + 1
