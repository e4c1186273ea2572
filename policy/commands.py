"""What the publishing commands share: their options, and the connection of the database's owner."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.conf import settings
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.founding import OWNER
from policy.drafts import AHEAD
from policy.models import Policy, PolicyQuerySet
from policy.revisions import NotNew


def add_terms(parser: ArgumentParser) -> None:
    asks = parser.add_mutually_exclusive_group()
    asks.add_argument(
        "--material", action="store_true", default=True, help="ask everybody again (the default)"
    )
    asks.add_argument(
        "--minor", action="store_false", dest="material", help="a correction: ask nobody again"
    )
    parser.add_argument(
        "--effective", type=moment, metavar="ISO", help="in force from, e.g. 2027-01-01T00:00Z"
    )


def moment(text: str) -> datetime:
    """ISO 8601; without an offset it is UTC. At most a year ahead."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is no date and time of ISO 8601") from error
    given = given if given.tzinfo else given.replace(tzinfo=UTC)
    if given > timezone.now() + AHEAD:
        raise ArgumentTypeError(f"{text} is more than a year ahead")
    return given


@contextmanager
def as_owner() -> Iterator[PolicyQuerySet]:
    """The policies, in one transaction of the database's owner: no pass publishes from here."""
    if OWNER not in settings.DATABASES:
        raise CommandError("OWNER_DATABASE_URL is missing: policies are published as the owner.")
    try:
        with transaction.atomic(using=OWNER):
            yield Policy.objects.using(OWNER)
    except NotNew as refusal:
        raise CommandError(str(refusal)) from refusal
    except IntegrityError as error:
        raise CommandError(str(error).splitlines()[0]) from error
