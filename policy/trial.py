"""Companies that are ready for orders, for proofs."""

from __future__ import annotations

from django.utils import timezone

from accounts import trial
from accounts.gate import Entry
from accounts.trial import Somebody
from policy.models import Policy, PolicyVersion


def open_company() -> Somebody:
    """The owner of a new company whose policy is in force; he has accepted what is to be."""
    owner = trial.member(trial.company(), "owner")
    accept(owner)
    publish(owner)
    return owner


def publish(owner: Somebody, *, text: str = "# Ours", countries: tuple[str, ...] = ()) -> None:
    """A policy of the owner's company, which he accepts at once."""
    with owner.working() as by:
        Policy.objects.of_company(by.company_id).publish(
            by=by, texts={"en": text}, countries=countries
        )
    accept(owner)


def accept(somebody: Somebody) -> None:
    with somebody.working() as by:
        accept_all(by)


def accept_all(by: Entry) -> None:
    """Accept whatever waits for the pass's holder."""
    for version in PolicyVersion.objects.waiting_for(by.user_id, by.company_id):
        version.accept(by=by, language="en", shown_at=timezone.now())
