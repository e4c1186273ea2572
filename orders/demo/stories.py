"""What happened at a demo company in the last thirty days: 200 orders, told one by one.

The same company always tells the same stories, so that loading the demo again changes nothing but
the day.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.utils import timezone

from orders import statuses
from orders.demo.companies import Colleague, DemoCompany, Market
from orders.intake import ItemDraft
from orders.persons import Person
from policy.telephones import parse

ORDERS: Final = 200
SPAN: Final = timedelta(days=30)
# The newest orders still wait for a call or a parcel, older ones have ended.
NEWEST: Final = {
    "new": 15, "processing": 2, "recall": 7, "no_answer": 7, "hold": 3, "confirmed": 5,
    "packed": 3, "sent": 2, "cancelled": 3, "trash": 3,
}  # fmt: skip
OLDER: Final = {
    "recall": 2, "no_answer": 3, "hold": 2, "sent": 20, "delivered": 29, "paid": 49,
    "returned": 10, "cancelled": 20, "trash": 15,
}  # fmt: skip
AGAIN: Final = frozenset({9, 27, 44, 70, 101, 150})  # these are by the buyer of the order before


@dataclass(frozen=True, slots=True)
class Step:
    """A move of `orders.statuses`, with what it asks for; `recall_in` from when it is made."""

    move: str
    details: dict[str, Any] = field(default_factory=dict)
    recall_in: timedelta | None = None

    def asked(self) -> dict[str, Any]:
        """What `Order.move` takes besides."""
        if self.recall_in is None:
            return self.details
        return self.details | {"recall_at": timezone.now() + self.recall_in}


@dataclass(frozen=True, slots=True)
class Story:
    """An order as it came, in the status `begins`, and the steps that led it to where it stands.

    `agent` and `partner` are a colleague's e-mail and a partner's name, or empty.
    """

    person: Person
    market: Market
    items: Sequence[ItemDraft]
    offer: str
    begins: str
    agent: str
    partner: str
    created_at: datetime
    external_id: str = ""
    steps: Sequence[Step] = ()
    remark: str = ""


def of(company: DemoCompany, now: datetime) -> list[Story]:
    """The company's orders, oldest first."""
    teller = _Teller(company, now)
    return list(teller.stories())[::-1]


class _Teller:
    def __init__(self, company: DemoCompany, now: datetime) -> None:
        self.company = company
        self.now = now
        self.random = random.Random(company.slug)  # noqa: S311 - invented people, no secret
        self.callers = [colleague for colleague in company.colleagues if colleague.calls]
        self.busy = [colleague for colleague in self.callers if not colleague.signs_in]

    def stories(self) -> Iterator[Story]:
        """Newest first."""
        person, market = self.person()
        for place, status in enumerate([*self.shuffled(NEWEST), *self.shuffled(OLDER)]):
            if place not in AGAIN:
                person, market = self.person()
            yield self.story(place, status, person, market)

    def shuffled(self, counts: dict[str, int]) -> list[str]:
        told = [status for status, count in counts.items() for _ in range(count)]
        self.random.shuffle(told)
        return told

    def story(self, place: int, status: str, person: Person, market: Market) -> Story:
        offer = self.random.choice(self.company.offers)
        partner = self.random.choice([*self.company.partners, self.company.partners[0], "", ""])
        return Story(
            person=person,
            market=market,
            items=self.items(offer.name, market.currency),
            offer=offer.name,
            begins=BEGINNINGS.get(status, status),
            agent=self.agent(status),
            partner=partner,
            created_at=self.now - SPAN * (0.0003 + 0.99 * (place / ORDERS) ** 1.6),
            external_id=f"{self.random.randrange(10_000, 99_999)}" if partner else "",
            steps=self.steps(status),
            remark=self.random.choice(self.company.remarks) if self.random.random() < 0.2 else "",
        )

    def agent(self, status: str) -> str:
        """Free while it is new. In hand, it is a colleague's, who has one at a time: the people who
        sign in begin with empty hands."""
        if status == "new":
            return ""
        if status == "processing":
            return self.busy.pop().email
        return self.random.choice(self.callers).email

    def steps(self, status: str) -> list[Step]:
        match status:
            case "recall":
                return [*self.calls(1), Step("recall", recall_in=self.soon())]
            case "no_answer":
                return [*self.calls(2), Step("no_answer", recall_in=self.today())]
            case "hold":
                return [Step("hold", {"comment": self.random.choice(self.company.remarks)})]
            case "confirmed":
                return [*self.calls(1), Step("confirm")]
            case "cancelled":
                return [*self.calls(2), self.because("cancel", statuses.CANCEL_REASONS)]
            case "trash":
                return [self.because("trash", statuses.TRASH_REASONS)]
            case "returned":
                return [self.because("return", statuses.RETURN_REASONS)]
        return []

    def calls(self, most: int) -> list[Step]:
        """Up to so many that nobody answered."""
        return [Step("no_answer")] * self.random.randint(0, most)

    def because(self, move: str, reasons: dict[str, Any]) -> Step:
        return Step(move, {"reason": self.random.choice(list(reasons))})

    def soon(self) -> timedelta:
        """Until a time that was agreed on: some of them come as soon as the demo is loaded."""
        return timedelta(minutes=self.random.choice((1, 1, 25, 50, 95, 150, 240)))

    def today(self) -> timedelta:
        return timedelta(minutes=self.random.choice((-75, -40, -10, 20, 60, 120)))

    def items(self, first: str, currency: str) -> list[ItemDraft]:
        others = [offer.name for offer in self.company.offers if offer.name != first]
        names = [first, *self.random.sample(others, self.random.choice((0, 0, 0, 1, 2)))]
        return [
            ItemDraft(
                name=offer.name,
                price=Decimal(offer.prices[currency]),
                quantity=self.random.choice((1, 1, 1, 2, 3)),
                sku=offer.sku,
            )
            for name in names
            for offer in self.company.offers
            if offer.name == name
        ]

    def person(self) -> tuple[Person, Market]:
        market = self.random.choice(self.company.markets)
        first, last = map(self.random.choice, self.random.choice(market.people))
        number = self.random.randrange(1, 150)
        chance = self.random.random()
        person = Person(
            name=f"{first} {last}",
            phone=self.phone(market),
            email=f"buyer{self.random.randrange(1000, 9999)}@mail.example" if chance < 0.4 else "",
            address=f"{self.random.choice(market.streets)} {number}",
            city=self.random.choice(market.cities),
            comment=self.random.choice(self.company.wishes) if chance > 0.85 else "",
        )
        return person, market

    def phone(self, market: Market) -> str:
        """A number that the country's plan knows as its own."""
        while True:
            tail = "".join(self.random.choices("0123456789", k=market.digits))
            phone = parse(self.random.choice(market.phones) + tail)
            if phone.valid and phone.region == market.country:
                return phone.e164


# Where an order came in whose last steps are told; the others came as they stand, as imports do.
BEGINNINGS: Final = {
    "recall": "hold", "no_answer": "hold", "hold": "no_answer", "confirmed": "hold",
    "cancelled": "hold", "trash": "no_answer", "returned": "sent",
}  # fmt: skip


def caller_of(story: Story, company: DemoCompany) -> Colleague:
    """Who took the steps: the order's own agent, or else whoever runs the company."""
    agents = [colleague for colleague in company.colleagues if colleague.email == story.agent]
    leads = story.begins == "sent"  # what happens to a parcel is not the agent's
    return agents[0] if agents and not agents[0].signs_in and not leads else company.opener
