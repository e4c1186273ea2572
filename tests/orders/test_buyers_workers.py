"""A real worker, killed while it erases a buyer: nobody is left, and nothing counted twice."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from accounts.models import AuditEntry
from orders import inquiries
from orders.models import Inquiry, Order
from tests.orders.asking import again, looked
from tests.orders.test_import_workers import PATIENCE, worker
from tests.orders.uploading import imported, many
from tests.people import adam, as_

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+40721234643"
HELD = 302  # 300 orders of `many`, the one that was there, and one that waits in a file


def until(run: Inquiry, reached: Callable[[Inquiry], object]) -> Inquiry:
    deadline = time.monotonic() + PATIENCE
    while not reached(found := again(run)):
        assert time.monotonic() < deadline, found.erased
        time.sleep(0.02)
    return found


def test_a_worker_killed_midway_is_followed_by_one_that_erases_the_rest():
    imported(many(300))
    run = looked(PHONE)
    with as_(adam) as by:
        assert inquiries.erase(run, by=by)
    with worker() as process:
        until(run, lambda run: run.erased.get("orders", 0) > 20)
        process.kill()
    assert 20 < again(run).erased["orders"] < HELD
    with worker():
        done = until(run, lambda run: run.erased_at)
    orders = done.erased["orders"]
    assert orders + done.erased.get("waiting", 0) == HELD
    with as_(adam):
        assert not Order.objects.filter(erased_at=None).exists()
        assert AuditEntry.objects.filter(action="order.erased").count() == orders
        assert AuditEntry.objects.filter(action="buyer.erased").count() == 1
