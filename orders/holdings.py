"""All that a company holds about one buyer, opened: for its page, and for the buyer to have.

In the same few statements, however much there is. What a worker found is read again, so that
nothing is shown that is not there any more.
"""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import audit
from accounts.gate import Entry
from accounts.models import AuditEntry
from orders import inquiries, keys, mentions, records, timeline
from orders.buyers import Buyer
from orders.chunks import revived
from orders.keys import Keys
from orders.models import (
    Comment,
    Import,
    ImportChunk,
    ImportRefusal,
    Inquiry,
    Item,
    Order,
    Source,
)
from orders.persons import Person, emails_in
from orders.statuses import STATUSES
from orders.words import Words
from policy.countries import country_name
from policy.prohibitions import Jurisdiction


@dataclass(frozen=True)
class Holdings:
    """`stopped` are orders of which clause P2 lets nothing be done but erase the person, so that
    nobody opens them here; `mentions` are comments on orders of others, `words` what else in these
    names the buyer, by field, and `closed` those of them that are stopped; `lines` of files were
    refused; `waiting` are orders of a file that are not stored yet, as they will be; `files` are
    those that have the buyer in their name."""

    buyer: Buyer
    orders: list[tuple[Order, Person]]
    stopped: list[Order]
    comments: dict[uuid.UUID, list[tuple[Comment, str]]]
    mentions: list[tuple[Comment, str]]
    words: list[tuple[Order, dict[str, str]]]
    closed: list[Order]
    lines: list[tuple[ImportRefusal, dict[str, str]]]
    waiting: list[dict[str, Any]]
    files: list[Import]

    @property
    def also_known_by(self) -> Buyer:
        """Telephones and e-mails of their orders that nobody has asked about."""
        people = [person for _order, person in self.orders]
        phones = tuple(dict.fromkeys(person.phone for person in people if person.phone))
        emails = dict.fromkeys(email for person in people for email in emails_in(person.email))
        return Buyer(phones, tuple(emails)) - self.buyer

    @property
    def erasable(self) -> list[Order]:
        return [*self.stopped, *(order for order, _person in self.orders)]

    @property
    def commented(self) -> int:
        return sum(map(len, self.comments.values()))

    @property
    def nothing(self) -> bool:
        elsewhere = (self.mentions, self.words, self.closed, self.lines, self.waiting, self.files)
        return not (self.erasable or any(elsewhere))


def of(run: Inquiry, *, by: Entry) -> Holdings:
    held = keys.provided(by)
    buyer = inquiries.opened(run, held)
    every = list(Order.objects.of(buyer, held)) if buyer else []
    prohibited = Jurisdiction.objects.prohibited()
    stopped = [order for order in every if order.stands_against(prohibited)]
    open_ = [order for order in every if not order.stands_against(prohibited)]
    ids = {order.id for order in every}
    comments: dict[uuid.UUID, list[tuple[Comment, str]]] = defaultdict(list)
    for comment in Comment.objects.filter(company_id=by.company_id, order_id__in=ids):
        comments[comment.order_id].append((comment, _said(comment, held)))
    others = Comment.objects.exclude(order_id__in=ids)
    naming = list(_found(run, "words", Order.objects.exclude(id__in=ids)))
    closed = [order for order in naming if order.stands_against(prohibited)]
    open_words = mentions.words_of([each for each in naming if each not in closed], held)
    words = ((order, said.naming(buyer)) for order, said in open_words)
    return Holdings(
        buyer,
        [(order, order.open_person(held)) for order in open_],
        stopped,
        comments,
        [(comment, _said(comment, held)) for comment in _found(run, "comments", others)],
        [(order, said) for order, said in words if said],
        closed,
        [
            (line, records.line(held, bytes(line.body), line.id)[0])
            for line in _found(run, "lines", ImportRefusal.objects.all())
        ],
        [
            each
            for chunk in _found(run, "waiting", ImportChunk.objects.all())
            for each in mentions.said_of(buyer, records.waiting(held, chunk.body, chunk.id))
        ],
        list(_found(run, "files", Import.objects.all())),
    )


def _found(run: Inquiry, name: str, rows: Any) -> Any:
    return rows.filter(company_id=run.company_id, id__in=run.found.get(name, [])).order_by("id")


def _said(comment: Comment, held: Keys) -> str:
    return records.comment(held, bytes(comment.body), comment.id)


def archive(run: Inquiry, *, by: Entry) -> bytes:
    """A ZIP for the buyer: a page to read, and the same for programs. It is stored nowhere."""
    with transaction.atomic():
        found = of(run, by=by)
        told = for_the_buyer(found, by)
        audit.record(by=by, action="buyer.exported", of=run, orders=len(found.orders))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        text = json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
        opened.writestr("about-you.json", text)
        opened.writestr("about-you.html", render_to_string("orders/buyers/told.html", told))
    return file.getvalue()


def for_the_buyer(found: Holdings, by: Entry) -> dict[str, Any]:
    """The same as plain data, without the names of those who work here; of others' orders only
    where in them the buyer is named, since the rest is another's, and of others' refused lines
    nothing."""
    of_company = {"company_id": by.company_id}
    ids = [order.id for order, _person in found.orders]
    items = Item.objects.drafts_of(order for order, _person in found.orders)
    entries = AuditEntry.objects.filter(**of_company, object_id__in=ids).order_by("id")
    history: dict[uuid.UUID | None, list[AuditEntry]] = defaultdict(list)
    for entry in entries:
        history[entry.object_id].append(entry)
    return {
        "company": by.company_name,
        "policy": f"/c/{by.company_slug}/policy/",
        "at": timezone.now(),
        "orders": [
            {
                **described(order),
                "person": {name: said for name, said in asdict(person).items() if said},
                "items": [
                    {"name": each.name, "quantity": each.quantity, "price": each.price}
                    for each in items[order.id]
                ],
                "comments": [
                    {"at": comment.created_at, "text": text}
                    for comment, text in found.comments.get(order.id, ())
                ],
                "history": [
                    {"at": entry.at, **timeline.sentence(entry)}
                    for entry in history[order.id]
                    if entry.action != "order.commented"
                ],
            }
            for order, person in found.orders
        ],
        "comments": [{"at": each.created_at, "text": text} for each, text in found.mentions],
        "others": [
            {"created_at": at, "fields": [str(timeline.FIELDS[name]) for name in said]}
            for at, said in (
                *((order.created_at, said) for order, said in found.words),
                *named_while_waiting(found),
            )
        ],
        "lines": [values for _line, values in found.lines if is_about(found.buyer, values)],
        "waiting": [
            each["order"] for each in found.waiting if mentions.is_of(found.buyer, revived(each))
        ],
    }


def named_while_waiting(found: Holdings) -> Iterator[tuple[datetime, dict[str, str]]]:
    """When others' orders came that are not stored yet, and what in them names the buyer."""
    for accepted in map(revived, found.waiting):
        order = accepted.order
        said = Words(order.person, order.items).naming(found.buyer)
        if said and not mentions.is_of(found.buyer, accepted):
            yield order.created_at, said


def is_about(buyer: Buyer, values: dict[str, str]) -> bool:
    """Whether a refused line is the buyer's own: nobody could read it as an order."""
    return any(buyer.is_named_in(values.get(name, "")) for name in ("phone", "email"))


def described(order: Order) -> dict[str, Any]:
    return {
        "number": order.number,
        "external_number": order.external_id,
        "created_at": order.created_at,
        "status": str(STATUSES[order.status].label),
        "came_by": str(Source(order.source).label),
        "country": order.country and country_name(order.country),
        "citizenship": order.citizenship and country_name(order.citizenship),
        "total": order.total,
        "currency": order.currency,
    }
