"""A buyer's data, corrected in those of their orders that were chosen: all of these, or none."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from django.db import transaction

from accounts import audit
from accounts.gate import Entry
from orders import inquiries, keys
from orders.buyers import Buyer
from orders.keys import Keys
from orders.models import Conflict, Inquiry, Order
from orders.persons import emails_in

MOST: Final = 200  # orders in one request: some seconds


class ChangedMeanwhile(Exception):
    """Orders of theirs came, went or were changed since they were looked at."""


class TooMany(Exception):
    """More orders than one request corrects."""


def state_of(orders: Iterable[Order]) -> str:
    """These orders, as they are now, in a word: another one once any of them is changed."""
    told = "\n".join(sorted(f"{order.id} {order.version}" for order in orders))
    return hashlib.sha256(told.encode()).hexdigest()


def correct(
    run: Inquiry, *, by: Entry, seen: str, said: Mapping[str, str], chosen: Collection[uuid.UUID]
) -> tuple[int, int]:
    """Write what is `said` (a Person's fields) into those of the buyer's orders that are `chosen`;
    into how many, and how many others stay as they are.

    `seen` is the `state_of` what was looked at. Raises ChangedMeanwhile, TooMany, and Prohibited or
    NotAdmitted for a number that one of the orders may not have; then nothing is changed.
    """
    with transaction.atomic():
        held = keys.provided(by)
        buyer = inquiries.opened(run, held)
        orders = list(Order.objects.of(buyer, held).unstopped())
        if len(orders) > MOST:
            raise TooMany
        if state_of(orders) != seen or not {order.id for order in orders}.issuperset(chosen):
            raise ChangedMeanwhile
        for order in orders:
            if order.id in chosen:
                _correct_one(order, said, by=by, held=held)
        phones = (said["phone"],) if "phone" in said else ()
        also = Buyer(phones, tuple(emails_in(said.get("email", ""))))
        run.buyer = inquiries.sealed(buyer | also, run, held)
        run.save(update_fields=["buyer"])
        done = {"orders": len(chosen), "left": len(orders) - len(chosen)}
        audit.record(by=by, action="buyer.corrected", of=run, fields=[*said], **done)
    return done["orders"], done["left"]


def _correct_one(order: Order, said: Mapping[str, Any], *, by: Entry, held: Keys) -> None:
    person = replace(order.open_person(held), **said)
    try:
        order.edit(by=by, version=order.version, person=person)
    except Conflict:
        raise ChangedMeanwhile from None
