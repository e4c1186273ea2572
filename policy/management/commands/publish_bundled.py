"""Publish the policies that come with the software, where they are new or have changed."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from policy import bundled
from policy.commands import add_terms, as_owner
from policy.models import Kind
from policy.revisions import NotNew


class Command(BaseCommand):
    help = "Publish the bundled texts of the site's and the CRM's policy, where they have changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_terms(parser)

    def handle(self, **options: Any) -> None:
        with as_owner() as policies:
            for kind in (Kind.SITE, Kind.CRM):
                try:
                    version = bundled.publish(
                        policies.of_platform(kind),
                        material=options["material"],
                        effective_at=options["effective"],
                    )
                except NotNew as refusal:  # the software's fault: an update goes on without it
                    self.stderr.write(f"{kind.label}: not published. {refusal}")
                else:
                    self.stdout.write(f"{version}" if version else f"{kind.label}: nothing new")
