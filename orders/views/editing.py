"""A new order and the editing of one: a form that refuses in words, and loses nothing typed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Final

from django.contrib import messages
from django.db import connection
from django.forms.boundfield import BoundField
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.gate import Entry
from accounts.guard import closed_to_support, requires
from accounts.models import AuditEntry
from accounts.requests import GET_OR_POST, Request
from orders import keys
from orders.forms import Lines, OrderForm, lines_of, written
from orders.intake import ItemDraft, NotAdmitted
from orders.models import Conflict, Item, Order
from orders.money import format_amount
from orders.persons import Person
from orders.views.card import find, order_items, summary
from policy import refusals
from policy.refusals import Way

WRITES: Final = ("order.edited", "order.moved", "order.assigned")  # deeds that raise the version


@closed_to_support
@requires("orders.create")
@GET_OR_POST
@never_cache
def new(request: Request) -> HttpResponse:
    by = request.gate
    form = OrderForm(sent(request), by=by, initial={"currency": by.company_currency})
    lines = lines_of([], sent(request))
    if not company_has_policy():
        status = 403 if request.method == "POST" else 200
        return form_page(request, form, lines, refusal=no_policy(by), status=status)
    if not is_filled(form, lines):
        return form_page(request, form, lines)
    try:
        order = Order.objects.add(by=by, items=lines.drafts, **form.filled)
    except NotAdmitted as refused:
        form.refuse(refused.verdict)
        return form_page(request, form, lines)
    messages.success(request, _("Order № %s has been created.") % order.number)
    return redirect("orders:card", order.id)


@closed_to_support
@requires("orders.write")
@GET_OR_POST
@never_cache
def edit(request: Request, order_id: uuid.UUID) -> HttpResponse:
    by = request.gate
    order, person, items = stored(by, order_id)
    if order.erased_at or order.prohibition:
        return redirect("orders:card", order.id)
    form = OrderForm.of(order, person, by=by, data=sent(request))
    lines = lines_of(items, sent(request))
    if not is_filled(form, lines):
        return form_page(request, form, lines, order=order)
    version = form.cleaned_data["version"]
    try:
        order.edit(by=by, version=version, items=lines.drafts, **form.filled)
    except NotAdmitted as refused:
        form.refuse(refused.verdict)
        return form_page(request, form, lines, order=order)
    except Conflict:
        return conflict_page(request, order_id, form, lines)
    messages.success(request, _("Saved."))
    return redirect("orders:card", order.id)


def sent(request: Request) -> Any:
    return request.POST if request.method == "POST" else None


def is_filled(form: OrderForm, lines: Lines) -> bool:
    """Whether both are; both are asked, so that all there is to correct is shown at once."""
    return all([form.is_valid(), lines.is_valid()])


def stored(by: Entry, order_id: uuid.UUID) -> tuple[Order, Person, list[Item]]:
    order = find(by, order_id)
    return order, order.open_person(keys.provided(by)), list(order_items(order))


def form_page(
    request: Request,
    form: OrderForm,
    lines: Lines,
    *,
    order: Order | None = None,
    refusal: dict[str, Any] | None = None,
    conflict: dict[str, Any] | None = None,
    status: int = 0,
) -> HttpResponse:
    """The form with all that was typed. What was refused answers 422, or what `status` says, and
    whom clause P2 refused is counted: this is the one answer that such a request gets."""
    if form.verdict and form.verdict.prohibited:
        refusals.count([form.verdict], way=Way.EDIT if order else Way.FORM)
    context = {
        "form": form,
        "items": lines,
        "fieldsets": form.fieldsets,
        "order": order and summary(order, request.gate),
        "order_id": order and order.id,
        "cancel_url": (
            reverse("orders:card", args=[order.id]) if order else reverse("orders:list")
        ),
        "refusal": refusal or (prohibited(form) if form.prohibited else None),
        "conflict": conflict,
    }
    wrong = form.is_bound and not is_filled(form, lines)
    return render(request, "orders/form.html", context, status=status or (422 if wrong else 200))


# Refusals


def company_has_policy() -> bool:
    """Whether the company's policy is in force, as the row rule for new orders asks (clause C1)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.company_under_policy()")
        return cursor.fetchone()[0] is not None


def no_policy(by: Entry) -> dict[str, Any]:
    where = reverse("policy:company", args=[by.company_slug])
    need = {
        "met": False,
        "text": _("The company publishes its own policy."),
        "url": where,
        "link": _("the company's policy"),
    }
    return {
        "title": _("The company takes no orders before its own policy is in force."),
        "rule": _("Clause C1, kept by a row rule of the database"),
        "needs": [need],
    }


def prohibited(form: OrderForm) -> dict[str, Any]:
    assert form.verdict is not None
    need = {
        "met": False,
        "text": form.verdict.way_out,
        "url": reverse("policy:current") + "#P2",
        "link": _("read the clause"),
    }
    return {
        "title": _("Nothing of this has been stored."),
        "rule": form.verdict.rule,
        "needs": [need],
    }


# Two people at once


def conflict_page(
    request: Request, order_id: uuid.UUID, form: OrderForm, lines: Lines
) -> HttpResponse:
    """What is stored now, beside what was typed. Saving again is then a knowing overwrite."""
    order, person, items = stored(request.gate, order_id)
    form.overwrite(order.version)
    theirs = written(order, person, by=request.gate)
    if form.cleaned_data["phone"]:
        theirs["phone"] = theirs["phone"] or person.masked_phone
    rows = [*differing_fields(form, theirs), *differing_lines(items, lines.drafts, order.currency)]
    conflict = {"by": last_writer(order), "at": order.updated_at, "rows": rows}
    return form_page(request, form, lines, order=order, conflict=conflict, status=409)


def differing_fields(form: OrderForm, theirs: dict[str, Any]) -> Iterator[dict[str, str]]:
    for field in form.visible_fields():
        ours = form.cleaned_data[field.name]
        if str(ours or "") != str(theirs[field.name] or ""):
            yield {
                "label": str(field.label),
                "theirs": shown(field, theirs[field.name]),
                "yours": shown(field, ours),
            }


def shown(field: BoundField, value: Any) -> str:
    """A field's value as its form shows it: what is chosen by its name."""
    choices = dict(getattr(field.field, "choices", ()))
    return str(choices.get(str(value), value) if value else "")


def differing_lines(
    items: list[Item], drafts: list[ItemDraft], currency: str
) -> Iterator[dict[str, str]]:
    theirs, yours = (listed(lines, currency) for lines in ([i.draft for i in items], drafts))
    if theirs != yours:
        yield {"label": _("Items"), "theirs": theirs, "yours": yours}


def listed(drafts: list[ItemDraft], currency: str) -> str:
    """The lines in one: "2 × Lamp L-1, €49.50; 1 × Bulb, €3.00"."""
    return "; ".join(
        f"{draft.quantity} × {draft.name} {draft.sku}".rstrip()
        + f", {format_amount(draft.price, currency)}"
        for draft in drafts
    )


def last_writer(order: Order) -> str:
    deeds = AuditEntry.objects.filter(company_id=order.company_id, object_id=order.id)
    written = deeds.filter(action__in=WRITES).order_by("-id").first()
    return written.actor_name if written else ""
