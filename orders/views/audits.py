"""The page of a company's audit (clause D1)."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.guard import closed_to_support, requires
from accounts.models import AuditEntry
from accounts.requests import Request
from orders import audits, timeline
from orders.models import Order
from orders.views.listing import places_in

PAGES_OF: Final = {"order": "orders:card", "import": "orders:import_progress"}
LISTED_ON: Final = {"disclosure": "policy:company_disclosures"}


@closed_to_support
@requires("audit.read")
@require_safe
@never_cache
def audit(request: Request) -> HttpResponse:
    by = request.gate
    filters = audits.Filters(request.GET, audits.people(by))
    chosen, asked = filters.chosen(), filters.asked()
    places = places_in(request)
    found = audits.page(by, chosen, **places)
    if places and not found.rows:
        return redirect(_address(asked))
    numbers = audits.numbers(by, found.rows)
    nameless = [row for row in found.rows if not row.object_name]
    orders = timeline.orders_seen(by.company_id, nameless)
    context = {
        "filters": filters,
        "filtered": bool(chosen),
        "clear_url": _address({}),
        "entries": [
            _entry(each, numbers.get(each.id), orders.get(each.object_id)) for each in found.rows
        ],
        "newer_url": found.newer and _address(asked, newer=found.newer),
        "older_url": found.older and _address(asked, older=found.older),
    }
    return render(request, "orders/audit.html", context)


def _entry(entry: AuditEntry, number: int | None, order: Order | None) -> dict[str, Any]:
    said = timeline.sentence(entry)
    return {
        "at": entry.at,
        "number": number,
        "who": entry.actor_name,
        "whom": entry.person_name if entry.person_name != said.get("after") else "",
        "object": entry.object_name or order or "",
        "url": _page_of(entry),
        "grant_id": entry.grant_id,
        **said,
    }


def _page_of(entry: AuditEntry) -> str:
    """Where the entry's object is shown; "" where nowhere."""
    if page := LISTED_ON.get(entry.object_type):
        return reverse(page)
    page = PAGES_OF.get(entry.object_type)
    return reverse(page, args=[entry.object_id]) if page and entry.object_id else ""


def _address(asked: dict[str, str], **place: Any) -> str:
    query = asked | {name: str(beside) for name, beside in place.items()}
    return f"{reverse('orders:audit')}?{urlencode(query)}" if query else reverse("orders:audit")
