"""Orders before they are stored, and the check that stands before storing (clause P2)."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from orders.persons import Person
from policy.coverage import Coverage
from policy.jurisdictions import Verdict, judge


class NotAdmitted(Exception):
    """Not to be stored, for what is said of the person's country; repeats nothing of them."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


class Prohibited(NotAdmitted):
    """A person whose data must not be processed here, and of whom nothing may be kept."""


@dataclass(frozen=True, slots=True)
class ItemDraft:
    """One line of an order; `price` is for one piece, in the order's currency."""

    name: str
    price: Decimal
    quantity: int = 1
    sku: str = ""

    @property
    def sum(self) -> Decimal:
        return self.price * self.quantity


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """`offer` is a name, made where it is new; `partner` and `agent` are ids (a membership's).
    `total` is what the buyer pays where that is not the sum of the items: shipping, a discount."""

    person: Person
    items: Sequence[ItemDraft]
    currency: str
    country: str = ""
    citizenship: str = ""
    offer: str | None = None
    partner: uuid.UUID | None = None
    agent: uuid.UUID | None = None
    created_at: datetime = field(default_factory=timezone.now)
    external_id: str = ""
    status: str = "new"
    reason: str = ""
    recall_at: datetime | None = None
    source: str = "hand"
    import_id: uuid.UUID | None = None
    total: Decimal | None = None

    def admitted(self, prohibited: Collection[str], covered: Coverage) -> Verdict:
        """The verdict that lets it be stored. Raises Prohibited or NotAdmitted."""
        verdict = admit(
            person=self.person,
            country=self.country,
            citizenship=self.citizenship,
            prohibited=prohibited,
        )
        refuse_uncovered(verdict, covered)
        return verdict


def admit(
    *, person: Person, country: str, citizenship: str, prohibited: Collection[str]
) -> Verdict:
    """The verdict that lets a person be stored, with the codes to store. Raises Prohibited, or
    NotAdmitted for a country that nobody knows, so that no write can go on without looking."""
    verdict = judge(
        country=country, citizenship=citizenship, phone=person.phone, prohibited=prohibited
    )
    if verdict.prohibited:
        raise Prohibited(verdict)
    if not verdict.allowed:
        raise NotAdmitted(verdict)
    return verdict


def refuse_uncovered(verdict: Verdict, covered: Coverage) -> None:
    """Raises NotAdmitted where a strict company's policy leaves the country out (clause P1)."""
    if refusal := covered.refusal(citizenship=verdict.citizenship, country=verdict.country):
        raise NotAdmitted(refusal)


def total_of(items: Iterable[ItemDraft]) -> Decimal:
    return sum((item.sum for item in items), Decimal(0))
