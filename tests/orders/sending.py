"""A partner's machine that sends leads to Aurora, or to whom a key was made for."""

from __future__ import annotations

from typing import Any

from django.test import Client

from accounts import apikeys
from tests.people import Someone, ann, as_, pat

LEAD = {
    "external_id": "L-1",
    "offer": "Kettle",
    "phone": "+40 721 234 643",
    "country": "RO",
    "name": "Ana Pop",
    "price": "49.90",
    "sub1": "banner",
}


def key_of(sender: Someone = pat, *, by: Someone = ann, **more: Any) -> str:
    """A new key of this partner's member: its secret."""
    membership = sender.membership()
    with as_(by) as entry:
        return apikeys.make(by=entry, membership=membership, name="Landing pages", **more)


def send(key: str, *, client: Client | None = None, **fields: Any) -> Any:
    """Post a lead: LEAD, with these fields instead; None leaves one out."""
    body = {name: said for name, said in (LEAD | fields).items() if said is not None}
    return post(key, body, client=client)


def post(key: str, body: Any, *, client: Client | None = None) -> Any:
    """Anything as a body: JSON of what is no bytes."""
    sender = client or Client(raise_request_exception=False)
    return sender.post("/api/v1/leads", body, content_type="application/json", **authorization(key))


def ask(
    key: str, path: str = "/api/v1/leads", *, client: Client | None = None, **query: Any
) -> Any:
    asker = client or Client(raise_request_exception=False)
    return asker.get(path, query, **authorization(key))


def authorization(key: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {key}"}}
