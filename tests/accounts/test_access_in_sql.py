"""Access links in SQL, as the web's role: what support reads and writes, and what it never does.

The numbers are those of the list of cases that access links were to pass.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError
from psycopg import sql

from accounts import gate, grants
from accounts.rowrules import NO_PERSON_AND_NO_COMPANY, READ_BEFORE_A_COMPANY_IS_KNOWN
from tests import people
from tests.access import another_order, ask, confirm, let_in, link, orders_of, revoke, state_of

pytestmark = pytest.mark.django_db(transaction=True)

ENTRY = """
    INSERT INTO accounts_auditentry (company_id, id, actor_id, at, action, object_type,
        object_id, object_name, changes)
    VALUES (%s, gen_random_uuid(), %s, now(), 'order.commented', '', NULL, '', '{}')
"""
LOOK = "SELECT gate.look('access.listed', NULL, '{}')"
SEEN = "SELECT number FROM orders_order ORDER BY number"


@pytest.fixture(autouse=True)
def _two_orders() -> None:
    another_order()


def aurora() -> int:
    return people.company("aurora").pk


@contextmanager
def carrying(secret: str, *, telling: bool = True) -> Iterator[psycopg.Connection]:
    """The web role's own connection, with that pass; `telling` that it looks, as it must."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as web:
        web.execute("SELECT gate.enter(%s, %s)", [gate.key_for("vouch"), secret])
        if telling:
            web.execute(LOOK)
        yield web


def seen(secret: str, *, telling: bool = True) -> list[int]:
    """The numbers of the orders that the pass reads."""
    try:
        with carrying(secret, telling=telling) as web:
            return [number for (number,) in web.execute(SEEN).fetchall()]
    except psycopg.errors.InsufficientPrivilege:  # no entry, no row
        return []


def attempt(web: psycopg.Connection, statement: str, *values: object) -> int:
    """How many rows the statement gave or changed; 0 where it was refused."""
    try:
        with web.transaction():
            return max(web.execute(sql.SQL(statement), values or None).rowcount, 0)
    except psycopg.Error as error:
        assert error.sqlstate in ("42501", "CV002", "CV003"), error
        return 0


# Who gets in


def test_whom_the_maker_let_in_reads_what_the_maker_reads() -> None:
    _, sues = let_in()
    assert seen(sues) == seen(people.pass_of(people.ann), telling=False) != []


def test_01_without_a_grant_no_row() -> None:
    assert seen(people.pass_of(people.sue)) == []


def test_02_nothing_of_another_company() -> None:
    _, sues = let_in()
    with carrying(sues) as web:
        web.execute(
            "SELECT set_config('gate.company', %s, true)", [str(people.company("borealis").pk)]
        )
        assert web.execute(SEEN).fetchall() == []


def test_03_nothing_of_another_kind_than_was_granted(owner: psycopg.Connection) -> None:
    """Under a list of orders no table shows a row that is not of such an order."""
    wanted = orders_of()[0]
    _, sues = let_in(orders=[wanted.id])
    of_the_order = {
        "orders_order": "id", "orders_item": "order_id", "orders_comment": "order_id",
        "accounts_auditentry": "object_id",
    }  # fmt: skip
    with carrying(sues) as web:
        for table in guarded(owner):
            rows = web.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
            names = [column.name for column in rows.description or ()]
            found = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
            if table == "accounts_companykey":  # wrapped; and the order's own seal is opened by it
                continue
            column = of_the_order.get(table, "")
            assert {row[column] for row in found} <= {wanted.id} if column else not found, table


def guarded(owner: psycopg.Connection) -> list[str]:
    outside = READ_BEFORE_A_COMPANY_IS_KNOWN | NO_PERSON_AND_NO_COMPANY
    rows = owner.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r'"
        " AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
    ).fetchall()
    return [name for (name,) in rows if name not in outside]


def test_04_an_order_outside_the_list_stays_shut() -> None:
    first, *others = orders_of()
    _, sues = let_in(orders=[first.id])
    assert others and seen(sues) == [first.number]


def test_05_never_more_than_the_maker_sees() -> None:
    """Gail's own orders and free ones; one that becomes another's is gone at the next statement."""
    order = orders_of()[0]
    _, sues = let_in(people.gail, orders=[order.id])
    assert seen(sues) == [order.number]
    assign(order.id, people.gail)
    assert seen(sues) == [order.number]
    assign(order.id, people.gus)
    assert seen(sues) == []


def test_05_all_that_an_agent_sees_is_what_the_agent_sees() -> None:
    order = orders_of()[0]
    assign(order.id, people.gus)
    _, sues = let_in(people.gail)
    assert seen(sues) == seen(people.pass_of(people.gail), telling=False)
    assert order.number not in seen(sues)


def assign(order_id: UUID, to: people.Someone) -> None:
    from orders.models import Order

    agent = to.membership().id
    with people.as_(people.ann) as ann:
        Order.objects.get(id=order_id).assign(by=ann, agent_id=agent)


MEMBERSHIP = "UPDATE accounts_membership SET {} WHERE user_id = {} AND company_id = {}"


@pytest.mark.parametrize(
    "change", ["role = 'agent'", "left_at = now()", "team_id = NULL, role = 'lead'"]
)
def test_06_07_a_maker_who_is_demoted_or_removed_leaves_no_way_in(
    change: str, owner: psycopg.Connection
) -> None:
    grant_id, sues = let_in(people.adam)
    assert seen(sues)
    owner.execute(MEMBERSHIP.format(change, people.adam.user.pk, aurora()))
    assert seen(sues) == []
    if "left" not in change:
        owner.execute(MEMBERSHIP.format("role = 'admin'", people.adam.user.pk, aurora()))
        assert seen(sues) == [] and state_of(grant_id) == "ended"


CLOSERS = {
    "the maker is deactivated": "UPDATE accounts_user SET is_active = false WHERE id = {ann}",
    "the company is suspended": "UPDATE accounts_company SET suspended_at = now() WHERE id = {co}",
    "support is deactivated": "UPDATE accounts_user SET is_active = false WHERE id = {sue}",
    "support is support no more": "UPDATE accounts_user SET is_support = false WHERE id = {sue}",
    "support signed out": "DELETE FROM accounts_pass WHERE user_id = {sue}",
    "the pass is over": "UPDATE accounts_pass SET expires_at = now() WHERE user_id = {sue}",
    "the grant is over": "UPDATE accounts_grant SET made_at = now() - interval '2 hours',"
    " expires_at = now() - interval '1 second'",
    "support was made a member": "INSERT INTO accounts_membership (company_id, id, user_id, role,"
    " joined_at) VALUES ({co}, gen_random_uuid(), {sue}, 'agent', now())",
}  # fmt: skip


def close(owner: psycopg.Connection, how: str) -> None:
    owner.execute(CLOSERS[how].format(ann=people.ann.user.pk, sue=people.sue.user.pk, co=aurora()))


@pytest.mark.parametrize("how", CLOSERS)
def test_07_08_whatever_it_rests_on_ends_it_at_the_next_statement(
    how: str, owner: psycopg.Connection
) -> None:
    _, sues = let_in()
    with carrying(sues) as web:
        assert web.execute(SEEN).fetchall()
        close(owner, how)
        assert web.execute(SEEN).fetchall() == []
        web.rollback()
    assert seen(sues) == []


def test_09_the_right_link_and_the_wrong_person(owner: psycopg.Connection) -> None:
    owner.execute("UPDATE accounts_user SET is_support = true WHERE email = 'nina@nowhere.example'")
    grant_id, secret = link(staff=people.nina)
    assert seen(ask(secret)) == []
    assert state_of(grant_id) == "waiting"
    assert seen(ask(secret, people.nina))
    assert state_of(grant_id) == "open"


def test_09_only_support_asks() -> None:
    _, secret = link()
    for someone in (people.olga, people.nina, people.bea, people.gail):
        with (
            people.as_(someone),
            pytest.raises(DatabaseError, match="only support"),
        ):
            grants.ask_with_link(secret, another=gate.new_secret())


def test_10_a_wrong_secret_opens_nothing() -> None:
    grant_id, secret = link()
    for wrong in (secret[:-1], secret + "A", gate.new_secret(), "", secret.swapcase()):
        assert seen(ask(wrong)) == []
    assert state_of(grant_id) == "waiting"


def test_11_asked_and_not_confirmed_opens_nothing() -> None:
    grant_id, secret = link()
    assert seen(ask(secret)) == []
    assert state_of(grant_id) == "asked"


def test_12_a_link_is_used_once() -> None:
    grant_id, secret = link()
    first, second = ask(secret), ask(secret)
    confirm(grant_id)
    assert seen(first) and seen(second) == []


def test_12_the_other_sessions_of_the_same_person_stay_outside() -> None:
    _, sues = let_in()
    assert seen(sues) and seen(people.pass_of(people.sue)) == []


def test_13_of_fifty_at_once_one_gets_in() -> None:
    _, secret = link()
    passes = [people.pass_of(people.sue) for _ in range(50)]
    with ThreadPoolExecutor(10) as many:
        found = list(many.map(lambda own: asked_apart(own, secret), passes))
    assert [bool(grant) for grant in found].count(True) == 1


def asked_apart(own: str, secret: str) -> UUID | None:
    """Asks on a connection of its own, and commits."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as web:
        web.execute("SELECT gate.enter(%s, %s)", [gate.key_for("vouch"), own])
        try:
            asking = web.execute(
                "SELECT gate.ask_with_link(%s, %s, %s)",
                [gate.key_for("issue"), secret, gate.new_secret()],
            )
        except psycopg.errors.ObjectNotInPrerequisiteState:  # Sue has it, in another session
            return None
        return asking.fetchone()[0]


def test_14_revoked_and_then_asked_opens_nothing() -> None:
    grant_id, secret = link()
    assert revoke(grant_id)
    assert seen(ask(secret)) == []
    assert state_of(grant_id) == "revoked" and not confirm(grant_id)


def test_14_asked_and_then_revoked_is_not_confirmed() -> None:
    grant_id, secret = link()
    sues = ask(secret)
    assert revoke(grant_id)
    assert not confirm(grant_id) and seen(sues) == []


def test_15_confirming_twice_is_confirming_once() -> None:
    grant_id, secret = link()
    ask(secret)
    assert [confirm(grant_id), confirm(grant_id)] == [True, False]


def test_15_only_its_maker_confirms_and_only_whom_he_was_shown() -> None:
    grant_id, secret = link(people.gail)
    ask(secret)
    assert not any(confirm(grant_id, other) for other in (people.ann, people.adam, people.bea))
    assert not confirm(grant_id, people.gail, people.olga)
    assert confirm(grant_id, people.gail)


def test_19_only_the_hash_of_the_secret_is_stored(superuser: psycopg.Connection) -> None:
    _, secret = link()
    found = superuser.execute("SELECT to_jsonb(g)::text FROM accounts_grant g").fetchall()
    entries = superuser.execute("SELECT to_jsonb(e)::text FROM accounts_auditentry e").fetchall()
    assert found and not any(secret in text for (text,) in [*found, *entries])


# When it ends


def test_21_revoked_between_two_statements() -> None:
    grant_id, sues = let_in()
    with carrying(sues) as web:
        assert web.execute(SEEN).fetchall()
        assert revoke(grant_id)
        assert web.execute(SEEN).fetchall() == []
        web.rollback()


def test_22_under_repeatable_read_nothing_opens() -> None:
    _, sues = let_in()
    with psycopg.connect(os.environ["DATABASE_URL"]) as web:
        web.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        web.execute("SELECT gate.enter(%s, %s)", [gate.key_for("vouch"), sues])
        web.execute("SELECT set_config('gate.company', %s, true)", [str(aurora())])
        assert web.execute(SEEN).fetchall() == []


@pytest.mark.parametrize("how", [*CLOSERS, "revoked", "ended"])
def test_20_24_what_was_begun_before_the_end_is_not_committed_after(
    how: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    grant_id, sues = let_in(moves=["trash"])
    before = entries_of(grant_id, superuser)
    with pytest.raises(psycopg.Error) as refusal, carrying(sues) as web:
        assert web.execute(SEEN).fetchall()
        end(how, grant_id, sues, owner)
        web.commit()
    assert refusal.value.sqlstate == "CV002"
    assert entries_of(grant_id, superuser) - before <= {
        "access.revoked",
        "access.shut",
        "access.ended",
    }


def entries_of(grant_id: UUID, superuser: psycopg.Connection) -> set[str]:
    rows = superuser.execute(
        "SELECT action FROM accounts_auditentry WHERE grant_id = %s", [grant_id]
    ).fetchall()
    return {action for (action,) in rows}


def end(how: str, grant_id: UUID, sues: str, owner: psycopg.Connection) -> None:
    if how == "revoked":
        assert revoke(grant_id)
    elif how == "ended":
        with gate.carrying(sues):
            assert grants.end(another=gate.new_secret())
    else:
        close(owner, how)


def test_25_26_settings_made_up_open_nothing() -> None:
    grant_id, sues = let_in()
    with psycopg.connect(os.environ["DATABASE_URL"]) as web:
        for name, value in {
            "gate.app": gate.key_for("vouch"), "gate.company": str(aurora()),
            "gate.pass": str(grant_id), "gate.under": "grant", "gate.access": "open",
        }.items():  # fmt: skip
            web.execute("SELECT set_config(%s, %s, true)", [name, value])
        assert web.execute(SEEN).fetchall() == []
    with carrying(sues) as web:
        web.commit()
        assert web.execute(SEEN).fetchall() == []


# What is never done under it

READING_ONLY = """
    UPDATE orders_order SET status = 'trash', version = version + 1, reason = 'test'
     WHERE status = 'new'
"""
WRITES = {
    "a move": READING_ONLY,
    "a change": "UPDATE orders_order SET total = 1",
    "a number": "UPDATE orders_order SET external_id = 'x'",
    "a person": "UPDATE orders_order SET person = ''",
    "an erasure": "UPDATE orders_order SET erased_at = now()",
    "an order": "INSERT INTO orders_order (company_id, id, status, version, external_id, country,"
    " citizenship, person, phone_country, currency, total, attempts, reason, source, created_at,"
    " updated_at) SELECT company_id, gen_random_uuid(), 'new', 1, '', '', '', '', '', currency, 0,"
    " 0, '', 'hand', now(), now() FROM orders_order LIMIT 1",
    "a comment": "INSERT INTO orders_comment (company_id, id, order_id, author_id, body,"
    " created_at) SELECT company_id, gen_random_uuid(), id, {sue}, '', now() FROM orders_order",
    "an item less": "DELETE FROM orders_item",
    "a word less": "DELETE FROM orders_searchword",
    "a word more": "INSERT INTO orders_searchword (company_id, word, order_id)"
    " SELECT company_id, '\\x00', id FROM orders_order",
    "an offer": "INSERT INTO orders_offer (company_id, id, name) VALUES ({co}, gen_random_uuid(),"
    " 'x')",
    "an import": "INSERT INTO orders_import (company_id, id, author_id, file_name, rows, drafts,"
    " created, refused, prohibited, incomplete, expired, started_at, touched_at)"
    " VALUES ({co}, gen_random_uuid(), {sue}, 'x', 1, 1, 0, 0, 0, 0, 0, now(), now())",
    "a company's key": "INSERT INTO accounts_companykey (company_id, version, wrapped, created_at)"
    " VALUES ({co}, 1, '', now()) ON CONFLICT DO NOTHING",
    "a member's role": "UPDATE accounts_membership SET role = 'agent'",
    "a team": "INSERT INTO accounts_team (company_id, id, name)"
    " VALUES ({co}, gen_random_uuid(), 'x')",
    "a partner": "INSERT INTO accounts_partner (company_id, id, name, created_at)"
    " VALUES ({co}, gen_random_uuid(), 'x', now())",
    "a name": "UPDATE accounts_user SET name = 'x'",
    "a grant": "INSERT INTO accounts_grant (company_id, id, hash, made_by_id, fields, moves,"
    " reason, made_at, expires_at) VALUES ({co}, gen_random_uuid(), '', {who}, '{{}}',"
    " '{{}}', 'x', now(), now() + interval '1 hour')",
    "a longer grant": "UPDATE accounts_grant SET expires_at = now() + interval '9 hours'",
    "the audit": "UPDATE accounts_auditentry SET action = 'x'",
    "the audit away": "DELETE FROM accounts_auditentry",
}  # fmt: skip


@pytest.mark.parametrize("moves", [[], ["confirmed"]], ids=["reading", "another move"])
def test_27_28_33_34_40_nothing_is_written(moves: list[str], superuser: psycopg.Connection) -> None:
    _, sues = let_in(moves=moves)
    before = everything(superuser)
    written = []
    for what, statement in WRITES.items():
        for who in (people.ann, people.sue):
            values = {"co": aurora(), "sue": people.sue.user.pk, "who": who.user.pk}
            with carrying(sues) as web:
                written += [what] * attempt(web, statement.format(**values))
                web.rollback()
    assert set(written) == ({"a comment"} if moves else set())  # who may move may say why
    assert everything(superuser) == before


def everything(superuser: psycopg.Connection) -> list[object]:
    tables = (
        "orders_order", "orders_item", "orders_comment", "orders_searchword", "orders_offer",
        "orders_import", "accounts_companykey", "accounts_membership", "accounts_team",
        "accounts_partner", "accounts_user", "accounts_grant", "accounts_auditentry",
        "policy_acceptance",
    )  # fmt: skip
    return [
        superuser.execute(
            sql.SQL("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} t").format(
                sql.Identifier(table)
            )
        ).fetchone()
        for table in tables
    ]


SHUT: dict[str, Callable[[psycopg.Connection], object]] = {
    "accepting": lambda web: web.execute("SELECT gate.waiting_for(%s, NULL)", [people.sue.user.pk]),
    "leaving with an archive": lambda web: web.execute(
        "SELECT gate.open_export(%s, 'x', false, NULL, now())", [gate.key_for("issue")]
    ),
    "deleting the account": lambda web: web.execute(
        "SELECT gate.delete_account(%s)", [gate.key_for("issue")]
    ),
}


@pytest.mark.parametrize("what", SHUT)
def test_49_50_what_one_does_as_oneself_is_shut_meanwhile(what: str) -> None:
    _, sues = let_in()
    with carrying(sues) as web:
        assert web.execute("SELECT gate.user_id()").fetchone() == (None,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            SHUT[what](web)


def test_33_no_link_is_used_under_a_grant() -> None:
    _, sues = let_in()
    other, secret = link(people.adam)
    with gate.carrying(sues), pytest.raises(DatabaseError, match="only support"):
        grants.ask_with_link(secret, another=gate.new_secret())
    assert state_of(other) == "waiting"


def test_36_the_session_is_supports_own_again_afterwards() -> None:
    (_, sues), own = let_in(), gate.new_secret()
    with gate.carrying(sues):
        assert grants.end(another=own)
    with carrying(own, telling=False) as web:
        assert web.execute("SELECT gate.user_id()").fetchone() == (people.sue.user.pk,)
        assert web.execute(SEEN).fetchall() == []


# Moves


def test_a_move_of_the_grant_is_made_and_told() -> None:
    order = orders_of()[0]
    _, sues = let_in(moves=["trash"])
    with carrying(sues) as web:
        assert (
            web.execute(
                "UPDATE orders_order SET status = 'trash', reason = 'test', version = version + 1"
                " WHERE id = %s",
                [order.id],
            ).rowcount
            == 1
        )
        web.execute(
            ENTRY.replace("'order.commented', '', NULL", "'order.moved', 'order', %s").replace(
                "'{}'", "%s"
            ),
            [aurora(), people.sue.user.pk, order.id, '{"from": "new", "to": "trash"}'],
        )
    assert {o.status for o in orders_of() if o.id == order.id} == {"trash"}


def test_a_move_that_changes_more_is_refused(superuser: psycopg.Connection) -> None:
    _, sues = let_in(moves=["trash"])
    before = everything(superuser)
    with carrying(sues) as web:
        assert not attempt(
            web, "UPDATE orders_order SET status = 'trash', reason = 'test', total = 1"
        )
        web.rollback()
    assert everything(superuser) == before


# What is hidden


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ([], False),
        (["name", "email"], False),
        (["name", "telephone", "email"], True),
    ],
)
def test_30_the_index_of_words_answers_only_where_all_of_it_is_shown(
    fields: list[str], found: bool
) -> None:
    _, sues = let_in(fields=fields)
    with carrying(sues) as web:
        assert bool(web.execute("SELECT FROM orders_searchword").rowcount) is found


# What is recorded


def test_39_without_an_entry_no_row() -> None:
    _, sues = let_in()
    assert seen(sues) and seen(sues, telling=False) == []
    with carrying(sues, telling=False) as web:
        web.execute("SELECT company_id FROM gate.doer()")
        web.execute(f"{LOOK} WHERE false")
        assert web.execute(SEEN).fetchall() == []


def test_39_an_entry_taken_back_shuts_again() -> None:
    _, sues = let_in()
    with carrying(sues, telling=False) as web:
        web.execute("SAVEPOINT here")
        web.execute(LOOK)
        assert web.execute(SEEN).fetchall()
        web.execute("ROLLBACK TO here")
        assert web.execute(SEEN).fetchall() == []


def test_38_an_entry_says_who_and_under_which_grant(superuser: psycopg.Connection) -> None:
    grant_id, sues = let_in()
    with carrying(sues):
        pass
    rows = superuser.execute(
        "SELECT action, actor_id, grant_id FROM accounts_auditentry WHERE grant_id IS NOT NULL"
        " ORDER BY at"
    ).fetchall()
    ann, sue = people.ann.user.pk, people.sue.user.pk
    assert rows == [
        ("access.made", ann, grant_id),
        ("access.asked", sue, grant_id),
        ("access.confirmed", ann, grant_id),
        ("access.listed", sue, grant_id),
    ]


def test_38_a_member_names_no_grant_in_an_entry(superuser: psycopg.Connection) -> None:
    grant_id, _ = link()
    with carrying(people.pass_of(people.ann), telling=False) as web:
        web.execute(
            ENTRY.replace("changes)", "changes, grant_id)").replace("'{}')", "'{}', %s)"),
            [aurora(), people.ann.user.pk, grant_id],
        )
    assert entries_of(grant_id, superuser) == {"access.made"}


# Making one


def test_a_link_asks_for_a_fresh_proof() -> None:

    from accounts.models import Grant

    with people.as_(people.ann) as ann, pytest.raises(Exception) as refusal:
        grants.make(by=ann, reason="x")
    assert refusal.value.__cause__.sqlstate == "CV003"
    with people.as_(people.ann):
        assert not Grant.objects.exists()


@pytest.mark.parametrize("someone", [people.pat, people.newt, people.sue])
def test_34_who_works_on_no_orders_lets_nobody_in(someone: people.Someone) -> None:
    with pytest.raises(Exception) as refusal:
        link(someone)
    assert refusal.value.__cause__.sqlstate in ("42501", "CV001", "23502")


def test_47_a_grant_lasts_a_day_at_most_and_to_the_second(owner: psycopg.Connection) -> None:
    from datetime import timedelta

    grant_id, sues = let_in(lasting=timedelta(days=3))
    lasts = owner.execute(
        "SELECT expires_at - made_at FROM accounts_grant WHERE id = %s", [grant_id]
    ).fetchone()[0]
    assert timedelta(hours=23, minutes=59) < lasts <= timedelta(hours=24)
    over_in = (
        "UPDATE accounts_grant SET made_at = now() - interval '1 hour',"
        " expires_at = clock_timestamp() + interval '{}'"
    )
    owner.execute(over_in.format("1 second"))
    assert seen(sues)
    owner.execute(over_in.format("-1 second"))
    assert seen(sues) == []
