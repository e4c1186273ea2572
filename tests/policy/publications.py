"""Publishing and accepting in tests, with the passes of those who do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from policy.models import Policy, PolicyVersion
from tests.people import Someone, as_, company, olga


def publish_crm(text: str = "# New rules", **terms: Any) -> PolicyVersion:
    with as_(olga) as entry:
        return Policy.objects.of_platform("crm").publish(by=entry, texts={"en": text}, **terms)


def publish_company(
    someone: Someone, slug: str, text: str = "# Ours", **terms: Any
) -> PolicyVersion:
    with as_(someone, slug) as entry:
        policy = Policy.objects.of_company(company(slug).pk)
        return policy.publish(by=entry, texts={"en": text}, **terms)


def waiting_for(someone: Someone, slug: str | None = None) -> list[tuple[str, int]]:
    """Kind and number of each version that the gate says this person has to accept."""
    with as_(someone, slug) as entry:
        return [(each["kind"], each["version"]) for each in entry.missing or []]


def accept_all(someone: Someone, slug: str | None = None) -> None:
    with as_(someone, slug) as entry:
        for version in PolicyVersion.objects.waiting_for(entry.user_id, entry.company_id):
            version.accept(by=entry, language="en", shown_at=timezone.now())


@contextmanager
def refused(reason: str = "row-level security") -> Iterator[pytest.ExceptionInfo[DatabaseError]]:
    """The database refuses what stands inside, for this reason."""
    with pytest.raises(DatabaseError, match=reason) as refusal, transaction.atomic():
        yield refusal
