"""The means of attack in SQL: statements of the web role, with what its password can bring along.

Everything runs on the web role's own connection, inside `proving.undone`, so nothing stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import psycopg
from django.apps import apps
from django.db import Error, IntegrityError, connection, connections, transaction
from psycopg import sql

from accounts import gate, trial
from accounts.identifiers import uuid7
from accounts.proving import Broken, System
from accounts.rowrules import NO_PERSON_AND_NO_COMPANY, READ_BEFORE_A_COMPANY_IS_KNOWN
from accounts.sqlstates import (
    NO_COPY,
    NO_RIGHT,
    NOT_ACCEPTED,
    NOT_COVERED,
    OUT_OF_BOUNDS,
    sqlstate,
)

Settings = dict[str, str]
Row = tuple[Any, ...]

REFUSALS: Final = (NO_RIGHT, NOT_ACCEPTED, NOT_COVERED, OUT_OF_BOUNDS, NO_COPY)
SETTINGS: Final = ("gate.app", "gate.pass", "gate.key", "gate.company")


def tables() -> list[str]:
    """Every table whose rows belong to a company, by its model: a table that lost its row rules
    is attacked as well."""
    outside = READ_BEFORE_A_COMPANY_IS_KNOWN | NO_PERSON_AND_NO_COMPANY
    return sorted(
        model._meta.db_table
        for model in apps.get_models()
        if "company_id" in {field.attname for field in model._meta.fields}
        and model._meta.db_table not in outside
    )


def present(settings: Settings) -> None:
    """Bring these into the transaction, and nothing from before."""
    values = dict.fromkeys(SETTINGS, "") | settings
    with connection.cursor() as cursor:
        for name, value in values.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def attempt(statement: str | sql.SQL | sql.Composed, *values: Any) -> list[Row]:
    """The rows that the statement gave or changed; none where it was refused. Any other error is
    the attack's own fault, and raised."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else [()] * cursor.rowcount
    except Error as refusal:
        if sqlstate(refusal) in REFUSALS:
            return []
        raise


def refused(statement: str, using: str = "default") -> bool:
    """Whether the database refuses the statement itself, even where it would reach no row; undone
    otherwise."""
    try:
        with transaction.atomic(using), connections[using].cursor() as cursor:
            cursor.execute(statement)
            transaction.set_rollback(True, using)
    except Error as refusal:
        return sqlstate(refusal) in REFUSALS
    return False


def vouched(secret: str = "", company_id: int | None = None) -> Settings:
    """With the application's key, too: what somebody who reads the server's settings has."""
    return {
        "gate.app": gate.key_for("vouch"),
        "gate.pass": secret,
        "gate.company": str(company_id or ""),
    }


def examples(system: System, company_id: int) -> dict[str, dict[str, Any]]:
    """Of each table that has any row, one that could be the company's, by a superuser's eye."""
    found = {}
    with system.superuser() as superuser:
        for table in tables():
            rows = sql.SQL("SELECT row_to_json(t) FROM {} t LIMIT 1").format(sql.Identifier(table))
            for (row,) in superuser.execute(rows):
                found[table] = row | {"company_id": company_id}
    return found


def attack(rows: dict[str, dict[str, Any]], who: str) -> int:
    """Read every table, and write each of which `rows` has an example, with what the transaction
    presents; in how many statements. Raises Broken."""
    read_in = sum(read(table, who) for table in tables())
    return read_in + sum(write(table, row, who) for table, row in rows.items())


def intruders(company_id: int) -> Iterator[tuple[str, Settings]]:
    """Who has no pass of the company's, and what they could bring to the database."""
    claimed = vouched(company_id=company_id)
    made_up = {"gate.user_id": "1", "gate.role": "owner", "gate.superuser": "on"}
    yield "the web role's password", {"gate.company": str(company_id)}
    yield "the application's key", claimed
    yield "a pass that somebody made up", vouched(gate.new_secret(), company_id)
    yield "a visitor's session", vouched(trial.pass_of(None), company_id)
    yield "a setting that somebody made up", claimed | made_up


def read(table: str, who: str) -> int:
    """Ask for a row of the table in each way there is; in how many. Raises Broken."""
    name = sql.Identifier(table)
    ways = (
        sql.SQL("SELECT * FROM {} LIMIT 1").format(name),
        sql.SQL("SELECT * FROM {} WHERE company_id = gate.claim() LIMIT 1").format(name),
        sql.SQL("SELECT count(*) FROM {} HAVING count(*) > 0").format(name),
    )
    for way in ways:
        if attempt(way):
            raise Broken(f"{who} reads {table}")
    if copied(table):
        raise Broken(f"{who} copies {table}")
    return len(ways) + 1


def copied(table: str) -> bytes:
    """The first of what COPY gives of the table; nothing where it is refused."""
    command = sql.SQL("COPY (SELECT * FROM {} LIMIT 1) TO STDOUT").format(sql.Identifier(table))
    try:
        with transaction.atomic(), connection.connection.cursor().copy(command) as copy:
            return b"".join(copy)
    except (Error, psycopg.Error) as refusal:
        if sqlstate(refusal) in REFUSALS:
            return b""
        raise


def write(table: str, row: dict[str, Any], who: str) -> int:
    """Try to change, delete and add rows; `row` is like one of the table's. In how many ways.
    Raises Broken."""
    name = sql.Identifier(table)
    changes = [
        sql.SQL("UPDATE {t} SET {c} = {c}").format(t=name, c=sql.Identifier(column))
        for column in row
    ]
    for way in (sql.SQL("DELETE FROM {}").format(name), *changes):
        if attempt(way):
            raise Broken(f"{who} changes {table}")
    if added(table, row):
        raise Broken(f"{who} adds to {table}")
    return len(changes) + 2


def added(table: str, row: dict[str, Any]) -> bool:
    """Whether such a row, with an id of its own, can be added; also where only a constraint was
    against it: a row rule should have been."""
    command = "INSERT INTO {t} SELECT * FROM json_populate_record(null::{t}, %s::json)"
    new = row | ({"id": str(uuid7())} if "id" in row else {})
    try:
        return bool(attempt(sql.SQL(command).format(t=sql.Identifier(table)), json.dumps(new)))
    except IntegrityError:
        return True
