"""Support at work under an access link, over HTTP: what the pages show, hide, refuse and record.

The numbers are those of the list of cases that access links were to pass.
"""

from __future__ import annotations

from collections import Counter
from unittest import mock
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts import gate, grants, watching
from accounts.guard import UNDER_GRANT, Demand, demand_of
from accounts.models import AuditEntry
from orders.filters import Filters
from orders.models import Order
from tests import people
from tests.access import another_order, orders_of, revoke, working
from tests.remains import every_row
from tests.test_addresses import address, filling, patterns

pytestmark = pytest.mark.django_db

DORA = ("Dora", "Zidaru", "723111222", "723 111 222", "dora@example.org", "Strada Lung", "Brașov",
        "Ring twice")  # fmt: skip


@pytest.fixture
def order() -> Order:
    return another_order()


def card(order: Order) -> str:
    return reverse("orders:card", args=[order.id])


def entries() -> list[AuditEntry]:
    with people.as_(people.ann) as ann:
        found = AuditEntry.objects.filter(company_id=ann.company_id).exclude(grant_id=None)
        return list(found.order_by("id"))


def test_29_what_is_hidden_is_on_no_page(order: Order) -> None:
    client, _ = working()
    with people.as_(people.ann) as ann:
        order.say(by=ann, text="Dora likes lamps")
    for path in (card(order), "/orders/", "/orders/?q=Dora", f"/orders/?q={order.number}"):
        page = client.get(path, follow=True)
        assert page.status_code == 200
        assert not any(word in page.text for word in DORA if word.casefold() not in path.casefold())
    assert "•••" in client.get(card(order)).text
    assert "222" in client.get(card(order)).text  # the telephone's last digits


def test_what_is_shown_is_shown(order: Order) -> None:
    client, _ = working(fields=["name", "telephone", "email", "address", "notes"])
    page = client.get(card(order)).text
    for word in ("Dora Zidaru", "723 111 222", "dora@example.org", "Ring twice"):
        assert word in page


@pytest.mark.parametrize("asked", ["Dora", "dora@example.org", "+40723111222", "1222"])
def test_30_searching_for_what_is_hidden_answers_nothing(order: Order, asked: str) -> None:
    client, _ = working(fields=["name", "email"])
    nothing = client.get("/orders/", {"q": "Nobody at all"}).text
    found = client.get("/orders/", {"q": asked}).text
    assert card(order) not in found
    assert found.count("/orders/0") == nothing.count("/orders/0")


def test_04_an_order_that_is_not_listed_is_not_found(order: Order) -> None:
    client, _ = working(orders=[order.id])
    other = next(each for each in orders_of() if each.id != order.id)
    assert client.get(card(order)).status_code == 200
    assert client.get(card(other)).status_code == 404
    assert card(other) not in client.get("/orders/").text


def test_21_a_revoked_link_shuts_the_open_page(order: Order) -> None:
    client, grant_id = working()
    assert client.get(card(order)).status_code == 200
    revoke(grant_id)
    answer = client.get(card(order))
    assert answer.status_code in (302, 403) and f"№ {order.number}" not in answer.text


def test_32_every_address_says_what_it_does_for_support() -> None:
    silent = [
        str(pattern.pattern)
        for _name, pattern in patterns()
        if demand_of(pattern.callback).under_grant not in UNDER_GRANT
    ]
    assert silent == []


def test_32_one_that_does_not_say_so_is_refused(order: Order) -> None:
    from orders.views import card as cards

    client, _ = working()
    with mock.patch.dict(vars(cards.card), demand=Demand(permission="orders.read")):
        assert client.get(card(order)).status_code == 403


def open_paths() -> dict[str, str]:
    """Path -> what it does for support, of every address but the one that signs out."""
    named = filling()
    return {
        address(name, pattern, named): demand_of(pattern.callback).under_grant
        for name, pattern in patterns()
        if name != "account_logout"
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["get", "post"])
def test_31_49_50_what_is_closed_is_refused_and_changes_nothing(
    method: str, superuser_url: str
) -> None:
    """Not a row of any table, once all of it is committed, but for what support's session holds."""
    paths = open_paths()
    client, _ = working(moves=[])
    before = rows(superuser_url)
    for path, does in paths.items():
        if does not in ("closed", "moves"):
            continue
        for spelled in (path, path.rstrip("/"), path.upper(), path.replace("/", "//")):
            answer = getattr(client, method)(spelled)
            assert answer.status_code in ((403,) if spelled == path else (301, 403, 404)), spelled
    assert rows(superuser_url) == before


def rows(superuser_url: str) -> Counter[str]:
    return Counter(row for row in every_row(superuser_url) if ",session,," not in row)


def test_28_a_get_leaves_nothing_but_its_entry(order: Order) -> None:
    client, _ = working(moves=["trash"])
    for path in (card(order), f"{card(order)}move/", f"{card(order)}comment/"):
        client.get(path)
    assert {o.version for o in orders_of() if o.id == order.id} == {1}


def test_38_each_view_search_and_list_is_an_entry(order: Order) -> None:
    client, grant_id = working()
    client.get(card(order))
    client.get("/orders/")
    client.get("/orders/", {"q": "Dora"})
    told = [
        (entry.action, entry.actor_id, entry.object_id, entry.changes)
        for entry in entries()
        if entry.action in ("access.viewed", "access.listed", "access.searched")
    ]
    sue = people.sue.user.pk
    assert told == [
        ("access.viewed", sue, order.id, {}),
        ("access.listed", sue, None, {}),
        ("access.searched", sue, None, {"by_what": ["q"]}),
    ]
    assert {entry.grant_id for entry in entries()} == {grant_id}


@pytest.mark.parametrize("query", ["Dora+Zidaru=1", "%00=1", "status=new&older=x"])
def test_38_what_is_no_filter_is_not_told(query: str) -> None:
    """A name of a buyer's, written where a filter's stands, would outlive the buyer."""
    client, _ = working()
    assert client.get(f"/orders/?{query}").status_code == 200
    last = entries()[-1]
    assert (last.action, last.changes) == ("access.listed", {})


def test_38_every_filter_is_told() -> None:
    assert set(watching.FILTERS) == set(Filters.base_fields)


def test_39_an_entry_that_cannot_be_written_stops_the_answer(order: Order) -> None:
    client, _ = working()
    client.raise_request_exception = False
    with mock.patch.object(grants, "look", side_effect=RuntimeError):
        answer = client.get(card(order))
    assert answer.status_code == 500 and str(order.number) not in answer.text


def test_39_a_view_that_tells_nothing_shows_nothing(order: Order) -> None:
    """The database opens no row, though the code has forgotten to make the entry."""
    client, _ = working()
    with mock.patch.object(watching, "note"):
        assert client.get(card(order)).status_code == 404


def test_a_move_that_the_link_allows(order: Order) -> None:
    client, _ = working(moves=["trash"])
    page = client.get(card(order)).text
    assert 'value="trash"' in page and 'value="take"' not in page
    sent = {"move": "trash", "version": 1, "trash-reason": "test", "reason": "test"}
    client.post(f"{card(order)}move/", sent)
    assert {o.status for o in orders_of() if o.id == order.id} == {"trash"}
    assert [e.action for e in entries()][-2:] == ["access.viewed", "order.moved"]


def test_33_34_support_makes_and_lengthens_no_link(order: Order) -> None:
    client, _ = working()
    with gate.carrying(client.cookies["covenant"].value) as sue:
        assert sue.under and not sue.may("access.grant")


def test_36_37_ending_gives_support_back_its_own_session(order: Order) -> None:
    client, _ = working()
    another = gate.new_secret()
    with gate.carrying(client.cookies["covenant"].value):
        assert grants.end(another=another)
    client.cookies["covenant"] = another
    assert client.get(card(order)).status_code in (302, 403, 404)
    assert client.get("/staff/").status_code == 200


def test_43_nothing_of_it_is_kept_by_a_browser_or_a_proxy(order: Order) -> None:
    client, _ = working()
    assert "no-store" in client.get(card(order))["Cache-Control"]


@pytest.mark.parametrize("listed", [True, False])
def test_what_is_asked_for_and_not_shown_is_not_told_as_a_look(order: Order, listed: bool) -> None:
    """Of an order that the link does not list, and of one that its maker does not see."""
    maker, mine = (people.ann, another_order()) if listed else (people.gail, order)
    if not listed:
        with people.as_(people.ann) as ann:
            order.assign(by=ann, agent_id=people.gus.membership().id)
    client, _ = working(maker, **({"orders": [mine.id]} if listed else {}))
    assert client.get(card(order)).status_code == 404
    last = entries()[-1]
    assert (last.action, last.object_id, last.object_type) == ("access.missed", None, "")
    history = people.sign_in(Client(), people.ann).get(card(order)).text.partition("timeline")[2]
    assert "looked at the order" not in history
    assert not listed or client.get(card(mine)).status_code == 200


def test_what_is_nobodys_order_is_not_told_as_a_look() -> None:
    client, _ = working()
    assert client.get(reverse("orders:card", args=[uuid4()])).status_code == 404
    assert [entry.action for entry in entries()][-1] == "access.missed"


def test_looks_stand_in_the_orders_history_as_one_line(order: Order) -> None:
    """Each is an entry of its own; a line for each would hide what was done."""
    client, _ = working()
    for _look in range(3):
        client.get(card(order))
    history = people.sign_in(Client(), people.ann).get(card(order)).text.partition("timeline")[2]
    assert history.count("looked at the order") == 1
    assert "3 times" in history
    assert [entry.action for entry in entries()].count("access.viewed") == 3


def test_looks_push_nothing_out_of_the_orders_history(order: Order) -> None:
    client, _ = working()
    with mock.patch("orders.timeline.LONGEST", 3):
        for _look in range(4):
            client.get(card(order))
        history = people.sign_in(Client(), people.ann).get(card(order)).text
    assert "added the order" in history
