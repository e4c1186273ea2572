"""The operator's first page: how the platform's policies stand, and the way to the rest."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.guard import closed_to_support, operator
from accounts.requests import Request
from policy import announcements
from policy.models import Kind
from policy.views.publishing import PLATFORM, Desk


@closed_to_support
@operator
@never_cache
@require_safe
def console(request: Request) -> HttpResponse:
    desks = [Desk.of(kind) for kind in PLATFORM]
    return render(request, "policy/console.html", {"policies": [_told(desk) for desk in desks]})


def _told(desk: Desk) -> dict[str, Any]:
    in_force = desk.latest.siblings().in_force().first() if desk.latest else None
    return {
        "title": Kind(desk.kind).label,
        "in_force": in_force,
        "announced": desk.latest if desk.latest != in_force else None,
        "announcement": announcements.of(desk.latest),
        "draft": desk.draft,
        "write_url": desk.address("publish"),
        "publication_url": desk.address("publication"),
    }
