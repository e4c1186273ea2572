"""Appoint support staff and operators, or dismiss them."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts import founding


class Command(BaseCommand):
    help = "Appoint somebody support staff or operator; with neither, dismiss (on the server only)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--support", action="store_true")
        parser.add_argument("--operator", action="store_true")

    def handle(self, *args: Any, email: str, support: bool, operator: bool, **options: Any) -> None:
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        user, new = founding.appoint(email, support=support, operator=operator)
        duties = [word for word, held in (("support", support), ("operator", operator)) if held]
        self.stdout.write(f"{user.email}: {' and '.join(duties) or 'no duty any more'}.")
        if new:
            self.stdout.write("New here: a password is had by “Forgot your password?” at sign-in.")
