"""Addresses of the orders."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import URLPattern, path

from orders.views import listing, queue

app_name = "orders"


def _when_there(route: str, module: str, view: str, name: str) -> list[URLPattern]:
    """TEMPORARY: until all views are written."""
    if not find_spec(f"orders.views.{module}"):
        from crmsite.views import healthz  # a place to point at

        return [path(route, healthz, name=name)]
    return [path(route, getattr(import_module(f"orders.views.{module}"), view), name=name)]


urlpatterns = [
    path("orders/", listing.orders, name="list"),
    path("orders/next/", queue.take_next, name="next"),
    *_when_there("orders/new/", "forms", "new", "new"),
    *_when_there("orders/import/", "importing", "start", "import"),
    *_when_there("orders/import/<uuid:pk>/", "importing", "progress", "import_progress"),
    *_when_there("orders/import/<uuid:pk>/refusals/", "importing", "refusals", "import_refusals"),
    *_when_there("orders/<uuid:order_id>/", "card", "card", "card"),
    *_when_there("orders/<uuid:order_id>/edit/", "forms", "edit", "edit"),
    *_when_there("orders/<uuid:order_id>/move/", "card", "move", "move"),
    *_when_there("orders/<uuid:order_id>/comment/", "card", "comment", "comment"),
    *_when_there("orders/<uuid:order_id>/reveal/", "card", "reveal", "reveal"),
    *_when_there("orders/<uuid:order_id>/assign/", "card", "assign", "assign"),
]
