"""Load the demo companies, or load them anew."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.founding import OWNER
from orders.demo import loading
from orders.demo.clearing import clear
from orders.demo.companies import COMPANIES, PASSWORD, STAFF
from policy.models import Kind, PolicyVersion


class Command(BaseCommand):
    help = "(Re)load the demo companies with their people and orders; in development only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sign-ins", action="store_true", help="only print who may sign in")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["sign_ins"]:
            self.load()
        self.announce()

    def load(self) -> None:
        if not settings.DEVELOPMENT:
            raise CommandError(
                "The demo is for development (DEBUG=1): everybody knows its passwords."
            )
        if OWNER not in settings.DATABASES:
            raise CommandError("OWNER_DATABASE_URL is missing: companies are founded as the owner.")
        if not PolicyVersion.objects.using(OWNER).filter(kind=Kind.CRM).exists():
            call_command("publish_bundled", stdout=self.stdout)
        clear([company.slug for company in COMPANIES], emails())
        for company in COMPANIES:
            loading.load(company)
        for someone in STAFF:
            loading.staff(someone)

    def announce(self) -> None:
        self.stdout.write(f"The demo's people; their password is {PASSWORD}:")
        for company in COMPANIES:
            for colleague in company.colleagues:
                if colleague.signs_in:
                    self.stdout.write(f"  {colleague.email:26} {colleague.role} of {company.name}")
        for someone in STAFF:
            part = "support staff" if someone.support else "the operator"
            self.stdout.write(f"  {someone.email:26} {part}, who sets up a second factor first")


def emails() -> list[str]:
    return [
        *(someone.email for company in COMPANIES for someone in company.colleagues),
        *(someone.email for someone in STAFF),
    ]
