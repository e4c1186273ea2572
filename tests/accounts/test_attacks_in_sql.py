"""SQL as the web's own role, by people who should see nothing of Aurora.

Each attacker holds the web role's password, and even the application's key but for the first. Each
tries every command on every table of a company, every function of the gate and every sequence; a
superuser's eye sees that nothing changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from accounts import gate
from accounts.rowrules import NO_PERSON_AND_NO_COMPANY, READ_BEFORE_A_COMPANY_IS_KNOWN
from tests import people
from tests.orders.sending import key_of, send

pytestmark = pytest.mark.django_db(transaction=True)

REFUSALS = ("42501", "CV001", "0A000")  # no right; policy not accepted; COPY FROM under row rules

Settings = dict[str, str]


def vouched(**settings: str) -> Settings:
    return {"gate.app": gate.key_for("vouch")} | {f"gate.{name}": v for name, v in settings.items()}


def aurora() -> str:
    return str(people.company("aurora").pk)


def stored_hash_as_pass() -> str:
    return hashlib.sha256(people.pass_of(people.ann).encode()).hexdigest()


ATTACKERS: dict[str, Callable[[], Settings]] = {
    "nothing but the password": lambda: {"gate.company": aurora()},
    "no pass": lambda: vouched(company=aurora()),
    "a wrong pass": lambda: vouched(company=aurora(), **{"pass": gate.new_secret()}),
    "an empty pass": lambda: vouched(company=aurora(), **{"pass": ""}),
    "the stored hash of a pass": lambda: vouched(
        company=aurora(), **{"pass": stored_hash_as_pass()}
    ),
    "an expired pass": lambda: vouched(
        company=aurora(), **{"pass": people.pass_of(people.ann, lasting=-1)}
    ),
    "another company's owner": lambda: vouched(
        company=aurora(), **{"pass": people.pass_of(people.bea)}
    ),
    "another company's owner whose pass names Aurora": lambda: vouched(
        company=aurora(), **{"pass": people.pass_of(people.bea, "aurora")}
    ),
    "settings somebody made up": lambda: vouched(
        company=aurora(), user="1", role="owner", user_id="1", superuser="on"
    ),
    "a member who left": lambda: vouched(
        company=aurora(), **{"pass": people.pass_of(people.lou, "aurora")}
    ),
    "a member who has not accepted": lambda: vouched(
        company=aurora(), **{"pass": people.pass_of(people.newt)}
    ),
    "the operator, superuser flag and all": lambda: vouched(
        company=aurora(), **{"pass": people.pass_of(people.olga, "aurora")}
    ),
    "support staff": lambda: vouched(
        company=aurora(), **{"pass": people.pass_of(people.sue, "aurora")}
    ),
    "an owner under REPEATABLE READ": lambda: vouched(
        company=aurora(),
        transaction="repeatable read",
        **{"pass": people.pass_of(people.ann)},
    ),
}


@pytest.fixture(autouse=True)
def a_lead() -> None:
    """What no person of the company adds by hand, for attackers to reach for."""
    assert send(key_of()).status_code == 201


@pytest.fixture(params=ATTACKERS)
def attacker(request: pytest.FixtureRequest) -> Settings:
    return ATTACKERS[request.param]()


def guarded_tables(superuser: psycopg.Connection) -> list[str]:
    """The companies'; the tables of jobs have tests of their own."""
    rows = superuser.execute(
        "SELECT relname FROM pg_class WHERE relforcerowsecurity ORDER BY relname"
    ).fetchall()
    found = [name for (name,) in rows if name not in NO_PERSON_AND_NO_COMPANY]
    assert len(found) >= 12
    return found


def contents(superuser: psycopg.Connection, table: str) -> str:
    return superuser.execute(
        sql.SQL("SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} t")
        .format(sql.Identifier(table))
    ).fetchone()[0]  # fmt: skip


def attempt(settings: Settings, command: sql.Composable, *values: object) -> list[tuple]:
    """The rows the command gave, in a transaction that would commit; an empty list if refused."""
    presented = dict(settings)
    isolation = presented.pop("gate.transaction", "read committed")
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        for name, value in presented.items():
            connection.execute("SELECT set_config(%s, %s, true)", (name, value))
        try:
            cursor = connection.execute(command, values or None)
        except psycopg.Error as refusal:
            assert refusal.sqlstate in REFUSALS, refusal
            return []
        return cursor.fetchall() if cursor.description else [()] * cursor.rowcount


def test_reaches_no_table(attacker: Settings, superuser: psycopg.Connection) -> None:
    reads_no_row(attacker, superuser)
    changes_and_deletes_no_row(attacker, superuser)
    adds_no_row(attacker, superuser)
    copies_nothing_out_and_nothing_in(attacker, superuser)
    learns_nothing_from_the_gates_functions(attacker)


def reads_no_row(attacker: Settings, superuser: psycopg.Connection) -> None:
    for table in guarded_tables(superuser):
        command = sql.SQL("SELECT * FROM {} WHERE company_id = %s").format(sql.Identifier(table))
        assert attempt(attacker, command, aurora()) == [], table
        assert attempt(attacker, sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))) == []


def changes_and_deletes_no_row(attacker: Settings, superuser: psycopg.Connection) -> None:
    for table in guarded_tables(superuser):
        before = contents(superuser, table)
        columns = superuser.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped",
            [table],
        ).fetchall()
        for (column,) in columns:
            change = sql.SQL("UPDATE {} SET {c} = {c}").format(
                sql.Identifier(table), c=sql.Identifier(column)
            )
            assert attempt(attacker, change) == [], (table, column)
        assert attempt(attacker, sql.SQL("DELETE FROM {}").format(sql.Identifier(table))) == []
        assert contents(superuser, table) == before


def adds_no_row(attacker: Settings, superuser: psycopg.Connection) -> None:
    for table in guarded_tables(superuser):
        row = superuser.execute(
            sql.SQL("SELECT row_to_json(t)::text FROM {} t WHERE company_id = %s LIMIT 1").format(
                sql.Identifier(table)
            ),
            [aurora()],
        ).fetchone()
        assert row, f"{table} is empty: an attack on it would prove nothing"
        before = contents(superuser, table)
        added = attempt(
            attacker,
            sql.SQL(
                "INSERT INTO {t} SELECT * FROM json_populate_record(null::{t}, %s::json) "
                "ON CONFLICT DO NOTHING"
            ).format(t=sql.Identifier(table)),
            row[0],
        )
        assert added == [], table
        assert contents(superuser, table) == before


def copies_nothing_out_and_nothing_in(attacker: Settings, superuser: psycopg.Connection) -> None:
    presented = {k: v for k, v in attacker.items() if k != "gate.transaction"}
    for table in guarded_tables(superuser):
        before = contents(superuser, table)
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            if "gate.transaction" in attacker:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for name, value in presented.items():
                connection.execute("SELECT set_config(%s, %s, true)", (name, value))
            try:
                with connection.cursor().copy(
                    sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
                ) as copy:
                    assert b"".join(copy) == b"", table
            except psycopg.Error as refusal:
                assert refusal.sqlstate in REFUSALS
        assert attempt(attacker, sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) == []
        assert contents(superuser, table) == before


def learns_nothing_from_the_gates_functions(attacker: Settings) -> None:
    if "gate.transaction" not in attacker:
        key = gate.key_for("issue")
        attempt(attacker, sql.SQL("SELECT gate.choose_company(%s, %s)"), key, aurora())
    assert attempt(attacker, sql.SQL("SELECT gate.allows('orders.read')")) in ([], [(None,)])
    for permission in ("people.manage", "audit.read", "company.policy"):
        asked = attempt(attacker, sql.SQL("SELECT gate.scope(%s)"), permission)
        assert asked == [(None,)], permission


FORBIDDEN = (
    "SELECT nextval('numbers.company_1')",
    "SELECT last_value FROM numbers.company_1",
    "SELECT setval('numbers.company_1', 1)",
    "SELECT hash FROM accounts_pass",
    "SELECT hash FROM gate.application",
    "SELECT FROM gate.turn FOR KEY SHARE",
    "LOCK TABLE gate.turn IN ACCESS SHARE MODE",
    "INSERT INTO gate.permission VALUES ('orders.read', 'partner', 'all')",
    "UPDATE gate.permission SET scope = 'all'",
    "SELECT * FROM gate.holder()",
    "SELECT * FROM gate.missing_policies(1, 1)",
    "TRUNCATE orders_order CASCADE",
    "ALTER TABLE orders_order NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY reads ON orders_order",
    "CREATE TABLE public.mine (x int)",
    "CREATE TEMPORARY TABLE accounts_user (password text)",
    "SET track_activities = on",
    "CREATE FUNCTION gate.allows2() RETURNS text LANGUAGE sql AS 'SELECT 1'",
    "SET ROLE covenant_owner",
    "SELECT lo_from_bytea(0, 'a store that no row rule holds')",
    "SELECT lo_create(0)",
    "SET row_security = off; SELECT * FROM orders_order",
)


def test_even_a_member_is_refused_what_goes_around_the_rules() -> None:
    settings = vouched(company=aurora(), **{"pass": people.pass_of(people.ann)})
    for command in FORBIDDEN:
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            for name, value in settings.items():
                connection.execute("SELECT set_config(%s, %s, true)", (name, value))
            with pytest.raises(psycopg.Error) as refusal:
                connection.execute(command)
            assert refusal.value.sqlstate in ("42501", "22023"), (command, refusal.value)


def test_a_pass_is_made_by_the_application_alone() -> None:
    """Neither the password nor SQL smuggled into a request, which can read the settings."""
    settings = vouched(company=aurora(), **{"pass": people.pass_of(people.gus)})
    for key in ("", "x", gate.key_for("vouch")):
        forged = gate.new_secret()
        command = sql.SQL(
            "SELECT gate.open_pass(%s, %s, 'session', %s, %s, NULL, '{{}}', now() + '1 hour')"
        ).format()
        ann = people.ann.user.pk
        assert attempt(settings, command, key, forged, ann, aurora()) == []
        with gate.carrying(forged) as entry:
            assert not entry.found


def test_without_the_applications_key_not_even_people_are_seen(
    superuser: psycopg.Connection,
) -> None:
    for table in READ_BEFORE_A_COMPANY_IS_KNOWN:
        assert attempt({}, sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))) == [], table


def test_nobody_makes_himself_somebody_else(superuser: psycopg.Connection) -> None:
    settings = vouched(company=aurora(), **{"pass": people.pass_of(people.gus)})
    tables = ("accounts_user", "accounts_membership", "account_emailaddress")
    before = [contents(superuser, table) for table in tables]
    for command in (
        "UPDATE accounts_user SET is_superuser = true",
        "UPDATE accounts_user SET is_support = true WHERE email = 'gus@aurora.example'",
        "UPDATE accounts_membership SET role = 'owner'",
        "UPDATE accounts_user SET password = 'mine' WHERE email = 'bea@borealis.example'",
        "UPDATE accounts_user SET name = 'Mine' WHERE email = 'ann@aurora.example'",
        "SELECT gate.set_password('', 1, 'mine', true)",
        "SELECT gate.renew_pass('', 'another')",
        "SELECT gate.tell_of_refusal('', 1, 'password')",
        "SELECT gate.add_person('', 'evil@example.com', 'Evil', '', 'mine')",
        "INSERT INTO accounts_user (id, email, password, name, language, is_active, is_support,"
        " is_superuser, date_joined) VALUES ((SELECT max(id) + 1 FROM accounts_user),"
        " 'evil@example.com', 'mine', 'Evil', '', true, false, false, now())",
        'INSERT INTO account_emailaddress (user_id, email, verified, "primary") '
        "SELECT id, 'evil@example.com', true, false FROM accounts_user",
        "UPDATE account_emailaddress SET email = 'evil@example.com'",
        "UPDATE accounts_membership SET team_id = NULL",
        "DELETE FROM accounts_membership",
    ):
        assert attempt(settings, sql.SQL(command)) == [], command
    assert before == [contents(superuser, table) for table in tables]


def test_an_attack_that_should_succeed_does(superuser: psycopg.Connection) -> None:
    """The same probes as Ann herself: else all of the above could pass on a broken probe."""
    settings = vouched(company=aurora(), **{"pass": people.pass_of(people.ann)})
    seen = {
        table
        for table in guarded_tables(superuser)
        if attempt(settings, sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
    }
    assert seen == set(guarded_tables(superuser))
