"""Which of the two database roles does what: the owner migrates, the web role serves."""

from typing import Any

from psycopg import Connection

OWNER = "owner"


class OwnerMigrates:
    """Keep migrations, and the checks that read their record, off the web role's connection."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == OWNER


def handed_back(connection: Connection) -> None:
    """Called by the pool between two requests: whatever one left in the session is not the next
    one's. What a transaction presents to the gate is gone by then anyway; this is for SQL that was
    smuggled into it. Plans stay: they are costly, and nobody's."""
    connection.autocommit = True
    connection.execute(
        "RESET ALL; RESET SESSION AUTHORIZATION; DEALLOCATE ALL; UNLISTEN *;"
        " SELECT pg_advisory_unlock_all()"
    )
