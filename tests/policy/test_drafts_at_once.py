"""Races about a draft: two at once, each in a transaction of his own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connections

from policy.models import Draft, PolicyText
from policy.turns import NotInTurn
from tests.people import ann, as_, olga, otto
from tests.policy.publications import (
    approve_crm,
    approvers,
    draft_of_crm,
    keep_crm,
    numbers,
    publish_draft,
)


class Attempt(threading.Thread):
    """A deed on a connection of its own; `refusal` is what it raised."""

    refusal: Exception | None = None

    def __init__(self, deed: Callable[[], Any]) -> None:
        super().__init__()
        self.deed = deed

    def run(self) -> None:
        try:
            self.deed()
        except (DatabaseError, NotInTurn) as refusal:
            self.refusal = refusal
        finally:
            connections.close_all()


@pytest.fixture
def apart() -> Iterator[Callable[[Callable[[], Any]], Attempt]]:
    attempts: list[Attempt] = []

    def start(deed: Callable[[], Any]) -> Attempt:
        attempts.append(Attempt(deed))
        attempts[-1].start()
        return attempts[-1]

    yield start
    for attempt in attempts:
        attempt.join(20)


@pytest.mark.django_db(transaction=True)
def test_who_approves_while_it_is_being_changed_has_approved_nothing(owner, apart) -> None:
    seen = keep_crm()

    def approve() -> None:
        with as_(otto) as by:
            seen.approve(by=by)

    with as_(olga):
        Draft.objects.keep(seen.policy, seen=seen.seal, texts={"en": "# Changed"})
        approving = apart(approve)
        approving.join(1)
        assert approving.is_alive()
    approving.join(20)
    assert "changed meanwhile" in str(approving.refusal)
    assert approvers() == []


@pytest.mark.django_db(transaction=True)
def test_who_changes_while_it_is_being_published_has_changed_nothing(owner, apart) -> None:
    keep_crm("# Approved")
    approve_crm()

    def change() -> None:
        with as_(otto):
            draft = draft_of_crm()
            Draft.objects.keep(draft.policy, seen=draft.seal, texts={"en": "# Changed"})

    with as_(olga) as by:
        version = draft_of_crm().publish(by=by)
        changing = apart(change)
        changing.join(1)
        assert changing.is_alive()
    changing.join(20)
    assert "meanwhile" in str(changing.refusal)
    with as_(ann):
        assert PolicyText.objects.get(version=version).body == "# Approved"
    with as_(olga):
        assert Draft.objects.of("crm", None) is None


@pytest.mark.django_db(transaction=True)
def test_two_who_publish_the_same_at_once_publish_it_once(owner, apart) -> None:
    keep_crm()
    approve_crm(by=olga)
    approve_crm(by=otto)
    with as_(olga) as by:
        draft_of_crm().publish(by=by)
        other = apart(lambda: publish_draft(by=otto))
        other.join(1)
        assert other.is_alive()
    other.join(20)
    assert other.refusal is not None
    assert numbers() == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_who_takes_back_an_approval_in_time_is_heeded(owner, apart) -> None:
    keep_crm()
    approve_crm()
    with as_(otto) as by:
        draft_of_crm().withdraw(by=by)
        publishing = apart(publish_draft)
        publishing.join(1)
        assert publishing.is_alive()
    publishing.join(20)
    assert "Another operator" in str(publishing.refusal)
    assert numbers() == [1]
