"""Django's migrate, as the database's owner: the web role may change rows, never tables."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate

from crmsite.databases import OWNER


class Command(migrate.Command):
    help = "Migrate the database, connecting as its owner (OWNER_DATABASE_URL)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=OWNER)

    def execute(self, *args: Any, **options: Any) -> str | None:
        if options["database"] not in settings.DATABASES:
            raise CommandError(
                "OWNER_DATABASE_URL is missing: migrations run as the database's owner, "
                "which DATABASE_URL's role must not be."
            )
        return super().execute(*args, **options)
