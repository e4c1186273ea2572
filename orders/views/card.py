"""The card of one order, and what its page is made of: other views answer with it, too."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit

import phonenumbers
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.gate import Entry
from accounts.guard import requires, shown_to_support
from accounts.models import Role
from accounts.requests import Request
from orders import keys, statuses, timeline
from orders.calling import proposals, zone_of
from orders.forms import AssignForm, CommentForm, MoveForm
from orders.models import Item, Order
from orders.models.moves import IN_HAND, open_to
from orders.money import format_amount
from orders.persons import Person
from orders.statuses import STATUSES, Move, Requirement
from policy.answers import path_here
from policy.countries import country_name
from policy.jurisdictions import Verdict

DUPLICATES: Final = 20  # shown at most
# What a move requires of the order, and not of whoever makes it.
FACTS: Final[tuple[Requirement, ...]] = ("name", "phone", "address", "items")
FIELD_OF: Final = {**{fact: f"id_{fact}" for fact in FACTS}, "items": "id_items-0-name"}
EDIT: Final = "edit"  # what a button of the comment box says that leads on to the order's form
EDITS: Final = (EDIT, *(f"{EDIT}#{field}" for field in FIELD_OF.values()))
PATH: Final = ("new", "processing", "confirmed", "packed", "sent", "delivered", "paid")
ENDED_AFTER: Final = {"cancelled": "processing", "trash": "new", "returned": "sent"}
LEADS_ON: Final = ("take", "confirm", "pack", "send", "deliver", "pay")


@shown_to_support
@requires("orders.read")
@require_safe
def card(request: Request, order_id: uuid.UUID) -> HttpResponse:
    return card_page(request, find(request.gate, order_id))


def find(by: Entry, order_id: uuid.UUID) -> Order:
    """The order, or a 404: one for another company's, for one out of the role's reach, and for one
    that never was."""
    orders = Order.objects.select_related("offer", "partner", "agent__user")
    return get_object_or_404(orders, company_id=by.company_id, id=order_id)


def card_page(
    request: Request,
    order: Order,
    *,
    refusal: dict[str, Any] | None = None,
    revealed: bool = False,
    filled: MoveForm | None = None,
    comment_form: CommentForm | None = None,
    assign_form: AssignForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The card, with what an answer adds: a refusal, the telephone, or a form to put right.

    `filled` is a move's form with its errors.
    """
    by = request.gate
    if by.may("persons.open") and (prohibition := order.prohibition):
        return stopped_page(request, order, prohibition, status=status)
    held = keys.held(by)
    person = order.open_person(held) if held else None
    items = list(order_items(order))
    context = {
        "list_url": list_as_left(request),
        "order": summary(order, by),
        "order_id": order.id,
        "stages": stages(order.status) if held else [],
        "moves": list(moves(order, by, person, items, filled)),
        "way_back": way_back(order, by),
        "refusal": refusal,
        "person": person and buyer(order, person, by, revealed=revealed),
        "reveals": reveals(person, by),
        "items": [item_row(item, order.currency) for item in items],
        "totals": totals(order, items),
        "duplicates": [duplicate(same) for same in duplicates(order, by)],
        "timeline": timeline.of_order(order, held, by=by),
        "comment_form": (comment_form or CommentForm()) if may_comment(order, by) else None,
        "erased_at": order.erased_at,
        "assign_form": assign_form or assigning(order, by),
        "sees_persons": by.may("persons.open"),
        "can_edit": by.may("orders.create") and not order.erased_at,
        "can_let_in": by.may("access.grant"),
        "can_take": by.may("orders.take"),
    }
    return render(request, "orders/card.html", context, status=status)


def stopped_page(
    request: Request, order: Order, prohibition: Verdict, *, status: int = 200
) -> HttpResponse:
    """In place of the card, without the person: why work on the order has stopped, and the only
    thing that may still be done."""
    country = country_name(prohibition.jurisdiction)
    can_erase = request.gate.may("orders.erase")
    refusal = {
        "title": _("Work on this order has stopped."),
        "rule": _("Clause P2: %(country)s is now on the list of prohibited jurisdictions.")
        % {"country": country},
        "needs": [{"met": False, "text": _("An owner or an admin erases the person.")}],
    }
    context = {
        "list_url": list_as_left(request),
        "order": summary(order, request.gate),
        "order_id": order.id,
        "refusal": refusal,
        "can_erase": can_erase,
    }
    return render(request, "orders/stopped.html", context, status=status)


def list_as_left(request: Request) -> str:
    """The list with the filters, the search and the place that the reader comes from, where they
    come from there. Only the browser tells: a telephone that was searched for is stored nowhere.
    Further on, app.js asks the browser for the way that led here."""
    home = reverse("orders:list")
    came_from = path_here(request, request.headers.get("Referer", ""))
    return came_from if urlsplit(came_from).path == home else home


def order_items(order: Order) -> Any:
    return Item.objects.filter(company_id=order.company_id, order_id=order.id).order_by("position")


def badge(status: str, *, phase: bool = False) -> dict[str, Any]:
    """A status as the pages mark it; for partners, by the name of its phase."""
    known = STATUSES[status]
    label = statuses.PHASES[known.phase] if phase else known.label
    return {"key": known.key, "label": label, "icon": known.icon, "tone": known.tone}


def summary(order: Order, by: Entry) -> dict[str, Any]:
    """The order without its person. A partner is told phases, and nothing of the company's own."""
    partner = not by.may("persons.open")
    reasons = statuses.REASONS.get(order.status, {})
    return {
        "pk": order.id,
        "number": order.number,
        "version": order.version,
        "status": badge(order.status, phase=partner),
        "total": format_amount(order.total, order.currency),
        "created_at": order.created_at,
        "offer": order.offer and order.offer.name,
        "partner": order.partner and order.partner.name,
        "agent": agent_of(order),
        "external_id": order.external_id,
        "source": order.get_source_display(),
        "attempts": 0 if partner else order.attempts,
        "recall_at": None if partner else order.recall_at,
        "reason": reasons.get(order.reason, order.reason),
    }


def agent_of(order: Order) -> str:
    """ "" for a free order. Support is not told who the company's people are."""
    if order.agent_id is None:
        return ""
    return str(order.agent.user) if order.agent else _("taken")


def duplicates(order: Order, by: Entry) -> list[Order]:
    """Of the same telephone, for who may see it: that two are the same tells something of it."""
    seen = by.may("persons.telephone") if by.under else by.may("persons.open")
    return list(order.duplicates()[:DUPLICATES]) if seen else []


def may_comment(order: Order, by: Entry) -> bool:
    return by.may("persons.open") and by.may("orders.write") and not order.erased_at


def buyer(order: Order, person: Person, by: Entry, *, revealed: bool = False) -> dict[str, Any]:
    """The person as this role sees them."""
    seen = revealed or by.may("persons.telephone") or order.telephone_is_open_to(by)
    return {
        "name": person.name,
        "phone": spaced(person.phone) if seen else person.masked_phone,
        "masked": not seen and bool(person.phone),
        "email": person.email,
        "address": person.address,
        "city": person.city,
        "country": order.country and country_name(order.country),
        "comment": person.comment,
    }


def spaced(phone: str) -> str:
    """An E.164 number in groups: "+40 723 123 643"."""
    if not phone:
        return ""
    return phonenumbers.format_number(
        phonenumbers.parse(phone), phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )


def reveals(person: Person | None, by: Entry) -> bool:
    """Whether the telephone is shown to this reader at the price of an entry."""
    return bool(person and person.phone) and not (by.may("persons.telephone") or by.under)


def item_row(item: Item, currency: str) -> dict[str, Any]:
    return {
        "name": item.name,
        "sku": item.sku,
        "quantity": item.quantity,
        "price": format_amount(item.price, currency),
        "total": format_amount(item.sum, currency),
    }


def totals(order: Order, items: list[Item]) -> list[dict[str, Any]]:
    """What the buyer pays, and where that is not the sum of the items, how it comes about."""
    summed = sum((item.sum for item in items), Decimal(0))
    lines: list[tuple[str, Decimal]] = [(_("Total, %s") % order.currency, order.total)]
    if items and summed != order.total:
        lines[:0] = [(_("Items"), summed), (_("Shipping, discounts"), order.total - summed)]
    return [
        {
            "label": label,
            "value": format_amount(amount, order.currency),
            "strong": number == len(lines),
        }
        for number, (label, amount) in enumerate(lines, 1)
    ]


def duplicate(same: Order) -> dict[str, Any]:
    return {
        "url": reverse("orders:card", args=[same.id]),
        "number": same.number,
        "status": badge(same.status),
        "created_at": same.created_at,
        "total": format_amount(same.total, same.currency),
    }


def assigning(order: Order, by: Entry) -> AssignForm | None:
    if not by.may("orders.assign"):
        return None
    return AssignForm(by=by, initial={"agent": order.agent_id and str(order.agent_id)})


def stages(status: str) -> list[dict[str, Any]]:
    """The way of an order, with where it is on it; one that ended shows where it left the way."""
    if status in ENDED_AFTER:
        last = PATH.index(ENDED_AFTER[status])
        passed = [_stage(key, "done") for key in PATH[: last + 1]]
        return [*passed, _stage(status, "bad")]
    here = PATH.index(status) if status in PATH else PATH.index("processing")
    after = [_stage(key, "todo") for key in PATH[here + 1 :]]
    return [*(_stage(key, "done") for key in PATH[:here]), _stage(status, "now"), *after]


def _stage(status: str, state: str) -> dict[str, Any]:
    return {"label": STATUSES[status].label, "state": state}


def moves(
    order: Order, by: Entry, person: Person | None, items: list[Item], filled: MoveForm | None
) -> Iterator[dict[str, Any]]:
    """What this role may do next; a move that the order is not ready for says what it lacks."""
    offered = open_to(by, order.status)
    if order.erased_at:
        offered = [move for move in offered if move.to != IN_HAND]
    first = next((move.key for move in offered if move.key in LEADS_ON), None)
    for move in offered:
        lacking = lacks(move, person, items)
        form = filled if filled and filled.move.key == move.key else MoveForm(move)
        yield {
            "key": move.key,
            "label": move.label,
            "icon": move.target.icon,
            "tone": move.target.tone,
            "primary": move.key == first,
            "form": form,
            "times": list(proposals(timezone.now(), zone_of(by)))
            if "recall_at" in form.fields
            else [],
            "refusal": not_ready(lacking) if lacking else None,
        }


def way_back(order: Order, by: Entry) -> str:
    """Who could take the decision back, told to those who work on the order and cannot."""
    move = statuses.way_back(order.status)
    if move is None or by.acting_role in move.roles or not by.may("orders.write"):
        return ""
    roles = ", ".join(str(role.label) for role in Role if role.value in move.roles)
    return _("Decided by mistake? These roles can reopen the order: %(roles)s.") % {"roles": roles}


def lacks(move: Move, person: Person | None, items: list[Item]) -> list[Requirement]:
    """What the move requires of the order itself, and the order has not."""
    known = {name: getattr(person, name, "") for name in FACTS[:3]}
    unmet = statuses.check(move, SimpleNamespace(**known, items=items))
    return [requirement for requirement in unmet if requirement in FACTS]


def not_ready(lacking: list[Requirement]) -> dict[str, Any]:
    """Names what is missing, each with the way to where it is filled in."""
    needs = [need(str(statuses.REQUIREMENTS[key])) for key in lacking]
    return {"title": _("The order is not ready for this step."), "needs": needs}


def need(text: str) -> dict[str, Any]:
    """Something unmet, with the way to the field of the order's form that would put it right."""
    unmet: dict[str, Any] = {"met": False, "text": text}
    for fact in FACTS:
        if text == str(statuses.REQUIREMENTS[fact]):
            unmet |= {"then": f"{EDIT}#{FIELD_OF[fact]}", "link": _("fill it in")}
    return unmet
