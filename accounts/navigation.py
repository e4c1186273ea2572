"""The places at the side of every signed-in page. Each app names its own when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from accounts.gate import Entry
from accounts.requests import Request


@dataclass(frozen=True)
class Place:
    label: Any
    url_name: str
    icon: str
    permission: str | None
    order: int


PLACES: Final[list[Place]] = []
NOBODY: Final = Entry()


def register(label: Any, url_name: str, icon: str, permission: str | None, order: int) -> None:
    """Add a place, shown to members who hold `permission` (to every member where it is None)."""
    PLACES.append(Place(label, url_name, icon, permission, order))
    PLACES.sort(key=lambda place: place.order)


def places(request: Request) -> dict[str, Any]:
    """The context processor: `nav`, which of its addresses one is at (`here`), and whether there is
    another company to go to."""
    entry = getattr(request, "gate", NOBODY)  # a host refused by name never reaches the gate
    return {
        "nav": SimpleLazyObject(lambda: _open_to(entry)),
        "here": SimpleLazyObject(lambda: _current(request.path, _open_to(entry))),
        "can_switch": entry.companies > 1,
    }


def _open_to(entry: Entry) -> list[dict[str, Any]]:
    return _open_to_role(entry.role, get_language()) if entry.company_id else []


def _current(path: str, places: list[dict[str, Any]]) -> str:
    """The longest address that the path begins with; "" for none."""
    return max(
        (place["url"] for place in places if path.startswith(place["url"])), key=len, default=""
    )


@cache
def _open_to_role(role: str | None, language: str) -> list[dict[str, Any]]:
    """The same for all who have the role; `language` is the one that is active."""
    by = Entry(role=role)
    return [
        {"url": reverse(place.url_name), "icon": place.icon, "label": str(place.label)}
        for place in PLACES
        if place.permission is None or by.may(place.permission)
    ]
