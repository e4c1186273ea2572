"""What somebody writes by SQL of his own, on an order of his own, keeps nobody from the others."""

from __future__ import annotations

import psycopg
import pytest
from django.test import Client

from orders.models import Order
from tests import people
from tests.orders.test_told import order, smuggling

__all__ = ["order"]  # a fixture
pytestmark = pytest.mark.django_db(transaction=True)

UNREADABLE = (
    "recall_at = 'infinity'",
    "recall_at = '-infinity'",
    "recall_at = '20000-01-01'",
    "recall_at = '4000-01-01 BC'",
    "updated_at = 'infinity'",
    "total = 'NaN'",
)


@pytest.mark.parametrize("written", UNREADABLE)
def test_no_moment_or_sum_is_written_that_no_page_can_show(
    written: str, order: Order, client: Client
) -> None:
    with smuggling(people.ann) as web:
        with pytest.raises(psycopg.errors.CheckViolation, match="_finite"):
            web.execute(f"UPDATE orders_order SET {written} WHERE id = %s", [order.id])
        web.rollback()
    page = people.sign_in(client, people.gus).get("/orders/")
    assert page.status_code == 200
