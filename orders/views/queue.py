"""The working day of an agent: take the next order, call, decide, next."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.guard import closed_to_support, requires
from accounts.requests import Request
from orders.models import Order


@closed_to_support
@requires("orders.take")
@require_POST
def take_next(request: Request) -> HttpResponse:
    in_hand = Order.objects.open_of(request.gate)
    order = Order.objects.take_next(by=request.gate)
    if in_hand:
        messages.info(
            request, _("This order is still open in your hands: decide on it, then take the next.")
        )
    if order is None:
        messages.info(request, _("Nothing waits for a call now."))
        return redirect("orders:list")
    return redirect("orders:card", order.id)
