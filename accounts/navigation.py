"""The places at the side of every signed-in page. Each app names its own when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from accounts.models import Membership


@dataclass(frozen=True)
class Place:
    label: Any
    url_name: str
    icon: str
    permission: str | None
    order: int


PLACES: Final[list[Place]] = []


def register(label: Any, url_name: str, icon: str, permission: str | None, order: int) -> None:
    """Add a place, shown to members who hold `permission` (to every member where it is None)."""
    PLACES.append(Place(label, url_name, icon, permission, order))
    PLACES.sort(key=lambda place: place.order)


def places(request: HttpRequest) -> dict[str, Any]:
    """The context processor: `nav`, and whether there is another company to go to."""
    return {
        "nav": SimpleLazyObject(lambda: _open_to(request)),
        "can_switch": SimpleLazyObject(lambda: _has_several_companies(request)),
    }


def _open_to(request: HttpRequest) -> list[dict[str, Any]]:
    entry = getattr(request, "gate", None)
    if not entry or not entry.company_id:
        return []
    found = [
        {"url": reverse(place.url_name), "icon": place.icon, "label": place.label}
        for place in PLACES
        if place.permission is None or entry.may(place.permission)
    ]
    here = max(
        (place["url"] for place in found if request.path.startswith(place["url"])),
        key=len,
        default=None,
    )
    return [{**place, "current": place["url"] == here} for place in found]


def _has_several_companies(request: HttpRequest) -> bool:
    entry = getattr(request, "gate", None)
    if not entry or not entry.user_id:
        return False
    return Membership.objects.living().filter(user_id=entry.user_id).count() > 1
