"""A buyer's rights: what is held of them, handed out, corrected and erased.

Whom it is about is posted, and sealed: it stands in no address and in no log.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.contrib import messages
from django.forms import BoundField
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts.downloads import attached
from accounts.gate import Entry
from accounts.guard import closed_to_support, requires
from accounts.models import Company
from accounts.requests import GET_OR_POST, Request
from orders import corrections, holdings, inquiries, keys, timeline
from orders.buyer_forms import BuyerForm, CorrectionForm, ErasureForm
from orders.erasure import GROUNDS, STILL_HERE
from orders.holdings import Holdings
from orders.intake import NotAdmitted, Prohibited
from orders.models import Inquiry, Order
from orders.persons import Person
from orders.statuses import STATUSES
from policy import refusals
from policy.refusals import Way

SHOWN: Final = 100  # of each kind; the archive has all of them


@closed_to_support
@requires("buyers.answer")
@sensitive_post_parameters()
@GET_OR_POST
@never_cache
def buyers(request: Request) -> HttpResponse:
    """The question, and what was asked within the day."""
    by = request.gate
    posted = request.POST if request.method == "POST" else None
    form = BuyerForm(posted, country=Company.country_of(by.company_id))
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(
                "orders:buyer", inquiries.begin(by=by, buyer=form.cleaned_data["who"]).id
            )
        except Prohibited as refused:
            form.add_error("who", _("No order has this number, and more must not be asked."))
            form.add_error("who", refused.verdict.message)
    asked = Inquiry.objects.living().filter(company_id=by.company_id).select_related("author")
    context = {"form": form, "asked": asked.order_by("-id")[:SHOWN]}
    status = 422 if form.is_bound else 200
    return render(request, "orders/buyers/start.html", context, status=status)


@closed_to_support
@requires("buyers.answer")
@require_safe
@never_cache
def buyer(request: Request, inquiry_id: uuid.UUID) -> HttpResponse:
    """What is held of the buyer, as far as it is known."""
    by = request.gate
    run = find(by, inquiry_id)
    found = holdings.of(run, by=by)
    context = {"run": described(run), "found": found, **shown(found)}
    return render(request, "orders/buyers/buyer.html", context)


@closed_to_support
@requires("buyers.answer")
@require_POST
@never_cache
def archive(request: Request, inquiry_id: uuid.UUID) -> HttpResponse:
    """All of it for the buyer. Each time it is made it is told in the audit, so by a POST."""
    run = find(request.gate, inquiry_id)
    if not run.read_at:
        messages.warning(request, _("Wait until everything has been read."))
        return redirect("orders:buyer", run.id)
    return attached(holdings.archive(run, by=request.gate), "about-you.zip", "application/zip")


@closed_to_support
@requires("buyers.answer")
@sensitive_post_parameters()
@GET_OR_POST
@never_cache
def correction(request: Request, inquiry_id: uuid.UUID) -> HttpResponse:
    """What is right, for the orders ticked; who corrects sees whether they have changed."""
    by = request.gate
    run = find(by, inquiry_id)
    if run.erasing_at:
        return redirect("orders:buyer", run.id)
    posted = request.POST if request.method == "POST" else None
    form = CorrectionForm(posted, country=Company.country_of(by.company_id))
    if request.method != "POST" or not form.is_valid():
        return correction_page(request, run, form, status=422 if form.is_bound else 200)
    try:
        seen, chosen = form.cleaned_data["seen"], form.cleaned_data["orders"]
        corrected, left = corrections.correct(run, by=by, seen=seen, said=form.said, chosen=chosen)
    except NotAdmitted as refused:
        if refused.verdict.prohibited:
            refusals.count([refused.verdict], way=Way.EDIT)
        form.add_error("phone", refused.verdict.message)
        return correction_page(request, run, form, status=422)
    except corrections.TooMany:
        form.add_error(None, _("There are more orders than can be corrected at once."))
        return correction_page(request, run, form, status=422)
    except corrections.ChangedMeanwhile:
        form.add_error(
            None,
            _(
                "Orders of this buyer have changed meanwhile, and nothing of yours was written. "
                "Look at them as they are now, and send it again."
            ),
        )
        return correction_page(request, run, form, status=409)
    text = ngettext("%s order has been corrected.", "%s orders have been corrected.", corrected)
    messages.success(request, " ".join([text % corrected, *_left_alone(left)]))
    return redirect("orders:buyer", run.id)


def _left_alone(orders: int) -> list[str]:
    text = ngettext("%s order stays as it was.", "%s orders stay as they were.", orders)
    return [text % orders] if orders else []


def correction_page(
    request: Request, run: Inquiry, form: CorrectionForm, *, status: int
) -> HttpResponse:
    held = keys.provided(request.gate)
    orders = list(Order.objects.of(inquiries.opened(run, held), held).unstopped())
    seen = corrections.state_of(orders)
    if form.is_bound:
        form.look_again(seen)
    else:
        form.offer(seen, orders)
    people = [(order, order.open_person(held)) for order in orders[: corrections.MOST]]
    context = {"run": described(run), "form": form, **offered(people, form["orders"])}
    return render(request, "orders/buyers/correction.html", context, status=status)


@closed_to_support
@requires("orders.erase")
@GET_OR_POST
@never_cache
def erasure(request: Request, inquiry_id: uuid.UUID) -> HttpResponse:
    """What would be erased, counted, and which orders are left out; a POST erases the rest, or goes
    on where that stands still."""
    by = request.gate
    run = find(by, inquiry_id)
    if run.erased_at or not (run.read_at or run.erasing_at):
        return redirect("orders:buyer", run.id)
    form = ErasureForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        said = form.cleaned_data
        try:
            inquiries.erase(run, by=by, kept=said["kept"], ground=said["because"])
        except inquiries.NotToKeep:
            form.add_error("kept", _("One of these orders cannot stay any more: look again."))
        else:
            return redirect("orders:buyer", run.id)
    found = holdings.of(run, by=by)
    context = {
        "run": described(run),
        "found": found,
        "unsent": unsent(found),
        "form": form,
        **offered(found.orders[: corrections.MOST], form["kept"]),
    }
    status = 422 if form.is_bound else 200
    return render(request, "orders/buyers/erasure.html", context, status=status)


def find(by: Entry, inquiry_id: uuid.UUID) -> Inquiry:
    living = Inquiry.objects.living()
    return get_object_or_404(living, company_id=by.company_id, id=inquiry_id)


def described(run: Inquiry) -> dict[str, Any]:
    """`state` is reading, read, erasing, erased, or stopped: no worker is at it, and none will
    be."""
    return {
        "pk": run.id,
        "state": state_of(run),
        "erasing": run.erasing_at is not None,
        "read": run.read,
        "total": run.total,
        "erased": run.erased,
        "erased_at": run.erased_at,
        "kept": kept_by(run),
        "ground": GROUNDS.get(run.ground, ""),
        "expires_at": run.expires_at,
    }


def kept_by(run: Inquiry) -> list[Order]:
    kept = Order.objects.filter(company_id=run.company_id, id__in=run.kept)
    return list(kept.order_by("number")) if run.kept else []


def state_of(run: Inquiry) -> str:
    if run.erased_at:
        return "erased"
    if run.read_at and not run.erasing_at:
        return "read"
    if not inquiries.waits(inquiries.job_of(run)):
        return "stopped"
    return "erasing" if run.erasing_at else "reading"


def shown(found: Holdings) -> dict[str, Any]:
    """The first of each kind, for the page."""
    return {
        "orders": [listed(*each) for each in found.orders[:SHOWN]],
        "lines": [
            {"line": line.line, "import_id": line.import_id, "said": " · ".join(values.values())}
            for line, values in found.lines[:SHOWN]
        ],
        "mentions": [
            {"order_id": comment.order_id, "at": comment.created_at, "said": text}
            for comment, text in found.mentions[:SHOWN]
        ],
        "words": [
            {
                "order_id": order.id,
                "name": str(order),
                "said": [(timeline.FIELDS[name], text) for name, text in said.items()],
            }
            for order, said in found.words[:SHOWN]
        ],
        "all_of_them": str(found.buyer | found.also_known_by),
    }


def listed(order: Order, person: Person) -> dict[str, Any]:
    return {
        "id": order.id,
        "name": str(order),
        "status": STATUSES[order.status],
        "created_at": order.created_at,
        "person": person,
    }


def offered(people: list[tuple[Order, Person]], field: BoundField) -> dict[str, Any]:
    """Orders with a box each, as the field has them ticked."""
    ticked = set(field.value() or [])
    orders = [{**listed(*each), "ticked": str(each[0].id) in ticked} for each in people]
    return {"orders": orders, "ticks": field}


def unsent(found: Holdings) -> int:
    """How many of the orders go to the trash, since nobody is left to send them to."""
    return sum(order.status in STILL_HERE for order in found.erasable)
