"""What of a disclosure concerns orders: the sealed document, and the package of the orders named.

The register is `policy.disclosures`. Orders come from `gate.open_disclosure` (migration 0015): it
gives them once, after two approvals, and no others than the numbers that the request names.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accounts import gate
from accounts.gate import Entry
from orders import packages
from orders.keys import Keys
from orders.records import unless_broken
from orders.sealing import CompanyKey, MasterKey
from policy import disclosures
from policy.disclosures import REASONS, Disclosure
from policy.turns import in_turn

DOCUMENT: Final = "disclosure.document"
OF_THE_ORDER: Final = (
    "number", "external_id", "created_at", "status", "country", "citizenship", "currency", "total",
    "offer",
)  # fmt: skip
OF_AN_ITEM: Final = ("name", "sku", "quantity", "price")


def receive(
    *,
    by: Entry,
    company_id: int,
    authority: str,
    legal_basis: str,
    orders: Sequence[int],
    document: bytes,
    secret_until: datetime | None = None,
    secrecy_ground: str = "",
) -> Disclosure:
    """Enter a request in the register, and have the company told unless the request is secret."""
    key = CompanyKey.generate()
    disclosure = Disclosure(
        company_id=company_id,
        received_by_id=by.user_id,
        authority=authority,
        legal_basis=legal_basis,
        numbers=sorted(set(orders)),
        document_hash=hashlib.sha256(document).hexdigest(),
        key=key.wrap(MasterKey.from_settings(), company_id),
        secret_until=secret_until,
        secrecy_ground=secrecy_ground,
    )
    disclosure.document = key.seal(
        document, company_id=company_id, row_id=disclosure.id, purpose=DOCUMENT, key_version=1
    )
    with transaction.atomic():
        disclosure.save(force_insert=True)
        gate.queue_job(disclosures.TELLING, name=disclosures.TELLING)
    return disclosure


def document_of(disclosure: Disclosure) -> bytes:
    """The request's document, as it was received."""
    company_id = disclosure.company_id
    key = CompanyKey.unwrap(bytes(disclosure.key), MasterKey.from_settings(), company_id)
    return key.open(
        bytes(disclosure.document), company_id=company_id, row_id=disclosure.id, purpose=DOCUMENT
    )


def package(disclosure: Disclosure) -> str:
    """Make the sealed package of the orders named, for an approver. Returns the passphrase, which
    is kept nowhere. Raises NotInTurn."""
    passphrase = packages.new_passphrase()
    with transaction.atomic():
        content = json.dumps(disclosed(disclosure), ensure_ascii=False, indent=2).encode()
        body = packages.seal(content, passphrase)
        disclosure.keep_package(body, hashlib.sha256(body).hexdigest())
    return passphrase


def disclosed(disclosure: Disclosure) -> dict[str, Any]:
    """What the authority gets. `missing` are numbers of which the company has no order."""
    found = _opened(disclosure.id)
    held = _keys(disclosure.company_id, found["key"])
    orders = [_order(order, found, held) for order in found["order"]]
    numbers = {order["number"] for order in orders}
    return {
        "disclosure": str(disclosure.id),
        "authority": disclosure.authority,
        "legal_basis": disclosure.legal_basis,
        "document_hash": disclosure.document_hash,
        "company": disclosure.company.name,
        "made_at": timezone.now().isoformat(),
        "orders": orders,
        "missing": [number for number in disclosure.numbers if number not in numbers],
    }


def _opened(disclosure_id: UUID) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with in_turn(REASONS), connection.cursor() as cursor:
        cursor.execute("SELECT what, content FROM gate.open_disclosure(%s)", [disclosure_id])
        for what, content in cursor.fetchall():
            found[what].append(content if isinstance(content, dict) else json.loads(content))
    return found


def _keys(company_id: int, rows: list[dict[str, Any]]) -> Keys | None:
    """None for a company without a key: it has no order either."""
    master = MasterKey.from_settings()
    versions = {
        row["version"]: CompanyKey.unwrap(_bytes(row["wrapped"]), master, company_id)
        for row in rows
    }
    return Keys(company_id, versions) if versions else None


def _order(order: dict[str, Any], found: dict[str, Any], held: Keys | None) -> dict[str, Any]:
    """`person`, and a comment's `text`, are None where no seal of ours holds: a company may write
    such by SQL of its own, and keeps no authority from the others by it."""
    assert held
    id = order["id"]
    return {
        **{name: order[name] for name in OF_THE_ORDER},
        "person": _person(held, _bytes(order["person"]), UUID(id)),
        "items": [
            {name: item[name] for name in OF_AN_ITEM}
            for item in found["item"]
            if item["order_id"] == id
        ],
        "comments": [
            {
                "at": comment["created_at"],
                "text": _text(held, _bytes(comment["body"]), UUID(comment["id"])),
            }
            for comment in found["comment"]
            if comment["order_id"] == id
        ],
    }


@unless_broken(lambda: None)
def _person(held: Keys, envelope: bytes, order_id: UUID) -> dict[str, Any] | None:
    return dict(json.loads(held.open_person(envelope, order_id).to_bytes()))


@unless_broken(lambda: None)
def _text(held: Keys, envelope: bytes, comment_id: UUID) -> str | None:
    return held.open_comment(envelope, comment_id)


def _bytes(column: str) -> bytes:
    """Of a bytea as JSON has it: "\\x" and hex digits."""
    return bytes.fromhex(column[2:])
