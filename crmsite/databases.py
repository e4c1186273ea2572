"""Which alias of DATABASES does what: the owner migrates, `default`, the web role, serves."""

from typing import Any

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
    "idle_session_timeout": "0",
    "client_encoding": "UTF8",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
}
OPTIONS = " ".join(f"-c {name}={value}" for name, value in SESSION.items())


class OwnerMigrates:
    """Keep migrations, and the checks that read their record, off the web role's connection."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == OWNER
