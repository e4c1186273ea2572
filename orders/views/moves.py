"""What is done to an order on its card, a view for each deed. A refused one answers with the card
as the order stands now, and with what would satisfy the rule."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.gate import Entry
from accounts.guard import closed_to_support, moved_by_support, requires
from accounts.requests import Request
from orders import keys
from orders.forms import AssignForm, CommentForm, MoveForm, StepForm
from orders.models import Conflict, MoveRefused, Order
from orders.models.moves import FINISH_FIRST, named
from orders.views.card import EDIT, EDITS, buyer, card_page, find, need, reveals
from orders.views.queue import take_next
from policy.answers import is_htmx


@moved_by_support
@requires("orders.write")
@require_POST
def move(request: Request, order_id: uuid.UUID) -> HttpResponse:
    """Makes the move, and keeps with it what stands in the comment box: both, or neither, and then
    what was typed stays on the page."""
    order = find(request.gate, order_id)
    step, box = StepForm(request.POST), CommentForm.left_in(request.POST)
    if box.errors:
        return card_page(request, order, comment_form=box, status=422)
    if not step.is_valid():
        return card_page(request, order, comment_form=box, refusal=unclear(), status=422)
    known = named(step.cleaned_data["move"], by=request.gate, status=order.status)
    form = MoveForm(known, request.POST, said=box.said) if known else None
    if form and not form.is_valid():
        return card_page(request, order, comment_form=box, filled=form, status=422)
    answers = form.answers if form else {"comment": box.said}
    box = CommentForm.left_in({"text": answers["comment"]})
    try:
        order.move(by=request.gate, **step.cleaned_data, **answers)
    except Conflict:
        order = find(request.gate, order_id)
        return card_page(request, order, comment_form=box, refusal=changed(), status=409)
    except MoveRefused as refused:
        return refused_page(request, order_id, refused, box=box)
    return redirect("orders:card", order_id)


@moved_by_support
@requires("orders.write")
@require_POST
def comment(request: Request, order_id: uuid.UUID) -> HttpResponse:
    """Keeps what stands in the comment box. It may be empty where a button sent it that leads
    away, `then` to the order's form or to the next order: what was typed is not lost by leaving."""
    order = find(request.gate, order_id)
    then = request.POST.get("then", "")
    box = CommentForm.left_in(request.POST) if then else CommentForm(request.POST)
    if box.errors:
        return card_page(request, order, comment_form=box, status=422)
    if box.said:
        order.say(by=request.gate, text=box.said)
        if request.gate.under and "notes" not in request.gate.under.fields:
            messages.success(request, _("Your comment is kept. Comments are hidden from you here."))
    if then == "next" and request.gate.may("orders.take"):
        return take_next(request)
    if then in EDITS:
        return redirect(reverse("orders:edit", args=[order_id]) + then.removeprefix(EDIT))
    return redirect("orders:card", order_id)


@closed_to_support
@requires("persons.open")
@require_POST
@never_cache
def reveal(request: Request, order_id: uuid.UUID) -> HttpResponse:
    """Shows the telephone in this one answer, and to whoever has the order in hand until it leaves
    it; and records that it did."""
    by = request.gate
    order = find(by, order_id)
    order.reveal_telephone(by=by)
    if not is_htmx(request):
        return card_page(request, order, revealed=True)
    person = order.open_person(keys.provided(by))
    context = {
        "person": buyer(order, person, by, revealed=True),
        "reveals": reveals(person, by),
        "order_id": order.id,
    }
    return render(request, "orders/_buyer.html", context)


@closed_to_support
@requires("orders.assign")
@require_POST
def assign(request: Request, order_id: uuid.UUID) -> HttpResponse:
    order = find(request.gate, order_id)
    form = AssignForm(request.POST, by=request.gate)
    if not form.is_valid():
        return card_page(request, order, assign_form=form, status=422)
    try:
        order.assign(by=request.gate, agent_id=form.cleaned_data["agent"])
    except MoveRefused as refused:
        return refused_page(request, order_id, refused)
    messages.success(request, _("The order has been given on."))
    return redirect("orders:card", order_id)


@closed_to_support
@requires("orders.erase")
@require_POST
def erase(request: Request, order_id: uuid.UUID) -> HttpResponse:
    """Erases the person of an order that clause P2 has stopped; this page erases nobody else."""
    order = find(request.gate, order_id)
    if not order.prohibition:
        return card_page(request, order, refusal=nothing_to_erase(), status=422)
    order.erase(by=request.gate, because="jurisdiction")
    messages.success(request, _("The person has been erased."))
    return redirect("orders:card", order_id)


def refused_page(
    request: Request, order_id: uuid.UUID, refused: MoveRefused, *, box: CommentForm | None = None
) -> HttpResponse:
    order = find(request.gate, order_id)
    refusal = unmet(refused, request.gate)
    return card_page(request, order, comment_form=box, refusal=refusal, status=422)


def unmet(refused: MoveRefused, by: Entry) -> dict[str, Any]:
    needs = [
        finish_first(by) if text is FINISH_FIRST else need(str(text)) for text in refused.unmet
    ]
    return {"title": _("The order stays where it is."), "needs": needs}


def finish_first(by: Entry) -> dict[str, Any]:
    """Names the order in hand: it may have left it since."""
    unmet: dict[str, Any] = {"met": False, "text": str(FINISH_FIRST)}
    if in_hand := Order.objects.open_of(by):
        unmet |= {"url": reverse("orders:card", args=[in_hand.id]), "link": str(in_hand)}
    return unmet


def changed() -> dict[str, Any]:
    return {
        "title": _("Somebody changed this order meanwhile; nothing of yours has been done."),
        "needs": [{"met": False, "text": _("Look at it as it is now, and choose the step again.")}],
    }


def nothing_to_erase() -> dict[str, Any]:
    return {
        "title": _("Nobody has been erased."),
        "rule": _("Clause P2, which has nothing against this order"),
        "needs": [],
    }


def unclear() -> dict[str, Any]:
    return {
        "title": _("This step could not be read."),
        "needs": [{"met": False, "text": _("Use a button of this page.")}],
    }
