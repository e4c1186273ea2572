"""The list of orders: the address bar is its state."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.guard import requires


@requires("orders.read")
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    return render(request, "orders/list.html", {})
