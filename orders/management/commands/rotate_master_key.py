"""Wrap every company's key anew under the first key of MASTER_KEY."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.founding import OWNER
from orders.rotation import rotate


class Command(BaseCommand):
    help = (
        "Wrap every company's key anew under the first of the keys in MASTER_KEY. Afterwards the "
        "others can go: what they alone opened, in an old copy of the database, stays shut."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if OWNER not in settings.DATABASES:
            raise CommandError("OWNER_DATABASE_URL is missing: keys are wrapped anew as the owner.")
        wrapped = rotate()
        self.stdout.write(
            f"{wrapped} keys are wrapped anew. Remove the former keys from MASTER_KEY, wherever it "
            "is kept, and restart the site and its workers."
        )
