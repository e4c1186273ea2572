"""Django's backend for PostgreSQL, whose connections go back to the pool as they came out of it."""

import psycopg
from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def _close(self) -> None:
        """Here, and not in the hook that the pool has for it: that hands each connection to a
        thread of the pool's own, which competes with those that answer."""
        if self.connection is not None and self.pool:
            clean(self.connection)
        super()._close()  # type: ignore[misc]  # Django's, which the stubs leave out


def clean(connection: psycopg.Connection) -> None:
    """Leave nothing of one request in the session for the next. What a transaction presents to the
    gate is gone with it anyway; this is for SQL that was smuggled into it. Where it fails, the
    connection is closed, and the pool opens another."""
    try:
        connection.rollback()
        connection.autocommit = True
        connection.execute(
            "CLOSE ALL; RESET ALL; RESET SESSION AUTHORIZATION; DEALLOCATE ALL; UNLISTEN *;"
            " DISCARD SEQUENCES; SELECT pg_advisory_unlock_all()"
        )
    except psycopg.Error:
        connection.close()
