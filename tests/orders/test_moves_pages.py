"""The deeds of a card's page: each records itself, and a refusal says what would satisfy it."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from orders import keys
from orders.intake import ItemDraft
from orders.models import Comment, Order
from orders.persons import Person
from tests.people import ann, as_, gail, gus, lena, pat, sign_in
from tests.telling import telling

pytestmark = pytest.mark.django_db

AURORAS = ZoneInfo("Europe/Bucharest")

IOANA = Person(name="Ioana Pop", phone="+40723123643", address="Str. Lunga 1")
LAMP = ItemDraft("Lamp", Decimal("49.50"))
HOSTILE = {
    "a megabyte": "x" * 1024 * 1024,
    "NUL": "a\0b",
    "markup": "<script>alert(1)</script>",
    "right to left": "\u202eabc",
    "emoji": "🪔" * 50,
}


def added(person=IOANA, items=(LAMP,), **draft):
    with as_(ann) as by:
        return Order.objects.add(by=by, person=person, items=items, currency="EUR", **draft)


def stored(order):
    with as_(ann):
        return Order.objects.select_related("agent__user").get(id=order.id)


def post(client, someone, order, name="move", **data):
    return sign_in(client, someone).post(reverse(f"orders:{name}", args=[order.id]), data)


def in_hand(**draft):
    """An order that Gail has taken."""
    order = added(**draft)
    with as_(gail) as by:
        order.move(by=by, move="take", version=1)
    return order


def test_an_agent_takes_a_confirmation_back_and_says_why(client):
    order = in_hand()
    post(client, gail, order, move="confirm", version=2)
    assert 'value="reopen"' in client.get(reverse("orders:card", args=[order.id])).content.decode()
    assert post(client, gail, order, move="reopen", version=3).status_code == 422
    assert stored(order).status == "confirmed"
    post(client, gail, order, move="reopen", version=3, comment="Wrong button")
    assert (stored(order).status, stored(order).agent.user.name) == ("processing", "Gail")


def test_whoever_cannot_take_a_decision_back_is_told_who_can(client):
    order = in_hand()
    post(client, gail, order, move="cancel", version=2, reason="too_expensive")
    address = reverse("orders:card", args=[order.id])
    assert "can reopen the order: Owner, Admin, Team lead." in client.get(address).content.decode()
    assert post(client, gail, order, move="reopen", version=3, comment="Slip").status_code == 422
    assert stored(order).status == "cancelled"
    assert "can reopen the order" not in sign_in(client, lena).get(address).content.decode()


def test_a_move_without_questions_is_one_button(client):
    order = added()
    answer = post(client, gail, order, move="take", version=1)
    assert answer.status_code == 302
    assert (stored(order).status, stored(order).agent.user.name) == ("processing", "Gail")


def test_a_move_with_questions_takes_their_answers(client):
    order = in_hand()
    tomorrow = datetime.now(AURORAS) + timedelta(days=1)
    at = tomorrow.replace(second=0, microsecond=0)
    post(client, gail, order, move="recall", version=2, recall_at=at.strftime("%Y-%m-%dT%H:%M"))
    assert stored(order).status == "recall"
    assert stored(order).recall_at == at


def test_a_proposed_time_is_sent_by_its_button_beside_an_empty_box(client):
    order = in_hand()
    address = reverse("orders:card", args=[order.id])
    body = sign_in(client, gail).get(address).content.decode()
    proposed = re.findall(r'<button [^>]*name="recall_at" value="([^"]+)" formnovalidate', body)[-1]
    post(client, gail, order, move="recall", version=2, recall_at=["", proposed])
    assert stored(order).recall_at == datetime.fromisoformat(proposed).replace(tzinfo=AURORAS)


def test_a_comment_given_with_a_move_is_kept(client):
    order = in_hand()
    post(client, gail, order, move="hold", version=2, comment="Thinks about it")
    with as_(gail) as by:
        comment = Comment.objects.get(order_id=order.id)
        assert keys.held(by).open_comment(bytes(comment.body), comment.id) == "Thinks about it"


def comments_of(order):
    with as_(gail) as by:
        held = keys.held(by)
        stored = Comment.objects.filter(order_id=order.id).order_by("id")
        return [held.open_comment(bytes(comment.body), comment.id) for comment in stored]


@pytest.mark.parametrize(
    ("move", "given", "kept"),
    [
        ("no_answer", {}, "Rang twice"),
        ("cancel", {"reason": "too_expensive"}, "Rang twice"),
        ("hold", {}, "Rang twice"),
        ("hold", {"comment": "On holiday"}, "On holiday\n\nRang twice"),
    ],
)
def test_what_stands_in_the_comment_box_is_kept_with_any_move(client, move, given, kept):
    order = in_hand()
    post(client, gail, order, move=move, version=2, text="Rang twice", **given)
    assert stored(order).version == 3
    assert comments_of(order) == [kept]


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        ({"move": "no_answer", "version": 1}, 409),
        ({"move": "cancel", "version": 2}, 422),
        ({"move": "pay", "version": 2}, 422),
        ({"move": "confirm", "version": 2}, 422),
        ({"move": "no_answer", "version": "x"}, 422),
    ],
    ids=["changed meanwhile", "no reason", "not the role's", "no address", "unclear"],
)
def test_a_refused_move_keeps_no_comment_and_leaves_the_text_in_its_box(client, refused, status):
    order = in_hand(person=Person(name="Ioana", phone=IOANA.phone))
    answer = post(client, gail, order, **refused, text="Rang twice")
    assert answer.status_code == status
    box = answer.content.decode().split('name="text"')[1].split("</textarea>")[0]
    assert "Rang twice" in box
    assert stored(order).version == 2
    assert comments_of(order) == []


def test_a_comment_too_long_stops_the_move_it_came_with(client):
    order = in_hand()
    answer = post(client, gail, order, move="no_answer", version=2, text="x" * 5001)
    assert answer.status_code == 422
    assert "id_text_error" in answer.content.decode()
    assert stored(order).version == 2


@pytest.mark.parametrize(
    ("move", "given", "says"),
    [
        ("cancel", {}, "This field is required."),
        ("cancel", {"reason": "wrong_number"}, "Select a valid choice"),
        ("hold", {"comment": "  "}, "This field is required."),
        ("recall", {"recall_at": "tomorrow"}, "Choose a day and a time"),
        ("recall", {"recall_at": "2001-01-01T10:00"}, "in the future"),
        ("recall", {"recall_at": "9999-12-31T23:59"}, "within a year"),
        ("recall", {"recall_at": "0001-01-01T00:00"}, "in the future"),
    ],
)
def test_what_a_move_lacks_is_said_beside_the_field(client, move, given, says):
    order = in_hand()
    answer = post(client, gail, order, move=move, version=2, **given)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert stored(order).version == 2


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("field", ["move", "version", "reason", "recall_at", "comment"])
def test_hostile_answers_are_refused_or_kept_as_text(client, field, value):
    order = in_hand()
    data = {"move": "hold", "version": "2", "comment": "Later"}
    data["move"] = {"reason": "cancel", "recall_at": "recall"}.get(field, "hold")
    answer = post(client, gail, order, **{**data, field: value})
    assert answer.status_code in (302, 409, 422)
    assert "<script>alert" not in answer.content.decode()
    kept = field == "comment" and value in (HOSTILE["markup"], HOSTILE["emoji"], "\u202eabc")
    assert (stored(order).status == "hold") == kept


def test_a_refused_move_names_what_is_missing_and_where_to_fill_it(client):
    order = in_hand(person=Person(name="Ioana", phone=IOANA.phone))
    answer = post(client, gail, order, move="confirm", version=2)
    body = answer.content.decode()
    assert answer.status_code == 422
    assert "Fill in the address." in body
    assert 'name="then" value="edit#id_address">fill it in</button>' in body
    assert stored(order).status == "processing"


def test_one_order_in_hand_is_enough(client):
    held, order = in_hand(), added()
    answer = post(client, gail, order, move="take", version=1)
    assert answer.status_code == 422
    body = answer.content.decode()
    assert "Finish the order that you have in hand first." in body
    assert f'<a href="{reverse("orders:card", args=[held.id])}">№ {held.number}</a>' in body
    assert stored(order).status == "new"


def test_a_move_on_what_somebody_changed_meanwhile_does_nothing(client):
    order = in_hand()
    with as_(gail) as by:
        order.edit(by=by, version=2, external_id="S-2")
    answer = post(client, gail, order, move="cancel", version=2, reason="too_expensive")
    assert answer.status_code == 409
    assert "Somebody changed this order meanwhile" in answer.content.decode()
    assert stored(order).status == "processing"


def test_a_move_that_is_not_the_roles_is_refused(client):
    order = added()
    answer = post(client, gail, order, move="trash", version=1, reason="test")
    assert answer.status_code == 422
    assert "not open to your role" in answer.content.decode()
    assert stored(order).status == "new"


@pytest.mark.parametrize("name", ["move", "comment", "reveal", "assign"])
def test_a_partner_does_nothing(client, name):
    order = added()
    answer = post(client, pat, order, name, move="take", version=1, text="x", agent="")
    assert answer.status_code == 403
    assert stored(order).version == 1


@pytest.mark.parametrize("name", ["move", "comment", "reveal", "assign"])
def test_a_deed_is_a_post_and_its_address_opened_leads_to_the_card(client, name):
    order = added()
    address = reverse(f"orders:{name}", args=[order.id])
    before = stored(order).version
    assert sign_in(client, ann).get(address)["Location"] == reverse("orders:card", args=[order.id])
    assert client.get(address, headers={"accept": "application/json"}).status_code == 405
    assert stored(order).version == before


def test_a_comment_is_sealed_and_shown(client):
    order = added()
    assert post(client, gail, order, "comment", text="Call after six").status_code == 302
    body = client.get(reverse("orders:card", args=[order.id])).content.decode()
    assert "Call after six" in body
    with as_(ann):
        assert b"six" not in bytes(Comment.objects.get(order_id=order.id).body)


@pytest.mark.parametrize("text", ["", " \n ", "x" * 5001, "a\0b"])
def test_a_comment_that_says_nothing_or_too_much_stays_in_its_field(client, text):
    order = added()
    answer = post(client, gail, order, "comment", text=text)
    assert answer.status_code == 422
    assert "id_text_error" in answer.content.decode()
    with as_(ann):
        assert not Comment.objects.filter(order_id=order.id).exists()


@pytest.mark.parametrize("text", ["Call after six", ""])
@pytest.mark.parametrize("field", ["", "#id_address", "#id_items-0-name"])
def test_who_leaves_for_the_orders_form_leaves_the_comment_kept(client, text, field):
    order = added()
    answer = post(client, gail, order, "comment", text=text, then=f"edit{field}")
    assert answer.url == reverse("orders:edit", args=[order.id]) + field
    assert comments_of(order) == ([text] if text else [])


@pytest.mark.parametrize("text", ["Call after six", " "])
def test_who_takes_the_next_order_leaves_the_comment_with_the_one_left(client, text):
    left, _ = added(), added()
    with as_(ann) as by:
        left.move(by=by, move="trash", version=1, reason="test")
    answer = post(client, gail, left, "comment", text=text, then="next")
    with as_(gail) as by:
        taken = Order.objects.open_of(by)
    assert answer.url == reverse("orders:card", args=[taken.id])
    assert comments_of(left) == ([text] if text.strip() else [])
    assert text not in comments_of(taken)


def test_a_comment_that_cannot_be_kept_leads_nowhere(client):
    order, waiting = added(), added()
    for then in ("edit", "next"):
        answer = post(client, gail, order, "comment", text="x" * 5001, then=then)
        assert answer.status_code == 422
        assert "id_text_error" in answer.content.decode()
    assert {stored(order).status, stored(waiting).status} == {"new"}


@pytest.mark.parametrize("then", ["edit#//elsewhere.example", "https://elsewhere.example", "next"])
def test_who_may_not_take_orders_stays_and_nobody_is_led_elsewhere(client, then):
    order = added()
    answer = post(client, ann, order, "comment", text="Seen", then=then)
    assert answer.url == reverse("orders:card", args=[order.id])
    assert stored(order).status == "new"
    assert comments_of(order) == ["Seen"]


def test_a_lead_gives_an_order_to_somebody_of_the_team(client):
    order = added()
    answer = post(client, lena, order, "assign", agent=str(gail.membership().id))
    assert answer.status_code == 302
    assert stored(order).agent.user.name == "Gail"
    body = client.get(reverse("orders:card", args=[order.id])).content.decode()
    assert "gave the order to" in body


def test_a_lead_gives_nothing_to_another_team(client):
    order = added()
    answer = post(client, lena, order, "assign", agent=str(gus.membership().id))
    assert answer.status_code == 422
    assert stored(order).agent is None


def test_an_agent_assigns_nothing(client):
    order = added()
    answer = post(client, gail, order, "assign", agent=str(gus.membership().id))
    assert answer.status_code == 403
    assert stored(order).agent is None


@pytest.mark.parametrize("agent", ["x", "a\0", "1" * 5000, "00000000-0000-0000-0000-000000000000"])
def test_nobody_is_no_agent(client, agent):
    order = added(agent=gail.membership().id)
    assert post(client, ann, order, "assign", agent=agent).status_code == 422
    assert stored(order).agent.user.name == "Gail"


def test_every_deed_is_in_the_audit_and_nothing_personal_is(client):
    order = added()
    post(client, gail, order, "reveal")
    post(client, gail, order, "comment", text="Call after six")
    post(client, gail, order, move="take", version=1)
    with as_(ann):
        entries = AuditEntry.objects.filter(object_id=order.id).order_by("id")
        assert [entry.action for entry in entries] == [
            "order.added", "order.revealed", "order.commented", "order.moved",
        ]  # fmt: skip
        told = telling(list(entries.values()))
    for personal in ("Ioana", "643", "Lunga", "six"):
        assert personal not in told
