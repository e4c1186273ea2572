"""Companies that are ready for orders, for proofs."""

from __future__ import annotations

from django.utils import timezone

from accounts import trial
from accounts.gate import Entry
from accounts.trial import Somebody
from policy.models import Draft, Kind, Policy, PolicyVersion


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


def publish_crm(text: str) -> PolicyVersion:
    """A new version of the CRM's policy, by two new operators."""
    writer, second = draft_crm(text), trial.person(operator=True)
    with second.working() as by:
        drafted().approve(by=by)
    with writer.working() as by:
        return drafted().publish(by=by)


def draft_crm(text: str) -> Somebody:
    """A draft of the CRM's policy by a new operator, in place of any that is kept."""
    writer = trial.person(operator=True)
    with writer.working():
        before = Draft.objects.of(Kind.CRM, None)
        Draft.objects.keep(
            Policy.objects.of_platform(Kind.CRM),
            seen=before.seal if before else "",
            texts={"en": text},
            material=True,
            effective_at=None,
        )
    return writer


def drafted() -> Draft:
    draft = Draft.objects.of(Kind.CRM, None)
    assert draft
    return draft


def accept(somebody: Somebody) -> None:
    with somebody.working() as by:
        accept_all(by)


def accept_all(by: Entry) -> None:
    """Accept whatever waits for the pass's holder."""
    for version in PolicyVersion.objects.waiting_for(by.user_id, by.company_id):
        version.accept(by=by, language="en", shown_at=timezone.now())
