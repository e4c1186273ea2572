"""Telling people ahead of the policies that will ask them: what every signed-in page shows.

The gate says at a request's first statement what is announced (`Entry.coming`), so that no page
asks for it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from accounts.gate import Entry
from accounts.navigation import NOBODY
from accounts.requests import Request
from policy.models import Kind


def coming(request: Request) -> dict[str, Any]:
    """The context processor: `coming`, a notice for each policy that has something announced."""
    entry = getattr(request, "gate", NOBODY)
    return {"coming": SimpleLazyObject(lambda: [_notice(entry, each) for each in entry.coming])}


def _notice(entry: Entry, announced: dict[str, Any]) -> dict[str, Any]:
    of_company = announced["kind"] == Kind.COMPANY
    page = "diff" if announced["since"] else "version"
    place = [entry.company_slug] if of_company else []
    address = reverse(
        f"policy:company_{page}" if of_company else f"policy:{page}",
        args=[*place, announced["number"]],
    )
    return {
        "of_company": of_company,
        "from": datetime.fromisoformat(announced["from"]),
        "changes": bool(announced["since"]),
        "url": address + (f"?since={announced['since']}" if announced["since"] else ""),
    }
