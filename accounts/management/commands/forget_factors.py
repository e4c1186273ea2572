"""Take somebody's second factors away, who has lost them and the recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import founding
from accounts.models import User


class Command(BaseCommand):
    help = "Forget a person's second factors, and end their sessions (on the server only)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        try:
            forgotten = founding.forget_factors(email)
        except User.DoesNotExist:
            raise CommandError(f"Nobody has the address {email}.") from None
        self.stdout.write(
            f"{forgotten} forgotten. The password alone signs {email} in, until another is set up: "
            "make sure first who asked for this."
        )
