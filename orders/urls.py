"""Addresses of the orders."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import URLPattern, path

from orders.views import card, editing, listing, moves, queue

app_name = "orders"


def _when_there(route: str, module: str, view: str, name: str) -> list[URLPattern]:
    """TEMPORARY: until all views are written."""
    from crmsite.views import healthz  # a place to point at

    found = find_spec(f"orders.views.{module}") and import_module(f"orders.views.{module}")
    return [path(route, getattr(found, view, healthz), name=name)]


urlpatterns = [
    path("orders/", listing.orders, name="list"),
    path("orders/next/", queue.take_next, name="next"),
    path("orders/new/", editing.new, name="new"),
    *_when_there("orders/import/", "importing", "start", "import"),
    *_when_there("orders/import/<uuid:pk>/", "importing", "progress", "import_progress"),
    *_when_there("orders/import/<uuid:pk>/refusals/", "importing", "refusals", "import_refusals"),
    path("orders/<uuid:order_id>/", card.card, name="card"),
    path("orders/<uuid:order_id>/edit/", editing.edit, name="edit"),
    path("orders/<uuid:order_id>/move/", moves.move, name="move"),
    path("orders/<uuid:order_id>/comment/", moves.comment, name="comment"),
    path("orders/<uuid:order_id>/reveal/", moves.reveal, name="reveal"),
    path("orders/<uuid:order_id>/assign/", moves.assign, name="assign"),
]
