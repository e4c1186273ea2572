"""Zoe, who asks what is held of her: where she may stand, the question, and its worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from accounts import jobpasses
from orders import holdings, inquiries
from orders.buyers import Buyer
from orders.intake import ItemDraft
from orders.models import Comment, Inquiry, Order
from orders.persons import Person
from tests.jobs import job_called
from tests.orders.uploading import begun, imported, table
from tests.people import Someone, adam, ann, as_

PHONE, EMAIL = "+40733555777", "zoe.quill@example.org"
ZOE = Person(name="Zoe Quill", phone=PHONE, email=EMAIL, address="Str. Lunga 7", city="Iasi")
ANA = Person(
    name="Ana Pop", phone="+40721234643", address="Str. Noua 1", comment=f"Or write to {EMAIL}.",
    extra={"gift for": "+40 (733) 555-777"},
)  # fmt: skip
NAMES = ("Quill", "733555777", "733 555 777", "zoe.quill", "Lunga")
HEAD = "Order number,Name,Phone,E-mail,Country,Item,Quantity,Price"


def ordered(person: Person = ZOE, someone: Someone = ann, **draft: Any) -> Order:
    with as_(someone) as by:
        items = [ItemDraft(draft.pop("item", "Lamp"), Decimal("49.50"))]
        draft.setdefault("currency", "EUR")
        return Order.objects.add(by=by, person=person, items=items, **draft)


def said(order: Order, text: str, someone: Someone = ann) -> Comment:
    with as_(someone) as by:
        return Order.objects.get(id=order.id).say(by=by, text=text)


def asked(*terms: str, someone: Someone = adam) -> Inquiry:
    with as_(someone) as by:
        return inquiries.begin(by=by, buyer=Buyer.read(", ".join(terms or (PHONE,)), "RO"))


def secret_of(run: Inquiry) -> str:
    name = inquiries.job_name(run.id)
    job = job_called(name)
    assert job
    return jobpasses.unseal(job.args["sealed_pass"], job=name)


def looked(*terms: str, someone: Someone = adam) -> Inquiry:
    run = asked(*terms, someone=someone)
    inquiries.look(run.id, secret_of(run))
    return again(run, someone)


def again(run: Inquiry, someone: Someone = adam) -> Inquiry:
    with as_(someone):
        return Inquiry.objects.get(id=run.id)


def erased(run: Inquiry, someone: Someone = adam) -> Inquiry:
    with as_(someone) as by:
        assert inquiries.erase(run, by=by)
    inquiries.forget(run.id, secret_of(run))
    return again(run, someone)


@contextmanager
def found(run: Inquiry, someone: Someone = adam) -> Iterator[holdings.Holdings]:
    with as_(someone) as by:
        yield holdings.of(Inquiry.objects.get(id=run.id), by=by)


def everywhere() -> Order:
    """Zoe in every place where a company may hold somebody; an order of Ana's, who was there."""
    order = ordered(external_id="Z1")
    said(order, "Wants it on Friday.")
    ordered(Person(name="Z. Quill", email="Zoe.Quill@Example.org"))
    others = ordered(ANA, item="Lamp, engraved: Zoe 0733 555 777")
    said(others, "Her neighbour 0733/555-777 takes the parcel.")
    said(others, "Ring twice.")
    imported(
        table(
            "Z1,Ion Ene,+40 744 111 333,,RO,Lamp,1,1.00",
            "Z2,Zoe Quill,0733 555 777,,RO,Lamp,many,1.00",
            head=HEAD,
        ),
        name="of 0733555777.csv",
    )
    begun(
        table(
            "Z3,Zoe Quill,+40 733 555 777,,RO,Lamp,1,1.00",
            "Z4,Ion Ene,+40 744 111 222,,RO,Lamp,1,1.00",
            head=HEAD,
        )
    )
    return others
