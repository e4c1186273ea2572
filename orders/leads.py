"""Leads: orders that partners' machines send, judged, sealed and stored as any other. What the
database lets a sender's key do stands in migration 0026."""

from __future__ import annotations

import base64
import hmac
import json
import struct
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from accounts import gate
from accounts.gate import Entry
from accounts.identifiers import uuid7
from orders import keys
from orders.intake import ItemDraft, NotAdmitted, OrderDraft, Prohibited
from orders.lead_bodies import LeadIn
from orders.models import Lead, Order
from orders.persons import Person, search_hashes
from policy import coverage
from policy.jurisdictions import screen
from policy.prohibitions import Jurisdiction

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
PLACE: Final = struct.Struct(">q16s")  # microseconds since the epoch, id


class SentOtherwise(Exception):
    """Another lead stands under this `external_id`; `lead_id` is its id."""

    def __init__(self, lead_id: UUID) -> None:
        super().__init__("Sent before, with another content.")
        self.lead_id = lead_id


class NoPlace(ValueError):
    """Neither a cursor of ours nor a moment."""


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
    behind them, and whether there are more. Raises NoPlace."""
    found = Lead.objects.filter(company_id=by.company_id, partner_id=by.partner_id)
    if after:
        at, lead_id = place_of(after)
        found = found.filter(Q(updated_at__gt=at) | Q(updated_at=at, id__gt=lead_id))
    leads = list(found.order_by("updated_at", "id")[: most + 1])
    shown = leads[:most]
    return shown, cursor_of(shown[-1]) if shown else after, len(leads) > most


def cursor_of(lead: Lead) -> str:
    micros = (lead.updated_at - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(PLACE.pack(micros, lead.id.bytes)).decode()


def place_of(after: str) -> tuple[datetime, UUID]:
    """A cursor's place, or a moment's (RFC 3339, in UTC where it names no zone). Raises NoPlace."""
    try:
        micros, lead_id = PLACE.unpack(base64.b64decode(after, b"-_", validate=True))
        return EPOCH + timedelta(microseconds=micros), UUID(bytes=lead_id)
    except (ValueError, struct.error, OverflowError):
        return moment_of(after), UUID(int=2**128 - 1)


def moment_of(text: str) -> datetime:
    try:
        moment = parse_datetime(text.replace(" ", "+"))  # a plus that nobody escaped
        if moment is None:
            raise NoPlace
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # which in UTC is in no year of Python's, neither
        raise NoPlace from None


def find(by: Entry, lead_id: UUID) -> Lead | None:
    found = Lead.objects.filter(company_id=by.company_id, partner_id=by.partner_id, id=lead_id)
    return found.first()
