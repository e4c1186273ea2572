"""Clause P1: the countries of a company's people and orders beside those its policy declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.guard import closed_to_support, requires
from accounts.models import Company
from accounts.requests import Request
from orders.coverage import MOST_COUNTED, Named, countries_named, latest_uncovered
from orders.models import Order
from policy import coverage as policies
from policy.countries import country_name
from policy.coverage import Coverage


@closed_to_support
@requires("company.policy")
@require_safe
@never_cache
def coverage(request: Request) -> HttpResponse:
    by = request.gate
    covered = policies.of(by)
    members, orders = policies.members_by_country(by), countries_named(by)
    silent = members.pop("", 0)
    codes = covered.declared | members.keys() | orders.keys()
    rows = [_row(code, covered, members.get(code, 0), orders.get(code)) for code in codes]
    context = {
        "rows": sorted(rows, key=lambda row: (row["covered"], row["country"].casefold())),
        "left_out": sum(not row["covered"] for row in rows),
        "silent": silent,
        "strict": covered.strict,
        "most_counted": MOST_COUNTED,
        "orders": list(_told(latest_uncovered(by, orders, covered), covered)),
    }
    return render(request, "orders/coverage.html", context)


def _row(code: str, covered: Coverage, members: int, orders: Named | None) -> dict[str, Any]:
    return {
        "code": code,
        "country": country_name(code),
        "covered": code in covered.declared,
        "members": members,
        "orders": orders or Named(),
    }


def _told(orders: list[Order], covered: Coverage) -> Iterator[dict[str, Any]]:
    for order in orders:
        named = dict.fromkeys(filter(None, (order.citizenship, order.country)))
        left_out = [country_name(code) for code in named if code not in covered.declared]
        yield {"id": order.id, "name": str(order), "countries": ", ".join(left_out)}


@closed_to_support
@requires("company.policy")
@require_POST
def strictness(request: Request) -> HttpResponse:
    """Refuse what the policy leaves out, or only show it."""
    strict = request.POST.get("strict") == "yes"
    Company.be_strict(strict, by=request.gate)
    messages.success(
        request,
        _("From now on, what your policy does not cover is refused.")
        if strict
        else _("From now on, what your policy does not cover is shown here, and not refused."),
    )
    return redirect("orders:coverage")
