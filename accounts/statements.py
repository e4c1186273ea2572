"""Statements that pages ask all day: planned once for a connection, not once for a page.

Django's cursor writes parameters into the statement, so that each is planned anew; that is right
for conditions that are never the same twice. A lasting one has the server bind them, and from its
sixth time on the connection keeps the plan, whosever pass it answers (decision 19).
"""

from contextlib import AbstractContextManager
from typing import Any

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor

ServerBound: Any = ServerBindingCursor  # of which the stubs know no more than the name


def lasting() -> AbstractContextManager[Any]:
    """A cursor like Django's own: counted, logged, and translating errors."""
    connection.ensure_connection()
    wrapped: Any = (
        connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    )
    return wrapped(ServerBound(connection.connection))
