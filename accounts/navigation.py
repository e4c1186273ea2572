"""The places at the side of every signed-in page. Each app names its own when it starts."""

from __future__ import annotations

from collections.abc import Iterable
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
OPERATORS: Final[list[Place]] = []  # beside their own pages, and where they are in no company
NOBODY: Final = Entry()


def register(label: Any, url_name: str, icon: str, permission: str | None, order: int) -> None:
    """Add a place, shown to members who hold `permission` (to every member where it is None)."""
    PLACES.append(Place(label, url_name, icon, permission, order))
    PLACES.sort(key=lambda place: place.order)


def register_for_operators(label: Any, url_name: str, icon: str, order: int) -> None:
    """Add a place of the operator's, whose pages are those under /operator/."""
    OPERATORS.append(Place(label, url_name, icon, None, order))
    OPERATORS.sort(key=lambda place: place.order)


def places(request: Request) -> dict[str, Any]:
    """The context processor: `nav`, and whether there is another company to go to."""
    entry = getattr(request, "gate", NOBODY)  # a host refused by name never reaches the gate
    return {
        "nav": SimpleLazyObject(lambda: _open_to(request, entry)),
        "can_switch": entry.companies > 1,
    }


def _open_to(request: Request, entry: Entry) -> list[dict[str, Any]]:
    if not entry.user_id:
        return []
    if not entry.company_id or request.path.startswith("/operator/"):
        found = _listed_for_operators(get_language()) if request.user.is_superuser else []
    else:
        found = _open_to_role(entry.role, get_language())
    here = max(
        (place["url"] for place in found if request.path.startswith(place["url"])),
        key=len,
        default=None,
    )
    return [{**place, "current": place["url"] == here} for place in found]


@cache
def _open_to_role(role: str | None, language: str) -> list[dict[str, Any]]:
    """The same for all who have the role; `language` is the one that is active."""
    by = Entry(role=role)
    return _shown(place for place in PLACES if place.permission is None or by.may(place.permission))


@cache
def _listed_for_operators(language: str) -> list[dict[str, Any]]:
    return _shown(OPERATORS)


def _shown(places: Iterable[Place]) -> list[dict[str, Any]]:
    return [
        {"url": reverse(place.url_name), "icon": place.icon, "label": str(place.label)}
        for place in places
    ]
