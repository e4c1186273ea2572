"""The next order: calls that are due, then the oldest new one, then who did not answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone

from accounts import audit
from orders.models import Order
from tests.orders.test_moves import brought
from tests.people import adam, ann, as_, gail, gus, lena, pat, sign_in

pytestmark = pytest.mark.django_db

NOW = timezone.now()
AGO, AHEAD = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def _nothing_waits():
    with as_(ann) as by:
        for order in Order.objects.filter(status="new"):
            order.move(by=by, move="trash", version=order.version, reason="test")


def waiting(by, status="new", *, recall_at=None, agent=None, created_at=NOW):
    order = brought(by, agent=agent, created_at=created_at, status=status)
    Order.objects.filter(id=order.id).update(recall_at=recall_at)
    audit.record(by=by, action="order.edited", of=order, fields=["recall_at"])
    return order


def test_calls_that_are_due_come_first():
    with as_(adam) as by:
        last = waiting(by, "no_answer", recall_at=AGO)
        waiting(by, "recall", recall_at=AHEAD)
        third = waiting(by, created_at=NOW)
        second = waiting(by, created_at=AGO)
        first = waiting(by, "recall", recall_at=AGO)
    for expected in (first, second, third, last):
        with as_(gus) as by:
            taken = Order.objects.take_next(by=by)
            assert taken
            assert taken == expected
            assert (taken.status, taken.agent_id) == ("processing", by.membership_id)
            taken.move(by=by, move="trash", version=taken.version, reason="test")
    with as_(gus) as by:
        assert Order.objects.take_next(by=by) is None


def test_who_has_one_in_hand_gets_that_one_again():
    with as_(adam) as by:
        waiting(by)
        waiting(by)
    with as_(gus) as by:
        assert Order.objects.take_next(by=by) == Order.objects.take_next(by=by)


def test_whoever_is_led_back_to_the_order_in_hand_is_told_so(client):
    with as_(adam) as by:
        waiting(by)
    sign_in(client, gus)
    first, again = (client.post("/orders/next/", follow=True) for _ in range(2))
    assert first.redirect_chain == again.redirect_chain
    assert "still open in your hands" not in first.content.decode()
    assert "still open in your hands" in again.content.decode()


def test_nobody_gets_what_another_has():
    gails = gail.membership().id
    with as_(adam) as by:
        waiting(by, agent=gails)
    for someone in (gus, lena):
        with as_(someone) as by:
            assert Order.objects.take_next(by=by) is None
    with as_(gail) as by:
        assert Order.objects.take_next(by=by)


@pytest.mark.parametrize("someone", [ann, adam, pat], ids=str)
def test_who_works_on_no_orders_takes_none(someone):
    with as_(someone) as by, pytest.raises(PermissionDenied):
        Order.objects.take_next(by=by)


def test_the_button_leads_to_the_order(client):
    with as_(adam) as by:
        order = waiting(by)
    answer = sign_in(client, gus).post("/orders/next/")
    assert (answer.status_code, answer["Location"]) == (302, f"/orders/{order.id}/")


def test_the_button_with_nothing_waiting_leads_to_the_list(client):
    answer = sign_in(client, gus).post("/orders/next/")
    assert (answer.status_code, answer["Location"]) == (302, "/orders/")


def test_looking_takes_nothing(client):
    assert sign_in(client, gus).get("/orders/next/")["Location"] == "/orders/"


@pytest.mark.django_db(transaction=True)
def test_two_at_once_get_two_orders():
    with as_(adam) as by:
        waiting(by)
        waiting(by)
    together = Barrier(2)

    def take(someone):
        try:
            with as_(someone) as by:
                together.wait(timeout=10)
                return Order.objects.take_next(by=by)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(take, (gail, gus))
    assert first and second and first != second


@pytest.mark.django_db(transaction=True)
def test_a_double_click_gets_one_order():
    with as_(adam) as by:
        waiting(by)
        waiting(by)
    together = Barrier(2)

    def take(_click):
        try:
            with as_(gus) as by:
                together.wait(timeout=10)
                return Order.objects.take_next(by=by)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(take, range(2))
    assert first == second is not None
