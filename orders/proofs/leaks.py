"""Marked orders, and the search for their marks: where a thief would look, and in the logs."""

from __future__ import annotations

import re
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts import traces
from accounts.proving import Broken, Figures, System, Untried, proves
from accounts.visitors import Answer, Visitor
from orders.proofs.buyers import Traces
from orders.trial import Canary, company_with_orders

ORDERS: Final = 1_667  # of six marked values each: 10,000


@proves(
    "D2",
    tried=_(
        "Stored %(values)s marked values in the personal fields of %(orders)s orders, listed, "
        "searched and opened them, put one buyer into a comment, a refused line and a file on its "
        "way and asked about another, and looked through every file of the database, its "
        "write-ahead log and the logs as a thief would, and through the figures of the running "
        "site: none was there, nor the password of whoever did all this. The offers' names, which "
        "are not sealed, were in the files."
    ),
)
def a_thief_of_the_database_reads_nobody(system: System) -> Figures:
    canary = Canary()
    owner = company_with_orders(ORDERS, canary)
    personal = [canary.word, canary.digits_in_full, *Traces(owner).marks.values()]
    visitor = owner.visiting(system.url)
    walk(visitor, canary.word)
    visitor.fill("/company/buyers/", who=canary.person(0).phone)
    if found := traces.files_with(system, *personal):
        raise Broken(f"a buyer's data can be read in {', '.join(found[:3])}")
    if any(word in figures(visitor).body.lower() for word in personal):
        raise Broken("a buyer's data can be read in the figures of the running site")
    if found := traces.files_with(system, owner.password):
        raise Broken(f"a password can be read in {', '.join(found[:3])}")
    if not traces.files_with(system, canary.offer):
        raise Broken("an offer's name is not found either: this attack shows nothing")
    return {"values": ORDERS * canary.fields, "orders": ORDERS}


@proves(
    "T3",
    tried=_(
        "Stored orders with a mark in every field, listed, searched, opened and moved them, and "
        "sent forms that were refused: no log holds a mark."
    ),
)
def logs_know_nothing_of_an_order(system: System) -> Figures:
    canary = Canary()
    owner = company_with_orders(10, canary)
    walk(owner.visiting(system.url), canary.word)
    if found := traces.logs_with(system, canary.word, canary.offer, canary.digits_in_full):
        raise Broken(f"what an order holds stands in {', '.join(found)}")
    return {}


def figures(visitor: Visitor) -> Answer:
    """What the running site tells of itself. Raises Untried."""
    told = visitor.get("/metrics", Authorization=f"Bearer {settings.METRICS_TOKEN}")
    if "covenant_request_seconds_count" not in told.body:
        raise Untried("it needs the METRICS_TOKEN of the site that is served")
    return told


def walk(visitor: Visitor, word: str) -> None:
    """Make the pages say and do as much with the marked orders as they can."""
    listed = visitor.get("/orders/")
    card = next(filter(re.compile("/orders/[0-9a-f-]{36}/").fullmatch, listed.links))
    visitor.get(card)
    visitor.post(f"{card}comment/", listed.hidden | {"text": word})
    visitor.post(f"{card}move/", listed.hidden | {"move": word, "reason": word})
    visitor.get(f"/orders/?q={word}")
    visitor.get(f"/orders/{word}/")
    visitor.get(f"/{word}/")
    visitor.post("/orders/new/", listed.hidden | {"name": word, "phone": word, "email": word})
