"""Sealed rows that may name a buyer, and that no hash finds: they are opened and read through.

They are the lines of files that were refused, orders of a file that are not stored yet, and the
comments on anybody's order. Rejected: an index of hashes for them. Each import would pay for what
is asked for once a month, and a number that was refused for how it is written would not be in it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import models

from accounts import audit
from accounts.gate import Entry
from orders import records
from orders.buyers import Buyer
from orders.chunks import pack, plain, unpack
from orders.imports import SEALED_CHUNK
from orders.keys import Keys
from orders.models import Comment, Import, ImportChunk, ImportRefusal, Order
from orders.screening import Accepted


@dataclass(frozen=True)
class Source:
    """One table of them. `opened` is what a row says, as `accounts.records` has it; `forget` erases
    what rows say of a buyer, and returns of how many things."""

    name: str
    model: type[models.Model]
    many: int  # rows in one transaction: a fraction of a second
    opened: Callable[[Keys, bytes, uuid.UUID], Any]
    forget: Callable[[Entry, Keys, Sequence[Any], Buyer], int]

    def rows(self, company_id: int) -> models.QuerySet[Any]:
        return self.model._default_manager.filter(company_id=company_id, body__isnull=False)

    def page(self, company_id: int, after: uuid.UUID | None) -> list[Any]:
        rows = self.rows(company_id).order_by("id")
        return list((rows.filter(id__gt=after) if after else rows)[: self.many])

    def naming(self, buyer: Buyer, rows: Iterable[Any], held: Keys) -> list[Any]:
        return [row for row in rows if any(said_of(buyer, self.opened(held, row.body, row.id)))]


def said_of(buyer: Buyer, opened: Any) -> list[Any]:
    """Of what a row says, the parts that name the buyer."""
    parts = [opened] if isinstance(opened, str) else opened
    return [part for part in parts if buyer.is_named_in(as_text(part))]


def as_text(part: Any) -> str:
    return part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)


def forget_lines(by: Entry, held: Keys, lines: Sequence[ImportRefusal], buyer: Buyer) -> int:
    ids = [line.id for line in lines]
    ImportRefusal.objects.filter(company_id=by.company_id, id__in=ids).delete()
    return len(ids)


def forget_waiting(by: Entry, held: Keys, chunks: Sequence[ImportChunk], buyer: Buyer) -> int:
    """The others of a chunk stay in its place. Their import counts the buyer's as refused."""
    return sum(_rewrite(chunk, held, buyer) for chunk in chunks)


def _rewrite(chunk: ImportChunk, held: Keys, buyer: Buyer) -> int:
    there = unpack(held.open(bytes(chunk.body), row_id=chunk.id, purpose=SEALED_CHUNK))
    kept = [each for each in there if not _is_of(buyer, each)]
    gone = len(there) - len(kept)
    of_company = {"company_id": chunk.company_id}
    ImportChunk.objects.filter(**of_company, id=chunk.id).delete()
    if kept:
        rest = ImportChunk(
            **of_company, import_id=chunk.import_id, position=chunk.position, drafts=len(kept)
        )
        rest.body = held.seal(pack(kept), row_id=rest.id, purpose=SEALED_CHUNK)
        rest.save(force_insert=True)
    runs = Import.objects.filter(**of_company, id=chunk.import_id)
    runs.update(refused=models.F("refused") + gone)
    return gone


def _is_of(buyer: Buyer, accepted: Accepted) -> bool:
    return buyer.is_named_in(as_text(plain(accepted)))


def forget_comments(by: Entry, held: Keys, comments: Sequence[Comment], buyer: Buyer) -> int:
    """Comments on others' orders, each told in its order's history: the buyer's own orders are
    erased, and theirs with them."""
    orders = Order.objects.filter(company_id=by.company_id).in_bulk(
        [(by.company_id, comment.order_id) for comment in comments]
    )
    for comment in comments:
        order = orders[by.company_id, comment.order_id]
        Comment.objects.filter(company_id=by.company_id, id=comment.id).delete()
        audit.record(by=by, action="order.comment_erased", of=order)
    return len(comments)


SOURCES: Final = (
    Source("waiting", ImportChunk, 10, records.waiting, forget_waiting),
    Source("lines", ImportRefusal, 2_000, records.line, forget_lines),
    Source("comments", Comment, 2_000, records.comment, forget_comments),
)
