"""Publishing and accepting in tests, with the passes of those who do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from policy.models import Draft, Policy, PolicyVersion
from tests.people import Someone, adam, ann, as_, company, olga, otto, sign_in


def publish_crm(text: str = "# New rules", **terms: Any) -> PolicyVersion:
    """Olga's text, with Otto's approval."""
    keep_crm(text, **terms)
    approve_crm()
    return publish_draft()


def keep_crm(text: str = "# New rules", *, by: Someone = olga, **terms: Any) -> Draft:
    """A draft of the CRM's policy in place of whatever is kept."""
    with as_(by):
        before = Draft.objects.of("crm", None)
        policy = Policy.objects.of_platform("crm")
        written = {"texts": {"en": text}, "material": True, "effective_at": None, **terms}
        Draft.objects.keep(policy, seen=before.seal if before else "", **written)
        return draft_of_crm()


def draft_of_crm() -> Draft:
    found = Draft.objects.of("crm", None)
    assert found
    return found


def numbers(kind: str = "crm") -> list[int]:
    with as_(ann):
        found = PolicyVersion.objects.filter(kind=kind).order_by("number")
        return list(found.values_list("number", flat=True))


def approvers() -> list[str]:
    with as_(olga):
        return [approver.email for approver in draft_of_crm().approvers]


def approve_crm(*, by: Someone = otto) -> None:
    with as_(by) as entry:
        draft_of_crm().approve(by=entry)


def publish_draft(*, by: Someone = olga) -> PolicyVersion:
    with as_(by) as entry:
        return draft_of_crm().publish(by=entry)


def publish_company(
    someone: Someone, slug: str, text: str = "# Ours", **terms: Any
) -> PolicyVersion:
    with as_(someone, slug) as entry:
        policy = Policy.objects.of_company(company(slug).pk)
        return policy.publish(by=entry, texts={"en": text}, **terms)


def publish_aurora(client: Client, fields: dict[str, str]) -> HttpResponse:
    """Through the pages of who runs the company."""
    page = sign_in(client, adam).post("/company/policy/", fields, follow=True)
    return client.post("/company/policy/publication/", {"seal": page.context["draft"].seal})


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
