"""Webhooks: where partners are told of their leads, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.guard import closed_to_support, requires
from accounts.requests import GET_OR_POST, Request
from orders import cursors, statuses
from orders import webhooks as deeds
from orders.models import Delivery, Webhook
from orders.webhook_forms import WebhookForm

PAGE: Final = 50


@closed_to_support
@never_cache
@GET_OR_POST
@requires("webhooks.manage")
def webhooks(request: Request) -> HttpResponse:
    """The webhooks there are, what was told last, and a form for another; a new one's secret is
    shown in this answer and nowhere else."""
    by, secret = request.gate, ""
    form = WebhookForm(request.POST if request.method == "POST" else None, by=by)
    if form.is_valid():
        secret = deeds.make(by=by, **form.cleaned_data)
        form = WebhookForm(by=by)
    told = _deliveries(by.company_id, request.GET.get("before", ""))
    context = {
        "webhooks": _living(by.company_id),
        "deliveries": [_told(each) for each in told[:PAGE]],
        "form": form,
        "secret": secret,
        **_pages(request, told),
    }
    return render(request, "orders/webhooks.html", context, status=422 if form.is_bound else 200)


@closed_to_support
@require_POST
@requires("webhooks.manage")
def end(request: Request, webhook_id: UUID) -> HttpResponse:
    webhook = get_object_or_404(_living(request.gate.company_id), id=webhook_id)
    webhook.end(by=request.gate)
    messages.success(request, _("Nothing more is told there."))
    return redirect("orders:webhooks")


@closed_to_support
@require_POST
@requires("webhooks.manage")
def again(request: Request, delivery_id: UUID) -> HttpResponse:
    """Have it told once more, within a minute."""
    found = Delivery.objects.filter(company_id=request.gate.company_id, webhook__ended_at=None)
    deeds.send_again(get_object_or_404(found, id=delivery_id), by=request.gate)
    messages.success(request, _("It is told once more within a minute."))
    return redirect("orders:webhooks")


def _living(company_id: int) -> Any:
    living = Webhook.objects.filter(company_id=company_id, ended_at=None)
    return living.select_related("partner").order_by("-id")


def _deliveries(company_id: int, before: str) -> Sequence[Delivery]:
    """The newest before that place, and one more where there are."""
    found = Delivery.objects.filter(company_id=company_id)
    if before:
        try:
            at, last = cursors.read(before)
        except cursors.NoPlace:
            raise Http404 from None
        found = found.filter(Q(at__lt=at) | Q(at=at, id__lt=last))
    return list(found.select_related("webhook").order_by("-at", "-id")[: PAGE + 1])


def _pages(request: Request, told: Sequence[Delivery]) -> dict[str, str]:
    here, last = reverse("orders:webhooks"), told[PAGE - 1] if len(told) > PAGE else None
    return {
        "newer_url": here if request.GET.get("before") else "",
        "older_url": f"{here}?before={cursors.write(last.at, last.id)}" if last else "",
    }


def _told(delivery: Delivery) -> dict[str, Any]:
    webhook = delivery.webhook
    return {
        "delivery": delivery,
        "url": webhook.url if webhook else "",
        "phase": statuses.PHASES[delivery.phase],  # type: ignore[index]  # one of them
        "answer": deeds.ANSWERS.get(delivery.answer, delivery.answer),
        "again_url": webhook
        and not webhook.ended_at
        and reverse("orders:delivery_again", args=[delivery.id]),
    }
