"""An order is found by what people have at hand, and by nobody who may not see it."""

from urllib.parse import quote

import pytest
from django.urls import reverse

from orders.persons import Person
from tests.orders.test_list import listed
from tests.orders.test_moves import add
from tests.people import ann, as_, bea, gail, gus, pat, sign_in

pytestmark = pytest.mark.django_db

IOANA = Person(name="Ioana Pop-Ștefănescu", phone="+40723123643", email="Ioana@Pop.example")


@pytest.fixture
def order():
    with as_(ann) as by:
        found = add(by, person=IOANA, external_id="S-77/a", agent=gus.membership().id)
        add(by, person=Person(name="Mihai Pop", phone="+40723999888"))
        return found


@pytest.mark.parametrize(
    "text",
    [
        "+40723123643", "0040 723 123 643", "+40 (723) 123-643", "0723123643", "123643", "3643",
        "ioana@pop.example", "IOANA@POP.EXAMPLE", "ioana", "ioa", "pop ioana", "S-77/a", " Ioana ",
        "stefanescu", "40723123643", "#S-77/a", "ioana p", "p Ioana",
    ],
)  # fmt: skip
def test_found(client, order, text):
    assert listed(sign_in(client, ann), f"/orders/?q={quote(text)}") == [order.number]


@pytest.mark.parametrize("spelled", ["{}", "#{}", "№ {}", "№{}"])
def test_found_by_number(client, order, spelled):
    text = quote(spelled.format(order.number))
    answer = sign_in(client, ann).get(f"/orders/?q={text}")
    assert answer["Location"] == reverse("orders:card", args=[order.id])


def test_a_number_that_is_also_a_shops_opens_neither(client, order):
    with as_(ann) as by:
        shops = add(by, person=IOANA, external_id=str(order.number))
    found = listed(sign_in(client, ann), f"/orders/?q={order.number}")
    assert found == [shops.number, order.number]


@pytest.mark.parametrize("text", ["ioana mihai", "+40723123644", "3644", "S-77", "io", "%", "_"])
def test_not_found(client, order, text):
    assert listed(sign_in(client, ann), f"/orders/?q={quote(text)}") == []


@pytest.mark.parametrize("text", ["1002", "#1002", "№1002"])
def test_a_shops_number_is_found_as_it_is_spoken(client, text):
    with as_(ann) as by:
        shops = add(by, person=IOANA, external_id="#1002")
    assert listed(sign_in(client, ann), f"/orders/?q={quote(text)}") == [shops.number]


def test_agents_find_their_own_and_free_ones(client, order):
    assert listed(sign_in(client, gus), "/orders/?q=ioana") == [order.number]
    assert listed(sign_in(client, gail), "/orders/?q=ioana") == []
    assert listed(sign_in(client, gail), "/orders/?q=S-77/a") == []


@pytest.mark.parametrize("text", ["3643", "123643", "723123", "ioana 3643", "a b c d e 3643"])
def test_agents_who_see_telephones_masked_do_not_find_by_their_ends(client, order, text):
    assert listed(sign_in(client, gus), f"/orders/?q={quote(text)}") == []


@pytest.mark.parametrize(
    "text",
    ["+40723123643", "0040 723 123 643", "ioana +40 723 123 643", "0723123643", "0723 123-643",
     "40723123643"],
)  # fmt: skip
def test_agents_find_by_whole_telephones_as_they_are_dialled_at_home(client, order, text):
    assert listed(sign_in(client, gus), f"/orders/?q={quote(text)}") == [order.number]


def test_another_company_finds_nothing(client, order):
    with as_(bea) as by:
        add(by, person=Person(name="Else"))
    assert listed(sign_in(client, bea), "/orders/?q=ioana") == []


def test_partners_search_by_number_alone(client):
    with as_(pat) as by:
        wm14 = by.partner_id
    with as_(ann) as by:
        sent = add(by, person=IOANA, partner=wm14, external_id="S-1")
    sign_in(client, pat)
    assert listed(client, "/orders/?q=S-1") == [sent.number]
    by_number = client.get(f"/orders/?q={sent.number}")
    assert by_number["Location"] == reverse("orders:card", args=[sent.id])
    assert listed(client, "/orders/?q=ioana") == []


@pytest.mark.parametrize(
    ("someone", "told"),
    [
        (ann, "at least its last 4 digits"),
        (gail, "a whole telephone number, an e-mail address"),
        (pat, "the number that you sent the order with"),
    ],
    ids=str,
)
def test_a_reader_is_told_what_their_search_takes(client, someone, told):
    page = sign_in(client, someone).get("/orders/?q=nobody").content.decode()
    assert told in page
    assert ("telephone" in page) == (someone is not pat)


def test_a_search_keeps_the_tab_and_the_pages_keep_the_search(client, order):
    page = sign_in(client, ann).get("/orders/?q=pop&status=new&agent=free")
    assert {tab["url"] for tab in page.context["tabs"] if tab["current"]} == {
        "/orders/?status=new&q=pop&agent=free"
    }
    assert [chip["remove_url"] for chip in page.context["chips"]] == ["/orders/?status=new&q=pop"]


def test_what_is_too_long_to_search_is_said_and_the_field_says_so_first(client):
    fits = sign_in(client, ann).get(reverse("orders:list"), {"q": "x" * 200}).content.decode()
    assert 'maxlength="200"' in fits
    assert "search-wrong" not in fits
    answer = client.get(reverse("orders:list"), {"q": "x" * 201})
    assert answer.status_code == 200
    assert "at most 200 characters" in answer.content.decode()
