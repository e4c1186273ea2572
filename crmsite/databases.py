"""Which of the two database roles does what: the owner migrates, the web role serves."""

from typing import Any

from psycopg import Connection

OWNER = "owner"


# What each of the web role's connections begins with, and RESET goes back to. All that could change
# what a statement means or whether it runs is said here, since a role may alter its own defaults.
# The gate's functions keep one plan each: theirs is a key's.
SESSION = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "search_path": "public",
    "row_security": "on",
    "default_transaction_isolation": r"read\ committed",
    "default_transaction_read_only": "off",
    "plan_cache_mode": "force_generic_plan",
    "statement_timeout": "5min",
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "5min",
}
OPTIONS = " ".join(f"-c {name}={value}" for name, value in SESSION.items())


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
        "CLOSE ALL; RESET ALL; RESET SESSION AUTHORIZATION; DEALLOCATE ALL; UNLISTEN *;"
        " DISCARD SEQUENCES; SELECT pg_advisory_unlock_all()"
    )
