"""Which of the two database roles does what: the owner migrates, the web role serves."""

from typing import Any

OWNER = "owner"


class OwnerMigrates:
    """Keep migrations, and the checks that read their record, off the web role's connection."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == OWNER
