"""What somebody writes by SQL of his own, on an order of his own, keeps nobody from the others."""

from __future__ import annotations

import psycopg
import pytest
from django.test import Client

from orders.models import Order
from tests import people
from tests.orders.asking import erased, looked, ordered
from tests.orders.test_exports import built, rows
from tests.orders.test_told import order, smuggling, tell

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


GARBAGE = """
    INSERT INTO orders_comment (company_id, id, order_id, author_id, body, created_at)
    SELECT company_id, gen_random_uuid(), id, gate.user_id(), '\\x00', now()
      FROM orders_order WHERE id = %s
"""


@pytest.fixture
def garbage(order: Order) -> Order:
    """Where a person and a comment were sealed, there is neither now."""
    with smuggling(people.gus) as web:
        assert web.execute(GARBAGE, [order.id]).rowcount == 1
        web.execute("UPDATE orders_order SET person = '\\x00' WHERE id = %s", [order.id])
        tell(web, order, by=people.gus)
        web.commit()
    return order


def test_what_holds_no_seal_keeps_nobody_from_their_archive(garbage: Order) -> None:
    archive = built(people.ann, of_company=True)
    [unreadable] = [r for r in rows(archive, "company/order") if r["number"] == garbage.number]
    assert unreadable["person"]["name"] == ""


def test_what_holds_no_seal_keeps_no_buyer_from_being_forgotten(garbage: Order) -> None:
    ordered()
    run = looked()
    assert run.read_at
    assert erased(run).erased_at


def test_a_comment_that_holds_no_seal_keeps_nobody_from_the_card(
    order: Order, client: Client
) -> None:
    with smuggling(people.gus) as web:
        assert web.execute(GARBAGE, [order.id]).rowcount == 1
        web.commit()
    page = people.sign_in(client, people.ann).get(f"/orders/{order.id}/")
    assert "The seal is broken" in page.text
