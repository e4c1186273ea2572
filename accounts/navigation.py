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
SUPPORT: Final[list[Place]] = []  # under an access link, those with a permission too
OPERATORS: Final[list[Place]] = []  # beside their own pages, and where they are in no company
NOBODY: Final = Entry()


def register(label: Any, url_name: str, icon: str, permission: str | None, order: int) -> None:
    """Add a place, shown to members who hold `permission` (to every member where it is None)."""
    PLACES.append(Place(label, url_name, icon, permission, order))
    PLACES.sort(key=lambda place: place.order)


def register_for_support(label: Any, url_name: str, icon: str, permission: str | None) -> None:
    """Add a place of support's; one with a permission opens under an access link alone."""
    SUPPORT.append(Place(label, url_name, icon, permission, 0))


def register_for_operators(label: Any, url_name: str, icon: str, order: int) -> None:
    """Add a place of the operator's, whose pages are those under /operator/."""
    OPERATORS.append(Place(label, url_name, icon, None, order))
    OPERATORS.sort(key=lambda place: place.order)


def places(request: Request) -> dict[str, Any]:
    """The context processor: `nav`, which of its addresses one is at (`here`), and whether there is
    another company to go to."""
    entry = getattr(request, "gate", NOBODY)  # a host refused by name never reaches the gate
    return {
        "nav": SimpleLazyObject(lambda: _open_to(request, entry)),
        "here": SimpleLazyObject(lambda: _current(request.path, _open_to(request, entry))),
        "can_switch": entry.companies > 1,
    }


def _open_to(request: Request, entry: Entry) -> list[dict[str, Any]]:
    if entry.under or request.path.startswith("/support/"):
        return _open_to_support(bool(entry.under), get_language())
    if entry.company_id and not request.path.startswith("/operator/"):
        return _open_to_role(entry.role, get_language())
    is_operator = entry.user_id and request.user.is_superuser
    return _listed_for_operators(get_language()) if is_operator else []


def _current(path: str, places: list[dict[str, Any]]) -> str:
    """The longest address that the path begins with; "" for none."""
    return max(
        (place["url"] for place in places if path.startswith(place["url"])), key=len, default=""
    )


@cache
def _open_to_role(role: str | None, language: str) -> list[dict[str, Any]]:
    """The same for all who have the role; `language` is the one that is active."""
    by = Entry(role=role)
    return _shown(place for place in PLACES if place.permission is None or by.may(place.permission))


@cache
def _open_to_support(working: bool, language: str) -> list[dict[str, Any]]:
    """Support's own page, and while a company is open to it that company's orders."""
    return _shown(SUPPORT if working else [place for place in SUPPORT if not place.permission])


@cache
def _listed_for_operators(language: str) -> list[dict[str, Any]]:
    return _shown(OPERATORS)


def _shown(places: Iterable[Place]) -> list[dict[str, Any]]:
    return [
        {"url": reverse(place.url_name), "icon": place.icon, "label": str(place.label)}
        for place in places
    ]
