"""What becomes of orders and what hangs on them (`accounts.records`)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any, Final, TypeVar

from accounts.records import Fate, Record, register
from orders.chunks import plain, unpack
from orders.imports import SEALED_CHUNK, SEALED_REFUSAL
from orders.keys import Keys
from orders.persons import Person
from orders.sealing import SealBroken

OWN: Final = "the company's own, and about its buyers"


Said = TypeVar("Said")
Opening = Callable[[Keys, bytes, uuid.UUID], Said]


def unless_broken(nothing: Callable[[], Any]) -> Callable[[Opening[Said]], Opening[Said]]:
    """What holds no seal of ours says `nothing`: SQL of a member's own may write it, and one such
    row keeps nobody's archive, and no buyer's question, from coming to its end."""

    def around(opening: Opening[Said]) -> Opening[Said]:
        @wraps(opening)
        def opened(held: Keys, envelope: bytes, row_id: uuid.UUID) -> Said:
            try:
                return opening(held, envelope, row_id)
            except SealBroken:
                return nothing()

        return opened

    return around


@unless_broken(lambda: asdict(Person()))
def person(held: Keys, envelope: bytes, order_id: uuid.UUID) -> dict[str, Any]:
    return asdict(held.open_person(envelope, order_id))


@unless_broken(str)
def comment(held: Keys, envelope: bytes, comment_id: uuid.UUID) -> str:
    return held.open_comment(envelope, comment_id)


@unless_broken(list)
def waiting(held: Keys, envelope: bytes, chunk_id: uuid.UUID) -> list[dict[str, Any]]:
    """The orders of a chunk that no worker has taken up."""
    chunk = held.open(envelope, row_id=chunk_id, purpose=SEALED_CHUNK)
    return [plain(each) for each in unpack(chunk)]


@unless_broken(list)
def line(held: Keys, envelope: bytes, refusal_id: uuid.UUID) -> list[dict[str, str]]:
    """What a refused line said."""
    return [json.loads(held.open(envelope, row_id=refusal_id, purpose=SEALED_REFUSAL))]


register(
    Record(
        "orders_order",
        "orders; the buyer sealed, findable by a keyed hash",
        OWN,
        account=Fate.KEPT,
        company=Fate.ERASED,
        of_company="company_id",
        leaves_out=("phone_hash",),
        opens={"person": person},
    ),
    Record(
        "orders_lead",
        "how far an order is that a partner's machine sent, and its number there",
        "the company's own; the keyed hash of what was sent goes with the person",
        company=Fate.ERASED,
        of_company="company_id",
        leaves_out=("digest",),
    ),
    Record(
        "orders_webhook",
        "where partners are told of their leads, who set it, and the sealed secret that signs",
        "the company's own, without the secret, which is no knowledge",
        account=Fate.KEPT,
        company=Fate.ERASED,
        of_company="company_id",
        leaves_out=("secret",),
        adds={"partner": "partner__name", "made_by": "made_by__name"},
    ),
    Record(
        "orders_delivery",
        "that a lead's new phase was told, or is to be; no body, and nothing of a buyer",
        "the company's own; its body is made anew each time; gone with the lead, or after a month",
        company=Fate.ERASED,
        of_company="company_id",
    ),
    Record(
        "orders_item",
        "what was ordered",
        OWN,
        company=Fate.ERASED,
        of_company="company_id",
    ),
    Record(
        "orders_offer",
        "what is sold",
        "the company's own",
        company=Fate.ERASED,
        of_company="company_id",
    ),
    Record(
        "orders_comment",
        "what was said of a buyer, sealed",
        OWN,
        account=Fate.KEPT,
        company=Fate.ERASED,
        of_company="company_id",
        opens={"body": comment},
    ),
    Record(
        "orders_searchword",
        "keyed hashes by which buyers are found",
        "of no use to anybody else: nobody takes them along",
        company=Fate.ERASED,
    ),
    Record(
        "orders_import",
        "which files were imported, by whom, with what result",
        "the company's own",
        account=Fate.KEPT,
        company=Fate.ERASED,
        of_company="company_id",
    ),
    Record(
        "orders_importchunk",
        "orders of a file that are not stored yet, sealed",
        OWN,
        company=Fate.ERASED,
        of_company="company_id",
        opens={"body": waiting},
    ),
    Record(
        "orders_importrefusal",
        "lines of a file that were refused, sealed, and why",
        OWN,
        company=Fate.ERASED,
        of_company="company_id",
        opens={"body": line},
    ),
)

register(
    Record(
        "orders_inquiry",
        "what was asked about one buyer, who is sealed, and which rows name them",
        "gone after a day, and when the buyer is erased; nobody takes it along",
        account=Fate.KEPT,
        company=Fate.ERASED,
    ),
    Record(
        "orders_retention",
        "for how many days persons are kept where an order ended, and who set it",
        "the company's own",
        account=Fate.KEPT,
        company=Fate.ERASED,
        of_company="company_id",
    ),
    Record(
        "orders_retentionrun",
        "how many persons were erased by themselves, and when",
        "the company's own",
        company=Fate.ERASED,
        of_company="company_id",
    ),
    Record(
        "orders_export",
        "who takes data along, until when, and the archive's wrapped key",
        "its maker's, and gone after a day",
        account=Fate.ERASED,
    ),
    Record(
        "orders_exportchunk",
        "the archive itself, sealed with a key of its own",
        "its maker's, and gone after a day",
        account=Fate.ERASED,
    ),
    Record(
        "orders_closure",
        "that a company was deleted, by whom, and how many orders it had",
        "evidence, by the number of a person",
        account=Fate.KEPT,
        company=Fate.KEPT,
    ),
)
