"""Statements written by hand, for the pages that are looked at all day (decision 21).

Django's cursor writes parameters into a statement's text, so that each is planned anew: right where
the conditions are never the same twice. Of a lasting one the server binds the parameters, and from
its sixth time on the connection keeps the plan, whosever pass it answers. And several can be asked
at once: where there is much to do, waiting for the database costs more than what is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg
from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor

Read = TypeVar("Read")
ServerBound: Any = ServerBindingCursor  # of which the stubs know no more than the name

# Reads times to the same moments as Django's own loader, which is Python called for each value.
TIMES = psycopg.adapters.get_loader(
    psycopg.adapters.types["timestamptz"].oid, psycopg.pq.Format.TEXT
)


@dataclass(frozen=True, slots=True)
class Statement(Generic[Read]):
    """`read` makes of the rows, which are tuples, what was asked for."""

    sql: str
    parameters: Sequence[Any] | Mapping[str, Any]
    read: Callable[[list[Any]], Read]
    lasting: bool = True


def answer(asked: Statement[Read]) -> Read:
    with _cursor(asked) as cursor:
        cursor.execute(asked.sql, asked.parameters)
        return asked.read(cursor.fetchall())


def answers(*asked: Statement[Any]) -> list[Any]:
    """What each reads, for one wait in all."""
    if not asked:
        return []
    connection.ensure_connection()
    with ExitStack() as cursors, connection.connection.pipeline():
        open_for = [(cursors.enter_context(_cursor(each)), each) for each in asked]
        for cursor, each in open_for:
            cursor.execute(each.sql, each.parameters)
        return [each.read(cursor.fetchall()) for cursor, each in open_for]


def _cursor(asked: Statement[Any]) -> AbstractContextManager[Any]:
    """A cursor like Django's own: counted, logged, and translating errors."""
    connection.ensure_connection()
    bare = ServerBound(connection.connection) if asked.lasting else connection.create_cursor()
    bare.adapters.register_loader("timestamptz", TIMES)
    wrapped: Any = (
        connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    )
    return wrapped(bare)
