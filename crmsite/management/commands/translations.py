"""For whoever changes words: `locale/` follows the code, and says what is left to translate."""

from typing import Any

from django.core.management.base import BaseCommand

from crmsite import catalogs


class Command(BaseCommand):
    help = "Bring locale/ up to the words of the code and the templates, and compile it."

    def handle(self, *args: Any, **options: Any) -> None:
        for language in catalogs.languages():
            for message in catalogs.bring_up_to_date(language):
                self.stdout.write(f"{language}: not translated: {message.id}")
