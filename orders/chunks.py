"""Orders on their way: a run of them as bytes, to be sealed until a worker makes them orders."""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from orders.intake import ItemDraft, OrderDraft
from orders.persons import Person
from orders.screening import Accepted, FileRow


def pack(accepted: Iterable[Accepted]) -> bytes:
    """Compressed JSON: 200 orders take some 30 KB."""
    return zlib.compress(json.dumps([plain(each) for each in accepted]).encode(), level=3)


def unpack(data: bytes) -> list[Accepted]:
    return [revived(each) for each in json.loads(zlib.decompress(data))]


def plain(accepted: Accepted) -> dict[str, Any]:
    order = accepted.order
    return {
        "rows": [[row.line, row.values] for row in accepted.rows],
        "left_out": accepted.left_out,
        "order": {
            **{name: getattr(order, name) for name in AS_THEY_ARE},
            "person": {name: value for name, value in asdict(order.person).items() if value},
            "items": [[i.name, str(i.price), i.quantity, i.sku] for i in order.items],
            "partner": order.partner and str(order.partner),
            "created_at": order.created_at.isoformat(),
            "total": None if order.total is None else str(order.total),
        },
    }


AS_THEY_ARE = ("currency", "country", "citizenship", "offer", "external_id", "source", "status")


def revived(said: dict[str, Any]) -> Accepted:
    order = said["order"]
    return Accepted(
        [FileRow(line, values) for line, values in said["rows"]],
        OrderDraft(
            **{name: order[name] for name in AS_THEY_ARE if name in order},  # status: since 0021
            person=Person(**order["person"]),
            items=[
                ItemDraft(name, Decimal(p), count, sku) for name, p, count, sku in order["items"]
            ],
            partner=uuid.UUID(order["partner"]) if order["partner"] else None,
            created_at=datetime.fromisoformat(order["created_at"]),
            total=None if order["total"] is None else Decimal(order["total"]),
        ),
        left_out=[tuple(reason) for reason in said.get("left_out", [])],  # a chunk of before 0006
    )


def with_partner(accepted: Accepted, partners: dict[str, uuid.UUID]) -> Accepted:
    return replace(accepted, order=replace(accepted.order, partner=partners.get(accepted.partner)))
