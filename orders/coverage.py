"""The countries that a company's orders name (clause P1): found by leaps through an index, from one
to the next, so that half a million orders cost no more than their few countries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import Q

from accounts.gate import Entry
from orders.models import Order
from policy.coverage import Coverage

MOST_COUNTED: Final = 1_000  # orders of a country; above it they are "1,000+"
SHOWN: Final = 20  # orders that nothing covers, the latest

_LEAPS = """
(WITH RECURSIVE found (code) AS (
    (SELECT o.{column} FROM orders_order o
      WHERE o.company_id = %(company)s AND o.{column} > '' ORDER BY o.{column} LIMIT 1)
    UNION ALL
    SELECT (SELECT o.{column} FROM orders_order o
             WHERE o.company_id = %(company)s AND o.{column} <> '' AND o.{column} > f.code
             ORDER BY o.{column} LIMIT 1)
      FROM found f WHERE f.code IS NOT NULL)
SELECT '{column}', f.code, (SELECT count(*) FROM (
           SELECT FROM orders_order o
            WHERE o.company_id = %(company)s AND o.{column} = f.code AND o.{column} <> ''
            LIMIT {most}) counted)
  FROM found f WHERE f.code IS NOT NULL)
"""
_FOUND: Final = " UNION ALL ".join(
    _LEAPS.format(column=column, most=MOST_COUNTED + 1) for column in ("country", "citizenship")
)


@dataclass
class Named:
    """How many orders name a country, each counted up to one more than MOST_COUNTED."""

    country: int = 0
    citizenship: int = 0


def countries_named(by: Entry) -> dict[str, Named]:
    """Country -> how many of the company's orders go there, and are of its citizens. One statement;
    open to whoever reads the company's orders."""
    named: dict[str, Named] = {}
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, {"company": by.company_id})
        for column, code, count in cursor.fetchall():
            setattr(named.setdefault(code, Named()), column, count)
    return named


def latest_uncovered(by: Entry, countries: dict[str, Named], covered: Coverage) -> list[Order]:
    """The latest orders of those `countries` that the policy leaves out."""
    left_out = sorted(countries.keys() - covered.declared)
    if not left_out:
        return []
    concerned = Q(country__in=left_out) | Q(citizenship__in=left_out) & ~Q(citizenship="")
    orders = Order.objects.filter(concerned, company_id=by.company_id)
    return list(orders.order_by("-created_at", "-id").defer("person")[:SHOWN])
