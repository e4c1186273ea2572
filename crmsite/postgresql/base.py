"""Django's backend for PostgreSQL, whose connections go back to the pool as they came out of it."""

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, parameters: dict[str, Any]) -> psycopg.Connection:
        """One that the server has not closed while it lay in the pool. The pool's own check asks
        the server each time (CONN_HEALTH_CHECKS); what it would say is at hand already."""
        connection = super().get_new_connection(parameters)
        while self.pool and has_something_to_say(connection):
            connection.close()
            self.pool.putconn(connection)
            connection = super().get_new_connection(parameters)
        return connection

    def _close(self) -> None:
        """Here, and not in the hook that the pool has for it: that hands each connection to a
        thread of the pool's own, which competes with those that answer."""
        if self.connection is not None and self.pool:
            clean(self.connection)
        super()._close()  # type: ignore[misc]  # Django's, which the stubs leave out


def has_something_to_say(connection: psycopg.Connection) -> bool:
    """Unasked, a server says little but that it closes the connection."""
    waiting = select.poll()
    waiting.register(connection.pgconn.socket, select.POLLIN)
    return bool(waiting.poll(0))


CLEANING = (
    "SELECT pg_advisory_unlock_all(), EXISTS"
    " (SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql);"
    " CLOSE ALL; RESET ALL; RESET SESSION AUTHORIZATION; UNLISTEN *; DISCARD SEQUENCES"
)


def clean(connection: psycopg.Connection) -> None:
    """Leave nothing of one request in the session for the next. What a transaction presents to the
    gate is gone with it anyway; this is for SQL that was smuggled into it.

    Plans that the driver keeps stay. One that SQL prepared could take the place of one of them, so
    such a connection is closed, as is one that cannot be cleaned; the pool opens another.
    """
    try:
        connection.rollback()
        connection.autocommit = True
        [_, prepared] = connection.execute(CLEANING).fetchone() or (None, True)
    except psycopg.Error:
        connection.close()
    else:
        if prepared:
            connection.close()
