"""Check the chain of every company's audit; each entry that does not hold is named."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import chains, verify_audit
from accounts.founding import OWNER
from accounts.models import Company


class Command(BaseCommand):
    help = "Checks every company's audit; ends with 1 where an entry was changed behind its back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head",
            nargs=2,
            action="append",
            default=[],
            metavar=("SLUG", "NUMBER:HASH"),
            help="where a company's chain ended one day, as its owner was told by mail",
        )

    def handle(self, *, head: list[list[str]], **options: Any) -> None:
        wrong = set()
        for company in Company.objects.using(OWNER).filter(closed_at=None).order_by("pk"):
            told = verify_audit.read_heads(said for slug, said in head if slug == company.slug)
            for problem in chains.problems(company, told):
                wrong.add(company.slug)
                self.stdout.write(f"{company.slug}: {problem}")
        if wrong:
            raise CommandError(f"The audit of {len(wrong)} companies does not hold.")
        self.stdout.write("Every company's audit holds.")
