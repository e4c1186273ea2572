"""Check the chain of every company's audit; each entry that does not hold is named."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import chains
from accounts.founding import OWNER
from accounts.models import Company


class Command(BaseCommand):
    help = "Checks every company's audit; ends with 1 where an entry was changed behind its back."

    def handle(self, **options: Any) -> None:
        wrong = 0
        for company in Company.objects.using(OWNER).filter(closed_at=None).order_by("pk"):
            found = list(chains.problems(company, {}))
            for problem in found:
                self.stdout.write(f"{company.slug}: {problem}")
            wrong += bool(found)
        if wrong:
            raise CommandError(f"The audit of {wrong} companies does not hold.")
        self.stdout.write("Every company's audit holds.")
