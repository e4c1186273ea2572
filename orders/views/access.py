"""Access links on the company's side: making one, watching what support does, and shutting it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import grants
from accounts.access import FIELDS, STATES, cause_of_end
from accounts.gate import Entry
from accounts.guard import closed_to_support, fresh, requires
from accounts.models import Grant
from accounts.requests import Request
from orders import access_letters, cursors, timeline
from orders.access_forms import MOVES, AccessForm, labelled
from orders.filters import Place
from orders.lists import PAGE, Page, cut
from orders.models import Order
from orders.views.listing import places_in

ICONS = {
    "waiting": ("link", "idle"), "asked": ("user-round-search", "work"), "open": ("eye", "work"),
    "ended": ("circle-check", "ok"), "refused": ("ban", "bad"), "revoked": ("ban", "bad"),
    "expired": ("clock", "idle"),
}  # fmt: skip


@closed_to_support
@requires("access.grant")
@require_safe
def links(request: Request) -> HttpResponse:
    """The newest first, a page at a time."""
    places, address = places_in(request), reverse("orders:access")
    found = _page(request.gate, **places)
    if places and not found.rows:
        return redirect(address)
    shown = {
        "links": [_shown(grant, request.gate) for grant in found.rows],
        "last_opened": grants.last_opened(),
        "newer_url": found.newer and f"{address}?{urlencode({'newer': str(found.newer)})}",
        "older_url": found.older and f"{address}?{urlencode({'older': str(found.older)})}",
    }
    return render(request, "orders/access/links.html", shown)


@closed_to_support
@requires("access.grant")
@require_safe
def new(request: Request) -> HttpResponse:
    """The form for a link, of the orders that the address names."""
    initial = {"numbers": request.GET.get("orders", "")}
    return _form_page(request, AccessForm(by=request.gate, initial=initial))


@closed_to_support
@fresh
@requires("access.grant")
@never_cache
@require_POST
def make(request: Request) -> HttpResponse:
    """The link is shown in this answer and nowhere else: its secret is kept by nobody."""
    form = AccessForm(request.POST, by=request.gate)
    if not form.is_valid():
        return _form_page(request, form, status=422)
    grant, secret = grants.make(by=request.gate, **form.scope())
    link = request.build_absolute_uri(f"{reverse('orders:support')}#{secret}")
    mailed = bool(form.cleaned_data.get("mailed"))
    if mailed:
        access_letters.mail_link(link, by=request.gate, grant=grant)
    return _link_page(request, grant, fresh_link=link, mailed=mailed)


@closed_to_support
@requires("access.grant")
@require_safe
def watch(request: Request, grant_id: uuid.UUID) -> HttpResponse:
    """One link: what it lets support see, who asks, and what was looked at."""
    return _link_page(request, _find(request, grant_id))


@closed_to_support
@requires("access.grant")
@require_POST
def confirm(request: Request, grant_id: uuid.UUID) -> HttpResponse:
    """Lets in whom the page has named, and nobody who might have come in between."""
    grant = _find(request, grant_id)
    named = request.POST.get("staff", "")
    if named.isdecimal() and grants.confirm(grant.id, staff_id=int(named)):
        messages.success(request, _("%(name)s is let in.") % {"name": grant.staff})
    else:
        messages.error(request, _("This link waits for nobody any more."))
    return redirect("orders:access_link", grant_id)


@closed_to_support
@requires("access.grant")
@require_POST
def revoke(request: Request, grant_id: uuid.UUID) -> HttpResponse:
    """Shuts the link, or refuses who asks with it."""
    grant = _find(request, grant_id)
    if grants.revoke(grant.id):
        messages.success(request, _("The link is shut: support sees nothing by it any more."))
    else:
        messages.error(request, _("The link was over already."))
    return redirect("orders:access_link", grant_id)


def _page(
    by: Entry, *, older_than: Place | None = None, newer_than: Place | None = None
) -> Page[Grant]:
    """Beside a place in the list, or from its newest end: one statement."""
    backwards, beside = newer_than is not None, newer_than or older_than
    found = Grant.objects.newest().filter(company_id=by.company_id)
    if beside:
        found = found.filter(**{"id__gt" if backwards else "id__lt": beside.id})
    rows = list(found.order_by("id" if backwards else "-id")[: PAGE + 1])
    return cut(
        rows, lambda row: Place(row.made_at, row.id), beside=bool(beside), backwards=backwards
    )


def _older(request: Request) -> datetime | None:
    """Before which moment the page begins; None for its newest end."""
    try:
        return cursors.read(request.GET["older"])[0]
    except (KeyError, cursors.NoPlace):
        return None


def _find(request: Request, grant_id: uuid.UUID) -> Grant:
    found = Grant.objects.newest().filter(company_id=request.gate.company_id)
    return get_object_or_404(found, id=grant_id)


def _form_page(request: Request, form: AccessForm, *, status: int = 200) -> HttpResponse:
    return render(request, "orders/access/new.html", {"form": form}, status=status)


def _link_page(request: Request, grant: Grant, **fresh: Any) -> HttpResponse:
    deeds = timeline.under_grant(grant, before := _older(request))
    address = reverse("orders:access_link", args=[grant.id])
    older = {"older": deeds[-1].at.isoformat()} if len(deeds) == timeline.LONGEST else None
    shown = {
        "link": _shown(grant, request.gate),
        "orders": _numbers(grant),
        "deeds": deeds if before else [*timeline.end_by_the_clock(grant), *deeds],
        "live": before is None,
        "newer_url": before and address,
        "older_url": older and f"{address}?{urlencode(older)}",
        "support_email": settings.SUPPORT_EMAIL,
        **fresh,
    }
    return render(request, "orders/access/link.html", shown)


def _shown(grant: Grant, by: Entry) -> dict[str, Any]:
    icon, tone = ICONS[grant.state]
    mine = grant.made_by_id == by.user_id
    return {
        "id": grant.id,
        "url": reverse("orders:access_link", args=[grant.id]),
        "state": {"key": grant.state, "label": STATES[grant.state], "icon": icon,
                  "tone": tone},
        "over_at": grant.over_at,
        "cause": _cause(grant, own=mine),
        "mine": mine,
        "reason": grant.reason,
        "made_by": str(grant.made_by),
        "staff": grant.staff or grant.for_staff,
        "made_at": grant.made_at,
        "expires_at": grant.expires_at,
        "listed": None if grant.orders is None else len(grant.orders),
        "fields": labelled(FIELDS, grant.fields),
        "moves": labelled(MOVES, grant.moves),
    }  # fmt: skip


def _cause(grant: Grant, *, own: bool) -> str:
    if grant.revoked_by:
        return _("by %(name)s") % {"name": grant.revoked_by}
    return cause_of_end(grant.cause, own=own)


def _numbers(grant: Grant) -> list[Order]:
    """The listed orders, as far as the reader sees them."""
    listed = Order.objects.filter(company_id=grant.company_id, id__in=grant.orders or [])
    return list(listed.only("number").order_by("number"))
