"""Publish the operator's own text of the site's or the CRM's policy."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from policy.commands import add_terms, as_owner
from policy.models import Kind


def text_by_language(argument: str) -> tuple[str, str]:
    """`en=path` as the language and the file's text."""
    language, _equals, path = argument.partition("=")
    if language not in dict(settings.LANGUAGES) or not path:
        raise CommandError(f"{argument}: give each text as LANGUAGE=PATH, as in en=policy.md")
    try:
        return language, Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: {error}") from error


class Command(BaseCommand):
    help = "Publish a version of the site's or the CRM's policy from Markdown files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kind", required=True, choices=[Kind.SITE, Kind.CRM])
        parser.add_argument("--lang", required=True, action="append", metavar="LANGUAGE=PATH")
        add_terms(parser)

    def handle(self, **options: Any) -> None:
        texts = dict(text_by_language(argument) for argument in options["lang"])
        with as_owner() as policies:
            version = policies.of_platform(options["kind"]).publish(
                by=None,
                texts=texts,
                material=options["material"],
                effective_at=options["effective"],
            )
        self.stdout.write(f"{version}, in force from {version.effective_at.isoformat()}")
