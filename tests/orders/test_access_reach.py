"""How far an access link reaches over HTTP: whom it lets in, to what, and what it never does.

The numbers are those of the list of cases that access links were to pass.
"""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import gate
from accounts.models import Grant
from orders.models import Import, Inquiry, Order
from tests import people
from tests.access import another_order, confirm, link, orders_of, state_of, working
from tests.orders.test_under_a_grant import DORA, card

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return another_order()


def desk() -> Client:
    return people.sign_in(Client(), people.sue)


# Whom it lets in, and to what


def test_01_without_a_link_no_page_of_a_company_opens(order: Order) -> None:
    sue = desk()
    for path in (card(order), "/orders/", f"/orders/?q={order.number}", "/company/audit/"):
        answer = sue.get(path)
        assert answer.status_code == 302 and str(order.id) not in answer.text, path


def test_02_an_order_of_another_company_is_not_found(order: Order) -> None:
    sue, _ = working(people.bea)
    [theirs] = orders_of(people.bea)
    assert sue.get(card(theirs)).status_code == 200
    assert sue.get(card(order)).status_code == 404
    assert str(order.id) not in sue.get("/orders/").text


def test_03_no_key_of_another_kind_opens_anything(order: Order) -> None:
    sue, grant_id = working(orders=[order.id])
    with people.as_(people.ann):
        keys = [grant_id, Import.objects.get().id, Inquiry.objects.get().id]
    for key in (*keys, people.gail.membership().id):
        assert sue.get(f"/orders/{key}/").status_code == 404
        for place in (f"orders/import/{key}", f"company/buyers/{key}", f"access/{key}"):
            assert sue.get(f"/{place}/").status_code == 403, place


def test_05_of_an_agent_s_orders_support_sees_those_that_the_agent_sees(order: Order) -> None:
    gus = people.gus.membership().id
    with people.as_(people.ann) as ann:
        order.assign(by=ann, agent_id=gus)
    sue, _ = working(people.gail)
    assert sue.get(card(order)).status_code == 404
    assert str(order.id) not in sue.get("/orders/").text
    assert sue.get(card(next(one for one in orders_of() if one.id != order.id))).status_code == 200


def test_09_the_link_of_somebody_else_does_not_open(order: Order) -> None:
    """Olga has a rank, and is no support; Nina has none."""
    grant_id, secret = link(staff=people.sue)
    for someone in (people.olga, people.nina, people.gail):
        client = people.sign_in(Client(), someone)
        assert client.post("/support/asking/", {"code": secret}).status_code in (302, 403)
    assert state_of(grant_id) == "waiting"


def test_11_until_its_maker_confirms_no_page_opens(order: Order) -> None:
    grant_id, secret = link()
    sue = desk()
    assert sue.post("/support/asking/", {"code": secret}).status_code == 302
    for path in (card(order), "/orders/", f"/orders/?q={order.number}"):
        answer = sue.get(path)
        assert answer.status_code == 302 and str(order.id) not in answer.text
    assert confirm(grant_id)
    assert sue.get(card(order)).status_code == 200


def test_12_a_second_browser_of_the_same_person_stays_outside(order: Order) -> None:
    sue, _ = working()
    assert sue.get(card(order)).status_code == 200
    assert desk().get(card(order)).status_code == 302


# What is hidden is hidden everywhere


def hides(text: str) -> bool:
    return not any(word in text for word in DORA)


@pytest.mark.parametrize(
    "headers",
    [{"Accept": "application/json"}, {"HX-Request": "true"}, {"Accept-Language": "ru"}],
    ids=str,
)
def test_29_in_whatever_form_an_answer_is_asked_for(order: Order, headers: dict[str, str]) -> None:
    sue, _ = working(moves=["trash"])
    for path in (card(order), "/orders/", "/orders/?q=nothing"):
        answer = sue.get(path, headers=headers)
        assert answer.status_code == 200 and hides(answer.text)


@pytest.mark.parametrize(
    ("deed", "sent", "status"),
    [
        ("move", {"move": "trash", "version": 1}, 422),
        ("move", {"move": "trash", "version": 7, "trash-reason": "test", "reason": "test"}, 409),
        ("move", {"move": "nothing", "version": 1}, 422),
        ("move", {}, 422),
        ("comment", {"text": ""}, 422),
        ("comment", {"text": "x" * 5_001}, 422),
    ],
)
def test_29_a_refusal_tells_nothing_of_what_is_hidden(
    order: Order, deed: str, sent: dict[str, object], status: int
) -> None:
    sue, _ = working(moves=["trash"])
    answer = sue.post(f"{card(order)}{deed}/", sent)
    assert answer.status_code == status and hides(answer.text)


def test_29_no_file_is_had(order: Order) -> None:
    sue, _ = working(fields=["name", "telephone", "email", "address", "notes"])
    with people.as_(people.ann):
        run, inquiry = Import.objects.get().id, Inquiry.objects.get().id
    for path in (
        f"/orders/import/{run}/refusals/",
        f"/orders/import/{run}/left-out/",
        f"/company/buyers/{inquiry}/archive/",
        f"/account/data/{run}/archive/",
    ):
        assert sue.get(path).status_code == 403, path


@pytest.mark.parametrize("said", ["Dora Zidaru", "+40723111222", "dora@example.org", "Brașov"])
def test_30_no_name_in_the_address_sorts_or_filters_by_what_is_hidden(
    order: Order, said: str
) -> None:
    sue, _ = working()
    usual = numbers(sue.get("/orders/").text)
    names = ("name", "phone", "telephone", "email", "city", "person", "word")
    for name in (*names, *(f"person__{name}" for name in names)):
        assert numbers(sue.get("/orders/", {name: said}).text) == usual
    for sort in ("sort", "order", "order_by", "o"):
        assert numbers(sue.get("/orders/", {sort: "name"}).text) == usual


def numbers(page: str) -> list[str]:
    """The orders on a page, in its order."""
    return [str(one.id) for one in sorted(orders_of(), key=lambda one: page.find(str(one.id)))
            if str(one.id) in page]  # fmt: skip


# What it never does


def test_33_34_support_makes_lets_in_and_lengthens_nothing(order: Order) -> None:
    other, secret = link(people.adam)
    unused, _ = link(people.adam)
    sue, grant_id = working(moves=["trash"])
    before = grants()
    for path, sent in {
        "/access/new/": {"reason": "More", "minutes": 1440},
        f"/access/{grant_id}/confirmation/": {"staff": people.sue.user.pk},
        f"/access/{unused}/confirmation/": {"staff": people.sue.user.pk},
        f"/access/{other}/revocation/": {},
    }.items():
        assert sue.post(path, sent).status_code == 403, path
    assert sue.post("/support/asking/", {"code": secret}).status_code == 422
    assert grants() == before


def grants() -> list[dict[str, object]]:
    with people.as_(people.ann):
        return list(Grant.objects.order_by("id").values())


def test_42_nothing_is_queued_under_a_link(order: Order) -> None:
    sue, _ = working(moves=["trash"])
    with gate.vouching():
        before = gate.job_counts()
    for path in ("/account/data/", "/orders/import/", "/company/buyers/", "/company/closure/"):
        assert sue.post(path, {}).status_code == 403, path
    with gate.vouching():
        assert gate.job_counts() == before


def test_43_another_who_asks_for_the_same_page_gets_his_own(order: Order) -> None:
    sue, _ = working()
    page = sue.get(card(order))
    for other in (Client(), people.sign_in(Client(), people.bea), desk()):
        answer = other.get(card(order), headers={"If-None-Match": page.get("ETag", '"x"')})
        assert answer.status_code in (302, 404) and str(order.id) not in answer.text
