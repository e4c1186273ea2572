"""Leads: orders that partners' machines send, judged, sealed and stored as any other. What the
database lets a sender's key do stands in migration 0026."""

from __future__ import annotations

import hmac
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import Q

from accounts import gate
from accounts.gate import Entry
from accounts.identifiers import uuid7
from orders import cursors, keys
from orders.intake import ItemDraft, NotAdmitted, OrderDraft, Prohibited
from orders.lead_bodies import LeadIn
from orders.models import Lead, Order
from orders.persons import Person, search_hashes
from policy import coverage
from policy.jurisdictions import screen
from policy.prohibitions import Jurisdiction


class SentOtherwise(Exception):
    """Another lead stands under this `external_id`; `lead_id` is its id."""

    def __init__(self, lead_id: UUID) -> None:
        super().__init__("Sent before, with another content.")
        self.lead_id = lead_id


def add(sent: LeadIn, *, by: Entry) -> tuple[UUID, bool]:
    """Store what the sender `by` sent, once: the lead's id, and whether it is new.

    Raises Prohibited or NotAdmitted before anything is stored, or SentOtherwise.
    """
    prohibited = Jurisdiction.objects.prohibited()
    draft = drafted(sent, prohibited, by=by)
    verdict = draft.admitted(prohibited, coverage.of(by))
    held = keys.of_sender(by)
    order = Order.drafted(draft, verdict, by=by, held=held, offers={})
    words = [term.hash for term in search_hashes(draft.person, held.index_key)]
    digest = digest_of(sent, held.index_key)
    stored = gate.add_lead(told_of(order, draft), order.person, order.phone_hash, digest, words)
    if not stored.added and stored.digest != digest:
        raise SentOtherwise(stored.id)
    return stored.id, stored.added


def drafted(sent: LeadIn, prohibited: Collection[str], *, by: Entry) -> OrderDraft:
    """The order that a lead asks for: one item, named like its offer. Raises Prohibited, or
    NotAdmitted for a country or a telephone that is none."""
    verdict = screen(
        country=sent.country,
        citizenship=sent.citizenship,
        phone=sent.phone,
        prohibited=prohibited,
    )
    if verdict.prohibited:
        raise Prohibited(verdict)
    if not verdict.allowed:
        raise NotAdmitted(verdict)
    person = Person(
        name=sent.name,
        phone=verdict.phone,
        email=sent.email,
        address=sent.address,
        comment=sent.comment,
        extra=sent.marks,
    )
    return OrderDraft(
        person,
        [ItemDraft(sent.offer, sent.price, sent.quantity)],
        currency=sent.currency or by.company_currency,
        country=verdict.country,
        citizenship=verdict.citizenship,
        offer=sent.offer,
        partner=by.partner_id,
        external_id=sent.external_id,
        source="api",
    )


def told_of(order: Order, draft: OrderDraft) -> dict[str, Any]:
    """What `gate.add_lead` reads of an order, beside what is sealed or hashed."""
    return {
        "id": str(order.id),
        "entry": str(uuid7()),
        "offer_id": str(uuid7()),
        "offer": draft.offer,
        "external_id": order.external_id,
        "country": order.country,
        "citizenship": order.citizenship,
        "phone_country": order.phone_country,
        "currency": order.currency,
        "total": str(order.total),
        "items": [
            {**asdict(item), "price": str(item.price), "id": str(uuid7())} for item in draft.items
        ],
    }


def digest_of(sent: LeadIn, index_key: bytes) -> bytes:
    """By which the same lead is known again, and nobody without the company's key guesses it."""
    said = json.dumps(sent.model_dump(mode="json"), sort_keys=True)
    return hmac.digest(index_key, b"lead\0" + said.encode(), "sha256")


def page(by: Entry, *, after: str, most: int) -> tuple[Sequence[Lead], str, bool]:
    """The sender's leads that changed after the place `after`, by their last change; the place
    behind them, and whether there are more. Raises cursors.NoPlace."""
    found = Lead.objects.filter(company_id=by.company_id, partner_id=by.partner_id)
    if after:
        at, lead_id = cursors.read(after)
        found = found.filter(Q(updated_at__gt=at) | Q(updated_at=at, id__gt=lead_id))
    leads = list(found.order_by("updated_at", "id")[: most + 1])
    shown = leads[:most]
    behind = cursors.write(shown[-1].updated_at, shown[-1].id) if shown else after
    return shown, behind, len(leads) > most


def find(by: Entry, lead_id: UUID) -> Lead | None:
    found = Lead.objects.filter(company_id=by.company_id, partner_id=by.partner_id, id=lead_id)
    return found.first()
