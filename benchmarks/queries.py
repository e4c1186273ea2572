"""The guarded list query against the same query where nothing guards.

The statement is the list's own, caught on its way. The other side runs it as a superuser, whom no
row rule concerns, with the `company_id = …` that somebody would have to write by hand.
"""

import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import psycopg
from django.conf import settings
from django.db import connection

from accounts import gate
from accounts.statements import TIMES, Statement
from benchmarks.cluster import Servers
from benchmarks.loading import Measured, World
from benchmarks.report import Comparison, interleaved
from orders import lists
from orders.conditions import Condition

GOAL = 1.25
TIMES_ASKED = 60  # statements per round
AMONG = {"list": lambda by: lists.page(by), "counts on the tabs": lists.counts,
         "choices of the filters": lists.choices}  # fmt: skip


def compare(servers: Servers, world: World, rounds: int) -> list[Comparison]:
    results = []
    connection.ensure_connection()
    # With Django's own adapters, as the guarded side has them: they cost more than the guard.
    options = settings.DATABASES["default"]["OPTIONS"]["options"]  # how statements are planned
    with psycopg.connect(
        servers.superuser, context=connection.connection, options=options
    ) as unguarded:
        for company in (world.large, world.small):
            for what, ask in AMONG.items():
                for prepared in (False, True):
                    results.append(_compare(what, ask, company, unguarded, prepared, rounds))
    return results


def _compare(
    what: str, ask: Callable[[Any], Any], company: Measured, unguarded: psycopg.Connection,
    prepared: bool, rounds: int,
) -> Comparison:  # fmt: skip
    name = f"{what}, {company.orders:,} orders, {'prepared' if prepared else 'unprepared'}"
    goal = GOAL if what == "list" else None
    secret = company.cookie.partition("=")[2]
    gate.verify(secret)
    with gate.carrying(secret) as by:
        ours = caught(ask, by)
        with mock.patch.object(lists, "reached", by_hand):
            other = caught(ask, by)
        guarded = connection.connection
        return interleaved(
            name, "ms", rounds * 2 + 1,
            lambda: timed(guarded, ours, prepared),
            lambda: timed(unguarded, other, prepared),
            goal=goal,
        )  # fmt: skip


def by_hand(by: gate.Entry) -> list[Condition]:
    """What stands in the list's statement where no row rule does."""
    return [Condition("o.company_id = %s", [by.company_id])]


def caught(ask: Callable[[Any], Any], by: gate.Entry) -> Statement[Any]:
    """The statement that `ask` makes, or else the one that it has answered."""
    with mock.patch.object(lists, "answer", return_value=[]) as answered:
        made = ask(by)
    return made if isinstance(made, Statement) else answered.call_args.args[0]


def timed(connection: psycopg.Connection, asked: Statement[Any], prepared: bool) -> float:
    """Milliseconds for one, its rows read."""
    with psycopg.Cursor(connection) as cursor:
        cursor.adapters.register_loader("timestamptz", TIMES)  # as the list reads them
        for _ in range(5):
            cursor.execute(asked.sql, asked.parameters, prepare=prepared).fetchall()
        began = time.perf_counter()
        for _ in range(TIMES_ASKED):
            cursor.execute(asked.sql, asked.parameters, prepare=prepared).fetchall()
        return (time.perf_counter() - began) / TIMES_ASKED * 1000
