"""An access link that comes to its end, over HTTP: the next request shows nothing, and the one that
was under way has never been.

The numbers are those of docs/access-cases.md.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from accounts.middleware import GateMiddleware
from orders.models import Order
from tests import people
from tests.access import another_order, let_in, orders_of, revoke, working
from tests.accounts.test_access_in_sql import (
    CLOSERS,
    MEMBERSHIP,
    aurora,
    close,
    end,
    entries_of,
    seen,
)

pytestmark = pytest.mark.django_db(transaction=True)

ENDS = [*CLOSERS, "revoked", "ended"]
LOOKS = {"access.viewed", "access.listed", "access.searched"}


def card(order: Order) -> str:
    return f"/orders/{order.id}/"


def shows(answer: HttpResponse, order: Order) -> bool:
    return answer.status_code == 200 and f"№ {order.number}" in answer.text


@pytest.mark.parametrize("how", ENDS)
def test_06_07_08_21_the_next_request_shows_nothing(how: str, owner: psycopg.Connection) -> None:
    order = another_order()
    sue, grant_id = working()
    assert shows(sue.get(card(order)), order)
    end(how, grant_id, sue.cookies["covenant"].value, owner)
    for path in (card(order), "/orders/", f"/orders/?q={order.number}"):
        answer = sue.get(path)
        assert answer.status_code in (302, 403), path
        assert str(order.id) not in answer.text


@pytest.mark.parametrize("change", ["role = 'agent'", "left_at = now()"])
def test_06_07_nor_once_the_maker_is_demoted_or_gone(
    change: str, owner: psycopg.Connection
) -> None:
    order = another_order()
    sue, _ = working(people.adam)
    assert shows(sue.get(card(order)), order)
    owner.execute(MEMBERSHIP.format(change, people.adam.user.pk, aurora()))
    assert sue.get(card(order)).status_code in (302, 403)


def test_05_an_order_that_the_maker_sees_no_more_is_gone() -> None:
    order = another_order()
    sue, _ = working(people.gail)
    assert shows(sue.get(card(order)), order)
    gus = people.gus.membership().id
    with people.as_(people.ann) as ann:
        order.assign(by=ann, agent_id=gus)
    assert sue.get(card(order)).status_code == 404
    assert str(order.id) not in sue.get("/orders/").text


def test_20_47_shortly_before_and_a_second_after(owner: psycopg.Connection) -> None:
    order = another_order()
    sue, _ = working()
    for seconds, shown in ((30, True), (-1, False)):
        owner.execute(
            "UPDATE accounts_grant SET made_at = now() - interval '1 hour',"
            " expires_at = clock_timestamp() + make_interval(secs => %s)",
            [seconds],
        )
        assert shows(sue.get(card(order)), order) is shown


Ending = Callable[[Callable[[], object]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Ending:
    """Has something done by somebody else, once, when the next view is done: before its commit."""
    finish, deeds = GateMiddleware.process_response, []

    def finish_late(self: Any, request: Any, response: Any) -> Any:
        if deeds:
            elsewhere(deeds.pop())
        return finish(self, request, response)

    monkeypatch.setattr(GateMiddleware, "process_response", finish_late)
    return deeds.append


def elsewhere(deed: Callable[[], object]) -> None:
    """On a connection of its own, and committed."""

    def carry_out() -> None:
        try:
            deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        other.submit(carry_out).result(timeout=20)


@pytest.mark.parametrize("how", ENDS)
def test_20_24_the_page_that_was_under_way_is_not_sent(
    how: str, meanwhile: Ending, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    order = another_order()
    sue, grant_id = working()
    secret = sue.cookies["covenant"].value
    meanwhile(lambda: end(how, grant_id, secret, owner))
    answer = sue.get(card(order))
    assert answer.status_code in (302, 401, 403)  # 401: the session itself was ended
    assert f"№ {order.number}" not in answer.text
    assert not entries_of(grant_id, superuser) & LOOKS


@pytest.mark.parametrize("how", ["revoked", "the grant is over", "support is deactivated"])
def test_24_the_move_that_was_under_way_is_not_made(
    how: str, meanwhile: Ending, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    order = another_order()
    sue, grant_id = working(moves=["trash"])
    meanwhile(lambda: end(how, grant_id, "", owner))
    assert trash(sue, order).status_code in (302, 401, 403)
    assert status_of(order) == "new"
    assert "order.moved" not in entries_of(grant_id, superuser)


def trash(client: Client, order: Order) -> HttpResponse:
    return client.post(
        f"{card(order)}move/",
        {"move": "trash", "version": 1, "trash-reason": "test", "reason": "test"},
    )


def status_of(order: Order) -> str:
    return next(each.status for each in orders_of() if each.id == order.id)


ENDED = "Your session was ended while this was under way"
ASKED = {
    "page": {},
    "program": {"Accept": "application/json"},
    "htmx": {"HX-Request": "true"},
}


@pytest.mark.parametrize("asks", ASKED)
def test_whose_session_ends_meanwhile_is_told_so_and_led_on(
    asks: str, meanwhile: Ending, owner: psycopg.Connection
) -> None:
    order = another_order()
    sue, _ = working()
    meanwhile(lambda: close(owner, "support signed out"))
    answer = sue.get(card(order), headers=ASKED[asks])
    way = f"/login/?next={card(order)}"
    if asks == "htmx":
        assert answer["HX-Redirect"].startswith("/login/")
        return
    assert answer.status_code == 401 and answer["WWW-Authenticate"]
    if asks == "program":
        assert answer.json()["type"].endswith("session-ended")
    else:
        assert ENDED in answer.text and f'href="{way}"' in answer.text
        assert 'class="under-grant"' not in answer.text
    assert f"№ {order.number}" not in answer.text
    assert not sue.get("/orders/").context  # led to sign in, and no session was begun


def test_a_move_under_way_when_the_session_ends_is_said_not_to_be_made(
    meanwhile: Ending, owner: psycopg.Connection
) -> None:
    order = another_order()
    sue, _ = working(moves=["trash"])
    meanwhile(lambda: close(owner, "support signed out"))
    answer = sue.post(
        f"{card(order)}move/",
        {"move": "trash", "version": 1, "trash-reason": "test", "reason": "test"},
        headers={"Referer": f"http://testserver{card(order)}"},
    )
    assert answer.status_code == 401 and "Nothing of what you sent was done" in answer.text
    assert f'href="/login/?next={card(order)}"' in answer.text
    assert status_of(order) == "new"


def test_24_without_an_end_meanwhile_the_same_move_is_made() -> None:
    order = another_order()
    sue, _ = working(moves=["trash"])
    assert trash(sue, order).status_code == 302
    assert status_of(order) == "trash"


def test_36_afterwards_support_is_nobody_of_the_company_s_and_its_own_again() -> None:
    order = another_order()
    sue, grant_id = working()
    assert revoke(grant_id)
    assert sue.get("/staff/").status_code == 200
    assert sue.get("/support/").status_code == 200
    assert sue.get(card(order)).status_code == 302


def test_37_the_maker_s_own_sessions_and_sign_ins_are_as_they_were(
    superuser: psycopg.Connection,
) -> None:
    order = another_order()
    sue, _ = working()
    before = of_ann(superuser)
    for path in (card(order), "/orders/"):
        assert sue.get(path).status_code == 200
    sue.post("/support/ending/")
    assert of_ann(superuser) == before


def test_37_in_sql_too(superuser: psycopg.Connection) -> None:
    _, sues = let_in()
    before = of_ann(superuser)
    assert seen(sues)
    assert of_ann(superuser) == before


def of_ann(superuser: psycopg.Connection) -> list[tuple[str]]:
    """Her account and her passes, as they are stored."""
    return superuser.execute(
        "SELECT to_jsonb(u)::text FROM accounts_user u WHERE u.id = %(ann)s UNION ALL"
        " SELECT to_jsonb(p)::text FROM accounts_pass p WHERE p.user_id = %(ann)s ORDER BY 1",
        {"ann": people.ann.user.pk},
    ).fetchall()
