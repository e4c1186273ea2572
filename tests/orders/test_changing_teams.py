"""An order that is given to somebody who is changing teams: it ends with the new one's lead."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting

import pytest
from django.db import connection

from accounts.models import Team
from orders.models import Order
from tests.orders.test_moves import add
from tests.people import adam, ann, as_, gail

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def south():
    with as_(ann) as by:
        return Team.objects.create(company_id=by.company_id, name="South")


@pytest.fixture
def order():
    with as_(ann) as by:
        return add(by)


def give(order):
    with as_(adam) as by:
        Order.objects.get(id=order.id).assign(by=by, agent_id=gail.membership().id)


def change_teams(south):
    with as_(ann) as by:
        gail.membership().place(by=by, role="agent", team=south)


def in_a_thread(threads, deed, *args):
    def done():
        try:
            deed(*args)
        finally:
            connection.close()

    return threads.submit(done)


def overlapping(first, then):
    """Both deeds, the second while the first is not yet committed: it waits."""
    with ThreadPoolExecutor(1) as threads:
        with as_(ann):
            first[0](*first[1:])
            waiting = in_a_thread(threads, *then)
            with pytest.raises(StillWaiting):
                waiting.result(timeout=1)
        waiting.result(timeout=20)


def team_of(order):
    with as_(ann):
        return Order.objects.get(id=order.id).team_id


def test_given_before_the_change_is_committed(order, south):
    overlapping((give, order), (change_teams, south))
    assert team_of(order) == south.id


def test_given_while_the_change_is_under_way(order, south):
    overlapping((change_teams, south), (give, order))
    assert team_of(order) == south.id
