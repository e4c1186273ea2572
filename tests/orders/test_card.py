"""The card shows each role its own, and everybody else nothing at all."""

import re
import uuid
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import audit
from accounts.models import AuditEntry, Partner
from orders.intake import ItemDraft
from orders.models import Order
from orders.persons import Person
from tests.people import adam, ann, as_, bea, gail, gus, lena, pat, sign_in
from tests.telling import telling

pytestmark = pytest.mark.django_db

IOANA = Person(
    name="Ioana Pop", phone="+40723123643", email="ioana@pop.example", address="Str. Lunga 1",
    comment="Ring twice",
)  # fmt: skip
WHOLE, MASKED = "+40 723 123 643", "+40 ••• ••• 643"
LAMP = ItemDraft("Lamp", Decimal("49.50"), 2, "L-1")


def added(someone=ann, person=IOANA, items=(LAMP,), **draft):
    """An order of Aurora's, added by its owner."""
    with as_(someone) as by:
        return Order.objects.add(by=by, person=person, items=items, currency="EUR", **draft)


def partners_order():
    with as_(ann):
        return added(partner=Partner.objects.get(name="wm14").id)


def page(client, someone, order):
    return sign_in(client, someone).get(reverse("orders:card", args=[order.id]))


def comparable(response):
    """The body without what is new in each answer: tokens and nonces."""
    return re.sub(rb'(csrf[^>]*value=|X-CSRFToken": )"[^"]*"', b"", response.content)


@pytest.mark.parametrize("someone", [ann, adam, lena])
def test_who_runs_orders_sees_the_telephone(client, someone):
    body = page(client, someone, added()).content.decode()
    assert WHOLE in body
    assert "Ioana Pop" in body
    assert "€99.00" in body


def test_an_agent_sees_the_telephone_masked(client):
    body = page(client, gail, added()).content.decode()
    assert MASKED in body
    assert "643" in body
    for spelling in (WHOLE, IOANA.phone, "723123"):
        assert spelling not in body


def test_a_reveal_shows_the_telephone_in_that_answer_alone(client):
    order = added()
    sign_in(client, gail)
    answer = client.post(reverse("orders:reveal", args=[order.id]))
    assert WHOLE in answer.content.decode()
    assert WHOLE not in page(client, gail, order).content.decode()
    with as_(ann):
        revealed = AuditEntry.objects.get(action="order.revealed")
        assert (revealed.actor_name, revealed.object_id) == ("Gail", order.id)


def test_a_telephone_revealed_stays_open_while_the_order_is_in_hand(client):
    order, address = added(), "orders:reveal"
    with as_(gail) as by:
        order.move(by=by, move="take", version=1)
    assert MASKED in page(client, gail, order).content.decode()
    client.post(reverse(address, args=[order.id]))
    for _look in range(2):
        assert WHOLE in client.get(reverse("orders:card", args=[order.id])).content.decode()
    with as_(ann):
        assert AuditEntry.objects.filter(action="order.revealed").count() == 1
    with as_(gail) as by:
        order.move(by=by, move="no_answer", version=2)
    assert MASKED in page(client, gail, order).content.decode()
    with as_(gail) as by:
        order.move(by=by, move="take", version=3)
    assert MASKED in page(client, gail, order).content.decode()


def test_who_sees_telephones_whole_is_told_that_looking_is_not_recorded(client):
    assert "looking is not recorded" in page(client, ann, added()).content.decode()


@pytest.mark.parametrize(
    ("came_from", "leads_to"),
    [
        ("http://testserver/orders/?status=new&q=pop", "/orders/?status=new&amp;q=pop"),
        ("http://testserver/company/", "/orders/"),
        ("http://elsewhere.example/orders/?q=x", "/orders/"),
        ("", "/orders/"),
    ],
)
def test_the_way_back_leads_to_the_list_as_it_was_left(client, came_from, leads_to):
    address = reverse("orders:card", args=[added().id])
    body = sign_in(client, ann).get(address, headers={"Referer": came_from}).content.decode()
    assert f'class="crumb" href="{leads_to}"' in body


def test_a_reveal_asked_for_by_htmx_answers_with_the_buyer_alone(client):
    order = added()
    sign_in(client, gail)
    answer = client.post(reverse("orders:reveal", args=[order.id]), headers={"HX-Request": "true"})
    body = answer.content.decode()
    assert WHOLE in body
    assert "<html" not in body
    assert "no-store" in answer["Cache-Control"]


def test_a_partner_sees_the_order_and_nothing_of_its_person(client):
    order = partners_order()
    with as_(ann) as by:
        order.say(by=by, text="Wants it on Monday")
    answer = page(client, pat, order)
    body = answer.content.decode()
    assert answer.status_code == 200
    assert "Lamp" in body
    for hidden in ("Ioana", "643", "pop.example", "Lunga", "Ring twice", "Monday", "Ann"):
        assert hidden not in telling(body)
    assert "Your role sees no personal data of buyers." in body
    assert 'name="text"' not in body
    assert 'name="move"' not in body


def test_a_partner_is_told_the_phase_and_its_reason(client):
    order = partners_order()
    with as_(ann) as by:
        order.move(by=by, move="take", version=1)
        order.move(by=by, move="cancel", version=2, reason="too_expensive")
    history = page(client, pat, order).content.decode().split('class="timeline"')[1]
    told = ["<ins>Cancelled", "Too expensive", "came in"]
    places = [history.index(text) for text in told]
    assert places == sorted(places)
    assert "In progress" not in history


def test_what_is_not_ones_own_looks_like_what_never_was(client):
    """Another company's order, one out of the role's reach, and an address nobody ever had."""
    aurora = added()
    with as_(lena) as by:
        gails = added(agent=gail.membership().id)
        assert by.company_id == gails.company_id
    nobodys = reverse("orders:card", args=[uuid.uuid4()])
    for someone, order in ((bea, aurora), (gus, gails), (pat, aurora)):
        answer = page(client, someone, order)
        never = client.get(nobodys)
        assert (answer.status_code, never.status_code) == (404, 404)
        assert comparable(answer) == comparable(never)
        assert answer.headers.keys() == never.headers.keys()


@pytest.mark.parametrize("name", ["edit", "move", "comment", "reveal", "assign"])
def test_another_companys_order_takes_no_deed(client, name):
    order = added()
    sign_in(client, bea)
    data = {"move": "take", "version": "1", "text": "x", "agent": ""}
    answer = client.post(reverse(f"orders:{name}", args=[order.id]), data)
    never = client.post(reverse(f"orders:{name}", args=[uuid.uuid4()]), data)
    assert (answer.status_code, never.status_code) == (404, 404)
    assert comparable(answer) == comparable(never)
    with as_(ann):
        assert Order.objects.get(id=order.id).version == 1


@pytest.mark.parametrize("identity", ["1", "x", "0" * 32, "%00", "..", "é" * 40, "9" * 5000])
def test_what_is_no_identity_is_not_found(client, identity):
    assert sign_in(client, ann).get(f"/orders/{identity}/").status_code == 404


def test_other_orders_by_the_same_telephone_are_linked(client):
    order, same = added(), added(person=Person(name="I. Pop", phone=IOANA.phone))
    other = added(person=Person(name="Dan", phone="+40723123999"))
    body = page(client, ann, order).content.decode()
    assert reverse("orders:card", args=[same.id]) in body
    assert reverse("orders:card", args=[other.id]) not in body


def test_duplicates_out_of_reach_are_not_shown(client):
    order, same = added(), added(agent=gail.membership().id)
    body = page(client, gus, order).content.decode()
    assert str(same.id) not in body


def test_the_timeline_tells_deeds_and_comments_newest_first(client):
    order = added(agent=None)
    with as_(ann) as by:
        order.say(by=by, text="Call <b>after</b> six")
        order.move(by=by, move="take", version=order.version)
        order.move(by=by, move="cancel", version=order.version, reason="too_expensive")
    body = page(client, ann, order).content.decode().split('class="timeline"')[1]
    told = [
        "<ins>Cancelled",
        "Too expensive",
        "<ins>In progress",
        "Call &lt;b&gt;after",
        "added the order",
    ]
    places = [body.index(text) for text in told]
    assert places == sorted(places)


def test_the_timeline_speaks_of_an_edit_by_its_fields(client):
    order = added()
    with as_(ann) as by:
        order.edit(by=by, version=1, offer="Lamps", external_id="S-1")
    assert "changed: offer, external number" in page(client, ann, order).content.decode()


@pytest.mark.parametrize(
    "told",
    [
        ("order.edited", {}, "changed"),
        ("order.edited", {"fields": 5}, "changed"),
        ("order.moved", {"from": "new", "to": "nowhere"}, "moved the order"),
        ("order.assigned", {}, "set the order free"),
        ("order.added", {"source": "nobody"}, "added the order"),
    ],
    ids=str,
)
def test_an_entry_that_sql_made_poor_does_not_close_the_card(client, told):
    action, changes, shown = told
    order = added()
    with as_(ann) as by:
        audit.record(by=by, action=action, of=order, **changes)
    body = page(client, ann, order).content.decode().split('class="timeline"')[1]
    assert shown in body


def test_a_move_that_lacks_something_says_what_and_where(client):
    order = added(person=Person(phone=IOANA.phone), items=())
    with as_(ann) as by:
        order.move(by=by, move="take", version=1)
    body = page(client, ann, order).content.decode()
    for fact, text in (("id_name", "Fill in the buyer"), ("id_address", "Fill in the address")):
        assert text in body
        assert f'value="edit#{fact}"' in body
    assert 'value="edit#id_items-0-name">fill it in' in body


def test_only_moves_of_the_role_are_offered(client):
    order = added()
    owners, agents = (page(client, someone, order).content.decode() for someone in (ann, gail))
    assert 'value="take"' in agents
    assert 'value="trash"' not in agents
    assert 'value="trash"' in owners


def statements(client, someone, order):
    sign_in(client, someone)
    address = reverse("orders:card", args=[order.id])
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_the_number_of_statements_does_not_grow_with_the_order(client):
    small = added(person=Person(name="Dan", phone="+40723123999"), items=())
    large = added(items=[LAMP] * 30)
    for _ in range(8):
        added()
    with as_(ann) as by:
        for number in range(12):
            large.say(by=by, text=f"Comment {number}")
    counts = {
        someone.name: (statements(client, someone, small), statements(client, someone, large))
        for someone in (ann, gail)
    }
    print(f"\nstatements of an order's card (small, large): {counts}")  # noqa: T201
    assert all(few == many for few, many in counts.values())
    assert max(many for _few, many in counts.values()) <= 16


def test_a_total_beyond_the_items_is_explained(client):
    body = page(client, ann, added(total=Decimal("104.00"))).content.decode()
    assert "Shipping, discounts" in body
    assert "€5.00" in body
    assert "Shipping, discounts" not in page(client, ann, added()).content.decode()
