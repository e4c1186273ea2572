"""How many statements each page takes, and that a large company's take no more."""

from collections import Counter
from unittest import mock

import psycopg
from django.test import Client
from django.urls import reverse

from accounts import gate
from benchmarks.loading import Measured, World
from benchmarks.report import Comparison
from orders.models import Order

IN_PRODUCTION = {"headers": {"x-forwarded-proto": "https", "host": "127.0.0.1"}}


def count(world: World) -> list[Comparison]:
    """Ours is the large company's, other the small one's: they must not differ."""
    return [
        Comparison(
            f"statements: {name}",
            _counted(world.large, name),
            _counted(world.small, name),
            unit="",
            goal=1.0,
        )
        for name in addresses(world.large)
    ]


def addresses(company: Measured) -> dict[str, str]:
    [card] = cards(company, 1)
    return {
        "list": reverse("orders:list"),
        "list of one status": reverse("orders:list") + "?status=paid",
        "search by name": reverse("orders:list") + "?q=Popescu",
        "card": card,
        "edit": f"{card}edit/",
        "new": reverse("orders:new"),
        "people": reverse("accounts:people"),
        "policy": reverse("policy:current"),
    }


def cards(company: Measured, count: int) -> list[str]:
    """The addresses of the cards of its newest orders."""
    with gate.carrying(company.cookie.partition("=")[2]):
        orders = Order.objects.filter(company_id=company.company.pk).order_by("-created_at")
        return [reverse("orders:card", args=[order.id]) for order in orders[:count]]


def _counted(company: Measured, name: str) -> int:
    """Statements that reach PostgreSQL in the second request, BEGIN and COMMIT not counted; a
    savepoint is one."""
    client = Client(**IN_PRODUCTION)
    key, _, value = company.cookie.partition("=")
    client.cookies[key] = value
    address = addresses(company)[name]
    sent: Counter[str] = Counter()

    def counting(cursor: psycopg.Cursor, query: object, *args: object, **options: object) -> object:
        sent[str(query)] += 1
        return execute(cursor, query, *args, **options)

    execute = psycopg.Cursor.execute
    client.get(address)
    with mock.patch.object(psycopg.Cursor, "execute", counting):
        response = client.get(address)
    if response.status_code != 200:
        raise RuntimeError(f"{address} answered {response.status_code}")
    return sent.total()
