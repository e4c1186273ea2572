"""Part of `make lint`: every template compiles, and none has what the CSP would refuse."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines

REFUSED_BY_THE_CSP = re.compile(
    r"<style\b|\sstyle=|\son[a-z]+=|<script\b(?![^>]*\bsrc=)|javascript:", re.IGNORECASE
)


class Command(BaseCommand):
    help = "Compile all templates; refuse inline styles, scripts and handlers."

    def handle(self, *args: Any, **options: Any) -> None:
        found = [fault for folder in folders() for fault in faults(*folder)]
        if found:
            raise CommandError("\n".join(found))


def folders() -> Iterator[tuple[str, Path]]:
    """Each engine's name with its folder. Jinja2's lies within Django's, and is not Django's."""
    for engine in engines.all():
        for folder in engine.dirs:
            yield engine.name, Path(folder)


def faults(engine: str, folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.*")):
        name = str(path.relative_to(folder))
        if name.startswith("jinja2/"):
            continue
        try:
            engines[engine].get_template(name)
        except (TemplateSyntaxError, TemplateDoesNotExist) as error:
            yield f"{path.relative_to(settings.BASE_DIR)}: {error}"
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if refused := REFUSED_BY_THE_CSP.search(line):
                yield f"{path.relative_to(settings.BASE_DIR)}:{number}: {refused.group().strip()}"
