"""A buyer asks what is held of them, and wants to be gone."""

from __future__ import annotations

import json
import re
import secrets
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit, gate
from accounts.gate import Entry
from accounts.proving import Broken, Figures, System, proves
from accounts.records import every_record
from accounts.trial import Somebody
from orders import exports, holdings, imports, inquiries, retention, tasks
from orders.models import Inquiry, Order
from orders.persons import Person
from orders.screening import Accepted, FileRow, Refused
from orders.trial import Canary, company_with_orders, done
from policy.trial import open_company

PLACES: Final = (
    "order",
    "comment",
    "line",
    "waiting",
    "words",
)  # where a company may hold somebody


class Traces:
    """One buyer in every place where a company may hold somebody, each with a mark of its own;
    `bystander` marks somebody else there, whose words hold the buyer's number and its mark."""

    def __init__(self, owner: Somebody) -> None:
        self.owner = owner
        self.marks = {place: f"{place}{secrets.token_hex(8)}" for place in PLACES}
        self.marks["words"] = f"{secrets.randbelow(10**16):016}"
        self.bystander = f"bystander{secrets.token_hex(8)}"
        self.buyer, other = (Canary().person(0) for _each in range(2))
        with owner.working() as by:
            ordered(replace(self.buyer, name=self.marks["order"]), by)
            words = f"or ring {self.buyer.phone}-{self.marks['words']}"
            others = ordered(replace(other, name=self.bystander, comment=words), by)
            others.say(by=by, text=f"{self.marks['comment']}: {self.buyer.phone} takes the parcel")
            imports.begin(by=by, file_name="proof.csv", outcomes=self.of_a_file())

    def of_a_file(self) -> Iterator[Accepted | Refused]:
        """An order that no worker has stored yet, and a line that was refused."""
        [draft] = Canary().drafts(1)
        person = replace(self.buyer, name=self.marks["waiting"])
        said = {"name": self.marks["line"], "phone": self.buyer.phone}
        yield Accepted([FileRow(2, {})], replace(draft, person=person, offer=None))
        yield Refused([FileRow(3, said)], [("quantity", "invalid_quantity", 3, "")])

    def in_(self, text: str) -> list[str]:
        return [place for place, mark in self.marks.items() if mark in text]

    def in_the_database(self) -> list[str]:
        """Also in what the company keeps sealed, once it is opened with its own key."""
        return self.in_(self.opened())

    def opened(self) -> str:
        with self.owner.working() as by:
            return "\n".join(everything_opened(by))


def ordered(person: Person, by: Entry) -> Order:
    return Order.objects.add(by=by, person=person, items=[], currency="EUR")


def everything_opened(by: Entry) -> Iterator[str]:
    """As the company's export would have it."""
    for record in every_record():
        if record.of_company:
            part = exports.Part("company", record, record.of_company, by.company_id)
            page = exports.page_of(part, after=None)
            yield json.dumps(exports.opened_rows(record, page, by), default=str)


@proves(
    "P1",
    tried=_(
        "As an owner, asked for a buyer by telephone who stood in an order, in a comment on "
        "somebody else's and in what somebody else had written, in a line that an import had "
        "refused and in a file on its way: all %(places)s were found, and handed over. Erased the "
        "buyer, and opened everything that the company keeps sealed: nothing named the buyer, and "
        "the somebody else was still there."
    ),
)
def a_buyer_is_found_and_erased_everywhere(system: System) -> Figures:
    traces = Traces(open_company())
    if traces.in_the_database() != [*PLACES]:
        raise Broken("the company does not hold the buyer: this attack shows nothing")
    visitor = traces.owner.visiting(system.url)
    question = visitor.fill("/company/buyers/", who=traces.buyer.phone).path
    done(inquiries.LOOKING, tasks.look_for_a_buyer)
    told = handed_over(traces.owner, question)
    found = {*traces.in_(json.dumps(told)), *(["words"] if told["others"] else [])}
    if missed := {*PLACES} - found:
        raise Broken(f"what is held of a buyer is not handed over: {', '.join(sorted(missed))}")
    visitor.fill(f"{question}erasure/")
    done(inquiries.ERASING, tasks.erase_a_buyer)
    if left := traces.in_the_database():
        raise Broken(f"a buyer who was erased is still held: {', '.join(left)}")
    if traces.bystander not in traces.opened():
        raise Broken("somebody else was erased as well")
    return {"places": len(PLACES)}


def handed_over(owner: Somebody, question: str) -> dict[str, Any]:
    """What the buyer gets: of others' words only in which fields they are."""
    with owner.working() as by:
        run = Inquiry.objects.get(id=re.findall(r"[0-9a-f-]{36}", question)[0])
        archive = zipfile.ZipFile(BytesIO(holdings.archive(run, by=by)))
        return dict(json.loads(archive.read("about-you.json")))


@proves(
    "P1",
    tried=_(
        "Had a company keep the buyers of cancelled orders for %(days)s days; of two such orders "
        "aged one beyond that, and one less. The night erased the buyer of the first, and of no "
        "other."
    ),
)
def buyers_are_kept_as_long_as_set(system: System) -> Figures:
    owner = company_with_orders(3)
    with owner.working() as by:
        retention.set_periods({"cancelled": DAYS}, by=by)
        over, within, _worked_on = Order.objects.order_by("number")
        aged(over, DAYS + 1, by=by)
        aged(within, DAYS - 1, by=by)
    with gate.vouching():
        companies = retention.begin_everywhere()
    done(retention.TASK, tasks.erase_what_is_due, many=companies)
    with owner.working():
        erased = list(Order.objects.exclude(erased_at=None).values_list("id", flat=True))
    if erased != [over.id]:
        raise Broken(f"of one buyer whose time was over the night erased {len(erased)}")
    return {"days": DAYS}


DAYS: Final = 7


def aged(order: Order, days: int, *, by: Entry) -> None:
    """The order, cancelled, as it would stand had nobody touched it for so long; in SQL, since the
    verbs know no other moment than now."""
    order.move(by=by, move="take", version=order.version)
    order.move(by=by, move="cancel", version=order.version, reason="other")
    since = timezone.now() - timedelta(days=days)
    Order.objects.filter(company_id=by.company_id, id=order.id).update(updated_at=since)
    audit.record(by=by, action="order.edited", of=order, fields=[])
