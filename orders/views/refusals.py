"""What clause P2 does in a company: whom it refused, as counts, and which orders it has stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.guard import closed_to_support, requires
from accounts.requests import Request
from orders.lists import MOST_COUNTED
from orders.models import Order
from policy.countries import country_name
from policy.prohibitions import Jurisdiction
from policy.refusals import Refusal

DAYS_SHOWN: Final = 200  # rows of the table: a day, a rule and a way each
ERASED_AT_ONCE: Final = 100  # orders: a second or two of a request


@closed_to_support
@requires("company.policy")
@require_safe
@never_cache
def refusals(request: Request) -> HttpResponse:
    by = request.gate
    listed = list(Jurisdiction.objects.in_force())
    stopped = Order.objects.filter(company_id=by.company_id).stopped({each.code for each in listed})
    found = stopped[: MOST_COUNTED + 1].count()
    context = {
        "listed": [
            {"country": country_name(each.code), "because": each.because, "at": each.decided_at}
            for each in listed
        ],
        "stopped": found,
        "stopped_shown": min(found, MOST_COUNTED),
        "stopped_url": f"{reverse('orders:list')}?stopped=yes",
        "at_once": ERASED_AT_ONCE,
        "days": list(_days(by.company_id)),
    }
    return render(request, "orders/refusals.html", context)


def _days(company_id: int) -> Iterator[dict[str, Any]]:
    """The latest counts, the newest day first."""
    counts = Refusal.objects.filter(company_id=company_id)
    for each in counts.order_by("-day", "jurisdiction", "sign", "way")[:DAYS_SHOWN]:
        yield {
            "day": each.day,
            "country": country_name(each.jurisdiction),
            "sign": each.get_sign_display(),
            "way": each.get_way_display(),
            "count": each.count,
        }


@closed_to_support
@requires("orders.erase")
@require_POST
def erase(request: Request) -> HttpResponse:
    """Erases the persons of stopped orders, as many as one request can; the page then says how
    many are left."""
    by = request.gate
    stopped = Order.objects.filter(company_id=by.company_id).stopped(
        Jurisdiction.objects.prohibited()
    )
    erased = 0
    for order in stopped.order_by("id")[:ERASED_AT_ONCE]:
        order.erase(by=by, because="jurisdiction")
        erased += 1
    text = ngettext("%s person has been erased.", "%s persons have been erased.", erased)
    messages.success(request, text % erased)
    return redirect("orders:refusals")
