"""A buyer's data, corrected in all their orders at once: all of them, or none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
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
from policy.prohibitions import Jurisdiction

MOST: Final = 200  # orders in one request: some seconds


class ChangedMeanwhile(Exception):
    """Orders of theirs came, went or were changed since they were looked at."""


class TooMany(Exception):
    """More orders than one request corrects."""


def correctable(buyer: Buyer, held: Keys) -> list[Order]:
    """Their orders, but for those that clause P2 has stopped: these can only be erased."""
    orders = buyer.orders(held)
    stopped = orders.stopped(Jurisdiction.objects.prohibited())
    return list(orders.exclude(id__in=stopped.order_by().values("id")))


def state_of(orders: Iterable[Order]) -> str:
    """These orders, as they are now, in a word: another one once any of them is changed."""
    told = "\n".join(sorted(f"{order.id} {order.version}" for order in orders))
    return hashlib.sha256(told.encode()).hexdigest()


def correct(run: Inquiry, *, by: Entry, seen: str, said: Mapping[str, str]) -> int:
    """Write what is `said` (a Person's fields) into each of the buyer's orders; to how many.

    `seen` is the `state_of` what was looked at. Raises ChangedMeanwhile, TooMany, and Prohibited or
    NotAdmitted for a number that one of the orders may not have; then nothing is changed.
    """
    with transaction.atomic():
        held = keys.provided(by)
        buyer = inquiries.opened(run, held)
        orders = correctable(buyer, held)
        if len(orders) > MOST:
            raise TooMany
        if state_of(orders) != seen:
            raise ChangedMeanwhile
        for order in orders:
            _correct_one(order, said, by=by, held=held)
        phones = (said["phone"],) if "phone" in said else ()
        also = Buyer(phones, tuple(emails_in(said.get("email", ""))))
        run.buyer = inquiries.sealed(buyer | also, run, held)
        run.save(update_fields=["buyer"])
        audit.record(by=by, action="buyer.corrected", of=run, orders=len(orders), fields=[*said])
    return len(orders)


def _correct_one(order: Order, said: Mapping[str, Any], *, by: Entry, held: Keys) -> None:
    person = replace(order.open_person(held), **said)
    try:
        order.edit(by=by, version=order.version, person=person)
    except Conflict:
        raise ChangedMeanwhile from None
