"""Rows that may name a buyer, and that no hash finds: they are opened and read through.

They are the lines of files that were refused, orders of a file that are not stored yet, the names
of files, the words of other buyers' orders and the comments on anybody's. Rejected: an index of
hashes for them. Each import would pay for what is asked for once a month, and a number that was
refused for how it is written would not be in it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Final

from django.db import models

from accounts import audit
from accounts.gate import Entry
from orders import records
from orders.buyers import Buyer
from orders.chunks import pack, unpack
from orders.imports import SEALED_CHUNK
from orders.intake import NotAdmitted
from orders.keys import Keys
from orders.models import Comment, Import, ImportChunk, ImportRefusal, Item, Order
from orders.persons import Person
from orders.screening import Accepted, FileRow
from orders.sealing import SealBroken
from orders.words import Words
from policy.prohibitions import Jurisdiction

Parts = Sequence[Any]  # of what a row says: texts, or what is JSON
KNOWN_BY: Final = ("phone", "external_id")  # an order of a file


@dataclass(frozen=True)
class Source:
    """One table of them. `opened` gives rows, each with what it says; `forget` erases what rows say
    of a buyer, and returns of how many things."""

    name: str
    many: int  # rows in one transaction: a fraction of a second
    rows: Callable[[int], models.QuerySet[Any]]  # of a company
    opened: Callable[[Keys, Sequence[Any]], Iterable[tuple[Any, Parts]]]
    forget: Callable[[Entry, Keys, Sequence[Any], Buyer], int]
    order_of: Callable[[Any], uuid.UUID | None] = lambda row: None

    def page(self, company_id: int, after: uuid.UUID | None) -> list[Any]:
        rows = self.rows(company_id).order_by("id")
        return list((rows.filter(id__gt=after) if after else rows)[: self.many])

    def naming(self, buyer: Buyer, rows: Sequence[Any], held: Keys) -> list[Any]:
        return [row for row, parts in self.opened(held, rows) if said_of(buyer, parts)]


def said_of(buyer: Buyer, parts: Parts) -> list[Any]:
    """The parts that name the buyer."""
    return [part for part in parts if buyer.is_named_in(as_text(part))]


def as_text(part: Any) -> str:
    """A text to a line, as it was written: JSON would put its own signs within it."""
    return "\n".join(texts_in(part))


def texts_in(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping):
        yield from (text for pair in part.items() for each in pair for text in texts_in(each))
    elif isinstance(part, list | tuple):
        yield from (text for each in part for text in texts_in(each))


# What rows say


def lines_opened(held: Keys, lines: Sequence[ImportRefusal]) -> Iterator[tuple[Any, Parts]]:
    return ((line, records.line(held, bytes(line.body or b""), line.id)) for line in lines)


def waiting_opened(held: Keys, chunks: Sequence[ImportChunk]) -> Iterator[tuple[Any, Parts]]:
    return ((chunk, records.waiting(held, bytes(chunk.body), chunk.id)) for chunk in chunks)


def comments_opened(held: Keys, comments: Sequence[Comment]) -> Iterator[tuple[Any, Parts]]:
    return ((each, [records.comment(held, bytes(each.body), each.id)]) for each in comments)


def files_opened(held: Keys, runs: Sequence[Import]) -> Iterator[tuple[Any, Parts]]:
    """Also without its ending, which may be taken for an e-mail's."""
    return ((run, [run.file_name, PurePath(run.file_name).stem]) for run in runs)


def orders_opened(held: Keys, orders: Sequence[Order]) -> Iterator[tuple[Any, Parts]]:
    return ((order, [*words.said().values()]) for order, words in words_of(orders, held))


def words_of(orders: Sequence[Order], held: Keys) -> Iterator[tuple[Order, Words]]:
    """One statement, whatever their number."""
    items = Item.objects.drafts_of(orders)
    for order in orders:
        said = records.person(held, bytes(order.person), order.id)
        yield order, Words(Person(**said), items[order.id])


# What is erased of it


def forget_lines(by: Entry, held: Keys, lines: Sequence[ImportRefusal], buyer: Buyer) -> int:
    ids = [line.id for line in lines]
    ImportRefusal.objects.filter(company_id=by.company_id, id__in=ids).delete()
    return len(ids)


def forget_waiting(by: Entry, held: Keys, chunks: Sequence[ImportChunk], buyer: Buyer) -> int:
    """The others of a chunk stay in its place, without what names the buyer in their words. Their
    import counts the buyer's as refused."""
    return sum(_rewrite(chunk, held, buyer) for chunk in chunks)


def _rewrite(chunk: ImportChunk, held: Keys, buyer: Buyer) -> int:
    there = unpack(held.open(bytes(chunk.body), row_id=chunk.id, purpose=SEALED_CHUNK))
    others = [each for each in there if not is_of(buyer, each)]
    kept = [_without(buyer, each) for each in others]
    gone = len(there) - len(kept)
    cut = sum(each != was for each, was in zip(kept, others, strict=True))
    if not gone + cut:
        return 0
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
    return gone + cut


def is_of(buyer: Buyer, accepted: Accepted) -> bool:
    return Buyer.of(accepted.order.person).shares_with(buyer)


def _without(buyer: Buyer, accepted: Accepted) -> Accepted:
    """Another buyer's order. Its own telephone and number stay, as in one that is stored."""
    order, cut = accepted.order, buyer.cut_from
    words = Words(order.person, order.items).without(buyer)
    rows = [
        FileRow(row.line, {n: v if n in KNOWN_BY else cut(v) for n, v in row.values.items()})
        for row in accepted.rows
    ]
    kept = replace(order, person=words.person, items=list(words.items))
    return replace(accepted, rows=rows, order=kept)


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


def forget_words(by: Entry, held: Keys, orders: Sequence[Order], buyer: Buyer) -> int:
    """In other buyers' orders; each tells in its history what was changed. One that clause P2 has
    stopped cannot be changed, one whose seal is broken cannot be read, and one whose country is
    none cannot be written: their whole person goes."""
    own = Order.objects.of(buyer, held).order_by().values("id")
    others = Order.objects.filter(
        company_id=by.company_id, id__in=[order.id for order in orders], erased_at=None
    ).exclude(id__in=own)
    locked = list(others.order_by("-created_at", "-id").select_for_update())  # as a correction
    prohibited = Jurisdiction.objects.prohibited()
    for order, words in words_of(locked, held):
        if order.stands_against(prohibited):
            order.erase(by=by, because="jurisdiction", known_by=buyer)
            continue
        cut = words.without(buyer)
        try:
            order.edit(by=by, version=order.version, person=cut.person, items=cut.items)
        except (SealBroken, NotAdmitted):
            order.erase(by=by, because="request", known_by=buyer)
    return len(locked)


def forget_file_names(by: Entry, held: Keys, runs: Sequence[Import], buyer: Buyer) -> int:
    for run in runs:
        cut = buyer.cut_from(run.file_name)
        ending = PurePath(cut).suffix
        run.file_name = buyer.cut_from(cut.removesuffix(ending)) + ending
        run.save(update_fields=["file_name"])
    return len(runs)


OF_FILES: Final = (
    Source(
        "waiting",
        10,
        lambda company_id: ImportChunk.objects.filter(company_id=company_id),
        waiting_opened,
        forget_waiting,
    ),
    Source(
        "lines",
        2_000,
        lambda company_id: ImportRefusal.objects.filter(company_id=company_id, body__isnull=False),
        lines_opened,
        forget_lines,
    ),
    Source(
        "files",
        2_000,
        lambda company_id: Import.objects.filter(company_id=company_id),
        files_opened,
        forget_file_names,
    ),
)
ON_ORDERS: Final = (
    Source(
        "words",
        1_000,
        lambda company_id: Order.objects.filter(company_id=company_id, erased_at=None),
        orders_opened,
        forget_words,
        lambda order: order.id,
    ),
    Source(
        "comments",
        2_000,
        lambda company_id: Comment.objects.filter(company_id=company_id),
        comments_opened,
        forget_comments,
        lambda comment: comment.order_id,
    ),
)
SOURCES: Final = OF_FILES + ON_ORDERS
