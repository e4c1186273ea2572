"""Support with two browsers: one link at a time, and a way on in the other browser."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.test import Client

from orders.models import Order
from tests import people
from tests.access import another_order, link, state_of, working
from tests.orders.test_access_races import at_once, desk

pytestmark = pytest.mark.django_db(transaction=True)

ASKING, ENDING = "/support/asking/", "/support/ending/elsewhere/"


@pytest.fixture
def order() -> Order:
    return another_order()


def test_the_second_is_refused_with_the_first_by_name_and_a_way_to_end_it(order: Order) -> None:
    here, _ = working()
    other, secret = link(people.bea)
    there = desk()
    refused = there.post(ASKING, {"code": secret})
    assert refused.status_code == 422
    for said in (
        "One company at a time",
        "Aurora is open to you in another browser",
        "By the link of Ann, for this: The total is wrong",
        f'action="{ENDING}#{secret}"',
    ):
        assert said in refused.text
    assert state_of(other, people.bea) == "waiting"
    assert here.get(f"/orders/{order.id}/").status_code == 200


def test_the_desk_says_so_before_anything_is_asked() -> None:
    working()
    page = desk().get("/support/").text
    assert "Aurora is open to you in another browser" in page
    assert 'name="code"' not in page and "data-link-waits" in page


def test_what_is_only_asked_for_is_said_to_be() -> None:
    _, secret = link()
    desk().post(ASKING, {"code": secret})
    assert "You ask to be let into Aurora in another browser" in desk().get("/support/").text


def test_ended_from_the_other_browser_the_second_link_opens(order: Order) -> None:
    here, first = working()
    second, secret = link(people.bea)
    there = desk()
    assert there.post(ENDING, follow=True).status_code == 200
    assert state_of(first) == "ended"
    answer = here.get(f"/orders/{order.id}/", follow=True)
    assert "You ended this work in another browser." in answer.text
    assert f"№ {order.number}" not in answer.text
    assert there.post(ASKING, {"code": secret}).status_code == 302
    assert state_of(second, people.bea) == "asked"


def test_understood_in_the_first_browser_ends_nothing_of_the_second() -> None:
    here, first = working()
    second, secret = link(people.bea)
    there = desk()
    there.post(ENDING)
    there.post(ASKING, {"code": secret})
    here.post("/support/ending/")
    assert (state_of(first), state_of(second, people.bea)) == ("ended", "asked")


@pytest.mark.parametrize("someone", [people.ann, people.olga, people.nina, None])
def test_nobody_else_ends_it(someone: people.Someone | None) -> None:
    _, first = working()
    client = people.sign_in(Client(), someone) if someone else Client()
    client.post(ENDING)
    assert state_of(first) == "open"


def test_of_two_browsers_that_ask_at_the_same_moment_one_is_let_ask() -> None:
    for _round in range(5):
        (first, here), (second, there) = link(people.ann), link(people.bea)
        desks = [(desk(), here), (desk(), there)]
        answers = at_once(*(lambda d=d, s=s: asks(d, s) for d, s in desks))
        assert sorted(answers) == [302, 422]
        assert sorted(states(first, second)) == ["asked", "waiting"]
        desk().post(ENDING)
        assert sorted(states(first, second)) == ["ended", "waiting"]


def asks(client: Client, secret: str) -> int:
    return client.post(ASKING, {"code": secret}).status_code


def states(first: UUID, second: UUID) -> list[str]:
    return [state_of(first), state_of(second, people.bea)]


def test_who_is_let_in_by_name_at_once_is_let_in_once(order: Order) -> None:
    links = [link(maker, staff=people.sue) for maker in (people.ann, people.adam)]
    desks = [(desk(), secret) for _, secret in links]
    at_once(*(lambda d=d, s=s: asks(d, s) for d, s in desks))
    opened = [client.get(f"/orders/{order.id}/").status_code == 200 for client, _ in desks]
    assert sorted(opened) == [False, True]
