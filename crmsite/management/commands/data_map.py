"""Write docs/data-map.md from the registry of records."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.records import data_map


class Command(BaseCommand):
    help = "Write docs/data-map.md: what is kept of whom, and what becomes of it."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "data-map.md"
        path.write_text(data_map())
        self.stdout.write(f"{path.relative_to(settings.BASE_DIR)} is written.")
