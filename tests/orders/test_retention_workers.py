"""A real worker, killed in the middle of a night: the next erases the rest, and counts it once."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
import pytest

from accounts import gate
from accounts.models import AuditEntry
from orders import retention
from orders.models import Order, RetentionRun
from tests.orders.test_import_workers import PATIENCE, worker
from tests.orders.test_imports_expired import stood_still
from tests.orders.test_retention import kept_for
from tests.orders.uploading import as_it_stands, imported, many, secret_of
from tests.people import adam, as_

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = 200
AGED = """
ALTER TABLE orders_order NO FORCE ROW LEVEL SECURITY;
UPDATE orders_order SET updated_at = now() - interval '40 days' WHERE status = 'cancelled';
ALTER TABLE orders_order FORCE ROW LEVEL SECURITY;
"""


def last() -> RetentionRun:
    with as_(adam):
        return RetentionRun.objects.latest("id")


def until(reached: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, last().erased
        time.sleep(0.02)


def test_a_worker_killed_in_the_night_is_followed_by_one_that_ends_it(owner: psycopg.Connection):
    imported(many(ORDERS, statuses=["refused"]))
    owner.execute(AGED)
    kept_for({"cancelled": 30, "waiting": 30})
    waiting = stood_still()
    gate.end_pass(secret_of(waiting))
    with gate.vouching():
        retention.begin_everywhere()
    with worker() as process:
        until(lambda: last().erased.get("cancelled", 0) > 20)
        process.kill()
    assert 20 < last().erased["cancelled"] < ORDERS
    assert not last().finished_at
    with worker():
        until(lambda: last().finished_at)
    assert last().erased == {"cancelled": ORDERS, "waiting": 3}
    assert as_it_stands(waiting).expired == 3
    with as_(adam):
        assert not Order.objects.filter(status="cancelled", erased_at=None).exists()
        assert AuditEntry.objects.filter(action="order.erased").count() == ORDERS
        assert AuditEntry.objects.filter(action="retention.kept").count() == 1
