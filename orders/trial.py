"""Orders with marked values, for proofs: whatever of them turns up elsewhere is seen."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from decimal import Decimal

from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import trial
from accounts.founding import OWNER
from accounts.trial import Somebody
from accounts.visitors import Answer, Visitor
from orders import imports
from orders.intake import ItemDraft, OrderDraft
from orders.persons import Person
from policy.trial import accept, open_company

BATCH = 500  # orders in one statement
PHONE = "+4072"  # Romanian mobile numbers: seven more digits


LEAD = {"offer": "Kettle", "phone": "+40 721 234 643", "country": "RO"}


class Sender:
    """A partner's machine at the owner's company; the partner has accepted what is in force, unless
    told not to."""

    def __init__(self, url: str, owner: Somebody, *, accepting: bool = True) -> None:
        self.visitor = Visitor(url)
        self.partner = trial.partner_of(owner)
        if accepting:
            accept(self.partner)
        self.key = trial.key_of(self.partner, owner)

    def send(self, **fields: str) -> Answer:
        """A lead of its own number, as LEAD is but for these fields."""
        lead = {"external_id": secrets.token_hex(8), **LEAD, **fields}
        return self.visitor.post_json("/api/v1/leads", lead, key=self.key)


class Canary:
    """A word that stands nowhere else, and orders in whose every personal field it is. Another, in
    the offer's name, is not personal."""

    fields = 6  # of a person, each with a mark

    def __init__(self) -> None:
        self.word = f"canary{secrets.token_hex(8)}"
        self.offer = f"offer{secrets.token_hex(8)}"
        self.digits = f"{secrets.randbelow(900) + 100}"  # of a telephone; four more follow

    @property
    def digits_in_full(self) -> str:
        return f"{PHONE[1:]}{self.digits}"

    def person(self, number: int) -> Person:
        """One of up to 10,000."""
        return Person(
            name=f"{self.word} Nameson",
            phone=f"{PHONE}{self.digits}{number:04}",
            email=f"{self.word}{number}@example.com",
            address=f"{self.word} Street {number}",
            city=f"{self.word}ville",
            comment=f"ring the {self.word} bell",
        )

    def drafts(self, many: int) -> Iterator[OrderDraft]:
        for number in range(many):
            items = [ItemDraft("Kettle", Decimal(49))]
            yield OrderDraft(
                self.person(number), items, currency="EUR", country="RO", offer=self.offer,
                external_id=self.offer,
            )  # fmt: skip

    def is_in(self, text: str) -> bool:
        return self.names_a_person_in(text) or self.offer in text

    def names_a_person_in(self, text: str) -> bool:
        return self.word in text.lower() or self.digits_in_full in text


def company_with_orders(many: int, canary: Canary | None = None) -> Somebody:
    """The owner of a new company that has so many orders."""
    owner = open_company()
    drafts = list((canary or Canary()).drafts(many))
    with owner.working() as by:
        for start in range(0, many, BATCH):
            imports.bring(drafts[start : start + BATCH], by=by, file_name="proof.csv")
    return owner


def done(task: str, work: Callable[..., None], *, many: int = 1) -> None:
    """Do the last jobs of this task as a worker would."""
    jobs = ProcrastinateJob.objects.using(OWNER).filter(task_name=task).order_by("-id")
    for job in jobs[:many]:
        work(**job.args)
