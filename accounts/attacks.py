"""The means of attack in SQL: statements of the web role, with what its password can bring along.

Everything runs on the web role's own connection, inside `proving.undone`, so nothing stays.
"""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps
from django.db import Error, connection, transaction
from psycopg import sql

from accounts import gate
from accounts.proving import Broken
from accounts.rowrules import NO_PERSON_AND_NO_COMPANY, READ_BEFORE_A_COMPANY_IS_KNOWN

Settings = dict[str, str]
Row = tuple[Any, ...]

# No right, the policy is not accepted, a table that row rules keep COPY from.
REFUSALS: Final = ("42501", "CV001", "0A000")
SETTINGS: Final = ("gate.app", "gate.pass", "gate.company")


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


def attempt(statement: str | sql.Composable, *values: object) -> list[Row]:
    """The rows that the statement gave or changed; none where it was refused. Any other error is
    the attack's own fault, and raised."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else [()] * cursor.rowcount
    except Error as refusal:
        if sqlstate(refusal) in REFUSALS:
            return []
        raise


def sqlstate(error: Error) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""


def vouched(secret: str = "", company_id: int | None = None) -> Settings:
    """With the application's key, too: what somebody who reads the server's settings has."""
    return {
        "gate.app": gate._key("vouch"),
        "gate.pass": secret,
        "gate.company": str(company_id or ""),
    }


def read(table: str, who: str) -> int:
    """Ask for a row of the table in three ways: how many ways were refused. Raises Broken."""
    name = sql.Identifier(table)
    ways = (
        sql.SQL("SELECT * FROM {} LIMIT 1").format(name),
        sql.SQL("SELECT * FROM {} WHERE company_id = gate.claim() LIMIT 1").format(name),
        sql.SQL("SELECT count(*) FROM {} HAVING count(*) > 0").format(name),
    )
    for way in ways:
        if attempt(way):
            raise Broken(f"{who} reads {table}")
    return len(ways)
