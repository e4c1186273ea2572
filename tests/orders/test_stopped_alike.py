"""Clause P2's rule for stored orders stands four times, since each reader needs it in a language of
its own: whatever one of them stops, all do, and for the same reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations, product

import psycopg
import pytest

from orders import conditions
from orders.models import Order
from orders.models.orders import concerned_by
from policy.jurisdictions import judge_stored

SIGNS = ("citizenship", "country", "phone_country")
CODES = ("", "RU", "KZ", "BY")
STORED = [dict(zip(SIGNS, codes, strict=True)) for codes in product(CODES, repeat=len(SIGNS))]
LISTS = [frozenset(some) for many in range(4) for some in combinations(("RU", "KZ", "MD"), many)]


@pytest.fixture
def owner_undone(owner: psycopg.Connection) -> Iterator[psycopg.Connection]:
    with owner.transaction(force_rollback=True):
        yield owner


def by_the_database(owner: psycopg.Connection) -> list[dict[str, str] | None]:
    """What the triggers would say of each order."""
    asked = owner.execute(
        "SELECT gate.prohibition(o) FROM jsonb_array_elements(%s) WITH ORDINALITY AS e (said, n)"
        " CROSS JOIN LATERAL jsonb_populate_record(NULL::orders_order, e.said) o ORDER BY e.n",
        [json.dumps(STORED)],
    )
    return [rule for (rule,) in asked.fetchall()]


def by_the_lists(owner: psycopg.Connection, prohibited: frozenset[str]) -> list[bool]:
    """What the list of orders filters."""
    stopped = conditions.stopped(prohibited)
    asked = owner.execute(
        f"SELECT {stopped.sql} FROM jsonb_array_elements(%s) WITH ORDINALITY AS e (said, n)"
        " CROSS JOIN LATERAL jsonb_populate_record(NULL::orders_order, e.said) o ORDER BY e.n",
        [*stopped.parameters, json.dumps(STORED)],
    )
    return [concerned for (concerned,) in asked.fetchall()]


def by_the_verdict(prohibited: frozenset[str]) -> list[dict[str, str] | None]:
    """What an order's card says."""
    verdicts = [judge_stored(**each, prohibited=prohibited) for each in STORED]
    return [
        {"sign": str(each.sign), "jurisdiction": each.jurisdiction} if each.prohibited else None
        for each in verdicts
    ]


def decide(owner: psycopg.Connection, prohibited: frozenset[str]) -> None:
    """The operator's list becomes this one."""
    for code in ("RU", "KZ", "MD"):
        if owner.execute("SELECT gate.prohibits(%s)", [code]).fetchone() != (code in prohibited,):
            owner.execute(
                "INSERT INTO policy_jurisdiction (id, code, prohibited, reason)"
                " VALUES (gen_random_uuid(), %s, %s, '')",
                [code, code in prohibited],
            )


@pytest.mark.django_db
@pytest.mark.parametrize("prohibited", LISTS, ids=lambda codes: "+".join(sorted(codes)) or "nobody")
def test_whatever_stops_an_order_stops_it_everywhere(
    owner_undone: psycopg.Connection, prohibited: frozenset[str]
) -> None:
    decide(owner_undone, prohibited)
    rules = by_the_verdict(prohibited)
    stopped = [rule is not None for rule in rules]
    assert by_the_database(owner_undone) == rules
    assert by_the_lists(owner_undone, prohibited) == stopped
    assert [concerned_by(prohibited).check(each) for each in STORED] == stopped
    assert [Order(**each).stands_against(prohibited) is not None for each in STORED] == stopped
    assert any(stopped) is bool(prohibited & {*CODES})
