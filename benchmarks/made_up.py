"""A million orders, the same for both sides: which company's, when, by whom, in which status.

One company has half of all, one has a thousand, the others share the rest by Zipf's law. Companies
are mixed in time, as they would be: no company's orders lie side by side on the disk.
"""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from orders.persons import Person

SMALL = 1_000
OFFERS, PARTNERS, AGENTS, PEOPLE = 12, 3, 10, 5_000  # of a measured company; of the whole pool
STATUSES = (
    "new", "recall", "no_answer", "hold", "confirmed", "packed", "sent", "delivered", "paid",
    "returned", "cancelled", "trash",
)  # fmt: skip
SPAN = timedelta(days=365)


class MadeUp(NamedTuple):
    """`offer`, `partner`, `agent` and `person` are places in the company's lists, or -1."""

    company: int
    id: uuid.UUID
    number: int
    status: str
    attempts: int
    total: str
    offer: int
    partner: int
    agent: int
    person: int
    created_at: datetime
    recall_at: datetime | None


def sizes(orders: int, companies: int) -> list[int]:
    """Orders per company: the large one's, the small one's, and the others'."""
    large, small = orders // 2, min(SMALL, orders // 10)
    others = companies - 2
    weights = [1 / rank for rank in range(1, others + 1)]
    share = (orders - large - small) / sum(weights)
    rest = [max(1, int(weight * share)) for weight in weights]
    rest[0] += orders - large - small - sum(rest)
    return [large, small, *rest]


def orders(counts: list[int]) -> Iterator[MadeUp]:
    """In the order of their creation; `company` is the place in `counts`."""
    chance = random.Random(2_000)
    owners = [company for company, count in enumerate(counts) for _ in range(count)]
    chance.shuffle(owners)
    numbers = [0] * len(counts)
    until = datetime.now(UTC)
    step = SPAN / len(owners)
    for place, company in enumerate(owners):
        numbers[company] += 1
        created_at = until - SPAN + step * (place + 1)
        dice = chance.getrandbits(64)
        status = STATUSES[dice % len(STATUSES)]
        called = status in ("recall", "no_answer")
        yield MadeUp(
            company=company,
            id=_uuid7(created_at, dice),
            number=numbers[company],
            status=status,
            attempts=dice % 3 if called else 0,
            total=f"{dice % 90_000 / 100 + 9:.2f}",
            offer=dice // 7 % OFFERS,
            partner=dice // 11 % PARTNERS if dice % 5 else -1,
            agent=-1 if status == "new" else dice // 13 % AGENTS,
            person=dice // 17 % PEOPLE,
            created_at=created_at,
            recall_at=until + timedelta(minutes=dice % 600 - 120) if called else None,
        )


def people() -> list[Person]:
    chance = random.Random(40)
    firsts = ("Maria", "Elena", "Ioana", "Andrei", "Mihai", "Gabriel", "Ștefan", "Cătălina")
    lasts = ("Popescu", "Ionescu", "Dumitru", "Munteanu", "Șerban", "Lazăr", "Constantinescu")
    cities = ("București", "Cluj-Napoca", "Timișoara", "Iași", "Brașov")
    return [
        Person(
            name=f"{chance.choice(firsts)} {chance.choice(lasts)}",
            phone=f"+407{chance.randrange(20_000_000, 69_999_999)}",
            email=f"buyer{chance.randrange(10**6)}@mail.example",
            address=f"Str. Lalelelor {chance.randrange(1, 200)}",
            city=chance.choice(cities),
        )
        for _ in range(PEOPLE)
    ]


def _uuid7(moment: datetime, tail: int) -> uuid.UUID:
    milliseconds = int(moment.timestamp() * 1000)
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | 0b10 << 62 | tail & (1 << 62) - 1)
