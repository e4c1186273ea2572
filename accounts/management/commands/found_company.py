"""Found a company; its owner is invited by a link."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email, validate_slug
from django.db import IntegrityError

from accounts import founding, invitations


class Command(BaseCommand):
    help = "Found a company and print the link by which its owner joins (on the server only)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("slug", help="its name in addresses: small letters, digits, hyphens")
        parser.add_argument("email", help="the owner's e-mail")
        parser.add_argument("--country", default="", help="two letters (ISO 3166)")
        parser.add_argument("--currency", default="EUR", help="three letters (ISO 4217)")
        parser.add_argument("--time-zone", default="UTC", help="as in Europe/Bucharest")

    def handle(self, *args: Any, name: str, slug: str, email: str, **options: Any) -> None:
        details = {key: options[key] for key in ("country", "currency", "time_zone")}
        try:
            validate_email(email)
            validate_slug(slug)
            secret = founding.found_with_owner(name=name, slug=slug, email=email, **details)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        except IntegrityError as error:
            raise CommandError(f"There is a company {slug} already.") from error
        self.stdout.write(f"{name} is founded. {email} joins as its owner by this link, once:")
        self.stdout.write(_site() + invitations.path(secret))


def _site() -> str:
    if settings.DEVELOPMENT:
        return f"http://127.0.0.1:{settings.PORT}"
    return f"https://{settings.ALLOWED_HOSTS[0].lstrip('.')}"
