"""The form of an order: it refuses in words, loses nothing that was typed, and stores nothing that
it refuses."""

import logging
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import AuditEntry, Partner
from orders import keys
from orders.intake import ItemDraft
from orders.models import Item, Offer, Order
from orders.persons import Person
from tests.people import ann, as_, bea, gail, gus, pat, sign_in
from tests.telling import telling

pytestmark = pytest.mark.django_db

IOANA = Person(
    name="Ioana Pop", phone="+40723123643", email="ioana@pop.example", city="Cluj",
    address="Str. Lunga 1", comment="Ring twice", extra={"size": "L"},
)  # fmt: skip
LAMP = ItemDraft("Lamp", Decimal("49.50"), 2, "L-1")
BULB = ItemDraft("Bulb", Decimal("3.00"))
HOSTILE = {
    "a megabyte": "x" * 1024 * 1024,
    "NUL": "a\0b",
    "markup": "<script>alert(1)</script>",
    "right to left": "\u202eabc",
    "emoji": "🪔" * 20,
    "digits": "9" * 5000,
    "infinity": "Infinity",
}


def lines(*items, extra=0, **more):
    """The posted lines; `more` overrides, as items_0_price="x"."""
    data = {
        "items-TOTAL_FORMS": str(len(items) + extra), "items-INITIAL_FORMS": "0",
    }  # fmt: skip
    for number, item in enumerate(items):
        for part in ("name", "sku", "quantity", "price"):
            data[f"items-{number}-{part}"] = str(getattr(item, part))
    return data | more


FILLED = {
    "name": "Ioana Pop", "phone": "0723 123 643", "country": "RO", "citizenship": "",
    "email": "ioana@pop.example", "city": "Cluj", "address": "Str. Lunga 1", "comment": "",
    "offer": "Lamps", "partner": "", "agent": "", "external_id": "S-1", "currency": "EUR",
}  # fmt: skip


def added(person=IOANA, items=(LAMP,), **draft):
    with as_(ann) as by:
        return Order.objects.add(by=by, person=person, items=items, currency="EUR", **draft)


def opened(order):
    """The order as stored, its person and its lines."""
    with as_(ann) as by:
        order = Order.objects.select_related("offer").get(id=order.id)
        items = Item.objects.filter(order_id=order.id).order_by("position")
        return order, order.open_person(keys.held(by)), [item.draft for item in items]


def create(client, someone=ann, *items, **fields):
    data = FILLED | lines(*(items or (LAMP,))) | fields
    return sign_in(client, someone).post(reverse("orders:new"), data)


def as_shown(client, someone, order):
    """What the browser would send back from the untouched form."""
    answer = sign_in(client, someone).get(reverse("orders:edit", args=[order.id]))
    form, items = answer.context["form"], answer.context["items"]
    data = {field.html_name: field.value() for field in form}
    data |= {field.html_name: field.value() for field in items.management_form}
    data |= {field.html_name: field.value() for line in items for field in line}
    return {name: value for name, value in data.items() if value is not None}


def save(client, order, data):
    return client.post(reverse("orders:edit", args=[order.id]), data)


def created():
    """Aurora's orders beyond the one that is always there."""
    with as_(ann):
        return list(Order.objects.order_by("number")[1:])


# A new order


def test_the_form_suggests_what_the_company_has(client):
    added(offer="Lamps")
    body = sign_in(client, ann).get(reverse("orders:new")).content.decode()
    assert '<option value="Lamps">' in body
    assert re.search(r'<option value="EUR" selected>', body)
    assert '<option value="KZ">Kazakhstan</option>' in body
    assert "wm14" in body


def test_countries_are_named_in_the_pages_language(client):
    body = sign_in(client, ann).get(reverse("orders:new"), {"lang": "ru"}).content.decode()
    assert '<option value="KZ">Казахстан</option>' in body


def test_an_order_is_created_with_all_that_was_typed(client):
    with as_(ann):
        partner = Partner.objects.get(name="wm14").id
    answer = create(client, ann, LAMP, BULB, partner=str(partner), agent=str(gail.membership().id))
    assert answer.status_code == 302
    [order] = created()
    assert answer["Location"] == reverse("orders:card", args=[order.id])
    order, person, items = opened(order)
    assert (person.name, person.phone) == ("Ioana Pop", "+40723123643")
    assert (order.country, order.offer.name, order.external_id) == ("RO", "Lamps", "S-1")
    assert (order.partner_id, order.agent_id) == (partner, gail.membership().id)
    assert (items, order.total) == ([LAMP, BULB], Decimal("102.00"))


def test_an_agent_creates_for_himself_or_for_nobody(client):
    assert create(client, gail, agent=str(gus.membership().id)).status_code == 422
    assert not created()
    assert create(client, gail, agent=str(gail.membership().id)).status_code == 302


def test_a_partner_creates_nothing(client):
    assert create(client, pat).status_code == 403
    assert not created()


def test_empty_lines_count_for_nothing(client):
    data = lines(LAMP, extra=2) | {"items-1-quantity": "1", "items-2-name": "  "}
    assert create(client, ann, **data).status_code == 302
    assert opened(*created())[2] == [LAMP]


def test_prices_are_read_as_people_write_them(client):
    data = {"items-0-price": "12 990,50"}
    assert create(client, ann, **data).status_code == 302
    assert opened(*created())[2][0].price == Decimal("12990.50")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("phone", "", "This field is required."),
        ("phone", "12", "+40"),
        ("phone", "1234567890123456789", "+40"),
        ("email", "ioana", "Enter a valid email address."),
        ("country", "Nowhere", "Choose a country from the list."),
        ("currency", "ZZZ", "Select a valid choice"),
        ("partner", "wm14", "Select a valid choice"),
        ("external_id", "x" * 101, "at most 100 characters"),
        ("items-0-name", "", "This field is required."),
        ("items-0-price", "much", "Write an amount in digits"),
        ("items-0-price", "", "This field is required."),
        ("items-0-price", "-1", "from 0 to"),
        ("items-0-price", "1.2345", "at most two decimals"),
        ("items-0-price", "99999999999", "from 0 to"),
        ("items-0-quantity", "0", "a whole number from 1 to 100000"),
        ("items-0-quantity", "1.5", "a whole number from 1 to 100000"),
        ("items-0-quantity", "100001", "a whole number from 1 to 100000"),
        ("items-TOTAL_FORMS", "x", "ManagementForm"),
        ("items-TOTAL_FORMS", "301", "at most 300"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(client, field, value, says):
    answer = create(client, ann, **{field: value})
    body = answer.content.decode()
    assert answer.status_code == 422
    assert says in body
    for typed in ("Ioana Pop", "Str. Lunga 1", "Lamps"):
        assert typed in body
    assert not created()


def test_lines_that_come_to_too_much_are_refused(client):
    dear = ItemDraft("Palace", Decimal("9999999999.99"), 100_000)
    answer = create(client, ann, dear)
    assert answer.status_code == 422
    assert "more than an order can hold" in answer.content.decode()


FIELDS = [*FILLED, *(f"items-0-{part}" for part in ("name", "sku", "quantity", "price"))]


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("field", FIELDS)
def test_hostile_values_are_refused_or_kept_as_text(client, field, value):
    answer = create(client, ann, **{field: value})
    body = answer.content.decode()
    assert answer.status_code in (302, 422)
    assert "<script>alert" not in body
    if answer.status_code == 422:
        assert 'class="wrong"' in body or "t-bad" in body
        assert not created()
    else:
        card = client.get(answer["Location"])
        assert card.status_code == 200
        assert "<script>alert" not in card.content.decode()


@pytest.mark.parametrize("data", [{}, {"name": "x"}, {"items-TOTAL_FORMS": "9" * 30}])
def test_a_form_that_is_not_ours_is_no_error(client, data):
    answer = sign_in(client, ann).post(reverse("orders:new"), data)
    assert answer.status_code == 422
    assert not created()


# Clauses


def deeds() -> int:
    """How many entries there are, but for people's coming and going."""
    return AuditEntry.objects.exclude(action__startswith="session.").count()


@pytest.mark.parametrize(
    ("told", "beside"),
    [
        ({"phone": "+7 916 123-45-67"}, "phone"),
        ({"phone": "8 (916) 123 45 67", "country": "KZ"}, "phone"),
        ({"country": "RU"}, "country"),
        ({"country": "Россия"}, "country"),
        ({"citizenship": "RU", "country": "KZ"}, "citizenship"),
    ],
)
def test_the_prohibited_are_refused_by_the_clause_and_leave_nothing(client, caplog, told, beside):
    with as_(ann):
        told_before = deeds()
    caplog.set_level(logging.DEBUG)
    answer = create(client, ann, name="Ivan Canary", **told)
    body = answer.content.decode()
    assert answer.status_code == 422
    assert body.count("Clause P2: no personal data from Russia") == 1
    assert f'id="id_{beside}_error"' in body
    assert "#P2" in body
    assert "Ivan Canary" in body
    assert not created()
    with as_(ann):
        assert deeds() == told_before
        assert not Offer.objects.filter(name="Lamps").exists()
    assert "Canary" not in caplog.text
    assert "916" not in telling(caplog.text)


def test_a_declared_other_citizenship_outweighs_the_number(client):
    told = {"phone": "+7 916 123-45-67", "citizenship": "KZ", "country": "KZ"}
    assert create(client, ann, **told).status_code == 302


def test_kazakhstans_numbers_pass(client):
    assert create(client, ann, phone="8 747 293 76 14", country="KZ").status_code == 302


def test_a_number_as_it_is_dialled_at_home_is_taken(client):
    assert create(client, ann, phone="0723 123 643", country="").status_code == 302
    [order] = created()
    assert opened(order)[1].phone == "+40723123643"


def test_what_is_no_number_is_answered_with_one_of_the_companys_country(client):
    assert "such as +40 " in create(client, ann, phone="12", country="").content.decode()


@pytest.mark.parametrize("spelled", ["8 916 123 45 67", "916 123 45 67", "+7 (916) 123-45-67"])
def test_a_company_of_kazakhstan_takes_no_number_of_russia_without_a_country(client, spelled):
    answer = create(client, bea, phone=spelled, country="")
    assert answer.status_code == 422
    assert "Clause P2" in answer.content.decode()


def test_the_companys_own_currency_comes_first_then_the_usual_ones(client):
    choices = sign_in(client, bea).get(reverse("orders:new")).context["form"]["currency"].field
    codes = [code for code, _label in choices.choices]
    assert codes[:3] == ["KZT", "EUR", "USD"]
    assert codes[7:] == sorted(set(codes) - set(codes[:7]))


def test_partners_stand_in_the_order_of_their_names(client):
    with as_(ann) as by:
        for name in ("Zeta", "alpha", "Beta"):
            Partner.objects.create(company_id=by.company_id, name=name)
    names = sign_in(client, ann).get(reverse("orders:new")).context["form"]["partner"].field
    assert [label for _key, label in names.choices][1:] == ["alpha", "Beta", "wm14", "Zeta"]


def test_an_edit_does_not_bring_the_prohibited_in(client):
    order = added()
    data = as_shown(client, ann, order) | {"phone": "+7 916 123-45-67"}
    answer = save(client, order, data)
    assert answer.status_code == 422
    assert "Clause P2" in answer.content.decode()
    assert opened(order)[1] == IOANA


def test_a_number_kept_unseen_is_judged_all_the_same(client):
    person = Person(name="Aigul", phone="+79161234567")
    order = added(person=person, citizenship="KZ", country="KZ")
    data = as_shown(client, gail, order) | {"citizenship": ""}
    answer = save(client, order, data)
    assert answer.status_code == 422
    assert "Clause P2" in answer.content.decode()
    assert opened(order)[0].citizenship == "KZ"


def test_a_company_without_a_policy_is_told_so_before_it_tries(client, monkeypatch):
    monkeypatch.setattr("orders.views.editing.company_has_policy", lambda: False)
    body = sign_in(client, ann).get(reverse("orders:new")).content.decode()
    assert "Clause C1" in body
    assert reverse("policy:company", args=["aurora"]) in body
    answer = create(client, ann)
    assert answer.status_code == 403
    assert "Clause C1" in answer.content.decode()
    assert "Str. Lunga 1" in answer.content.decode()
    assert not created()


# Editing


def test_the_untouched_form_changes_nothing(client):
    order = added(offer="Lamps", country="RO", external_id="S-1")
    assert save(client, order, as_shown(client, ann, order)).status_code == 302
    stored, person, items = opened(order)
    assert (stored.version, person, items) == (1, IOANA, [LAMP])


def edits(order):
    with as_(ann):
        return AuditEntry.objects.filter(action="order.edited", object_id=order.id).count()


def test_saving_an_order_without_an_offer_untouched_records_nothing(client):
    order = added()
    assert save(client, order, as_shown(client, ann, order)).status_code == 302
    assert (opened(order)[0].version, edits(order)) == (1, 0)
    assert save(client, order, as_shown(client, ann, order) | {"offer": "Lamps"}).status_code == 302
    assert (opened(order)[0].version, edits(order)) == (2, 1)


def test_a_browsers_line_endings_are_no_change(client):
    """A form sends what was typed on two lines with CRLF, whatever was stored."""
    order = added(person=replace(IOANA, comment="Ring twice\nThen wait"))
    data = as_shown(client, ann, order)
    data["comment"] = data["comment"].replace("\n", "\r\n")
    assert save(client, order, data).status_code == 302
    assert (opened(order)[0].version, edits(order)) == (1, 0)


def test_an_edit_changes_what_was_typed_and_keeps_the_rest(client):
    order = added(offer="Lamps", country="RO")
    data = as_shown(client, ann, order) | {"city": "Iași", "offer": "Bulbs", "currency": "RON"}
    assert save(client, order, data).status_code == 302
    stored, person, _items = opened(order)
    assert (person.city, person.extra) == ("Iași", {"size": "L"})
    assert (stored.offer.name, stored.currency, stored.version) == ("Bulbs", "RON", 2)


def test_lines_are_added_changed_and_removed(client):
    order = added(items=[LAMP, BULB])
    data = as_shown(client, ann, order) | {
        "items-0-DELETE": "on", "items-1-quantity": "5",
        "items-2-name": "Shade", "items-2-price": "7,25", "items-2-quantity": "",
    }  # fmt: skip
    assert save(client, order, data).status_code == 302
    stored, _person, items = opened(order)
    assert items == [
        ItemDraft("Bulb", Decimal("3.00"), 5), ItemDraft("Shade", Decimal("7.25"))
    ]  # fmt: skip
    assert stored.total == Decimal("22.25")


def test_an_emptied_line_is_removed(client):
    order = added(items=[LAMP, BULB])
    blank = {f"items-0-{part}": "" for part in ("name", "sku", "price", "quantity")}
    assert save(client, order, as_shown(client, ann, order) | blank).status_code == 302
    assert opened(order)[2] == [BULB]


def test_an_agents_form_neither_shows_nor_loses_the_telephone(client):
    order = added(country="RO")
    data = as_shown(client, gail, order)
    body = client.get(reverse("orders:edit", args=[order.id])).content.decode()
    assert "+40 ••• ••• 643" in body
    assert "723123" not in body.replace(" ", "")
    assert save(client, order, data | {"city": "Iași"}).status_code == 302
    assert opened(order)[1].phone == IOANA.phone


def test_an_agent_may_type_a_new_telephone(client):
    order = added(country="RO")
    data = as_shown(client, gail, order) | {"phone": "0723 999 888"}
    assert save(client, order, data).status_code == 302
    assert opened(order)[1].phone == "+40723999888"


def edited_meanwhile(order):
    with as_(ann) as by:
        person = Person(name="Ioana Popescu", phone=IOANA.phone, city="Arad")
        order.edit(by=by, version=1, person=person, items=[BULB], offer="Bulbs")


def test_an_edit_on_what_changed_meanwhile_shows_both_and_overwrites_nothing(client):
    order = added(offer="Lamps", country="RO")
    data = as_shown(client, gail, order) | {"city": "Iași", "external_id": "MINE-1"}
    edited_meanwhile(order)
    answer = save(client, order, data)
    body = answer.content.decode()
    assert answer.status_code == 409
    assert "Ann changed this order" in body
    rows = {
        row["label"]: (row["theirs"], row["yours"]) for row in answer.context["conflict"]["rows"]
    }
    assert rows["City"] == ("Arad", "Iași")
    assert rows["Name"] == ("Ioana Popescu", "Ioana Pop")
    assert rows["Offer"] == ("Bulbs", "Lamps")
    assert rows["External number"] == ("", "MINE-1")
    assert rows["Items"] == ("1 × Bulb, €3.00", "2 × Lamp L-1, €49.50")
    assert "Telephone" not in rows
    stored, person, items = opened(order)
    assert (stored.version, person.city, items) == (2, "Arad", [BULB])


def test_saving_again_after_the_comparison_is_a_knowing_overwrite(client):
    order = added(country="RO")
    data = as_shown(client, ann, order) | {"city": "Iași"}
    edited_meanwhile(order)
    shown = save(client, order, data).context["form"]["version"].value()
    assert shown == "2"
    assert save(client, order, data | {"version": shown}).status_code == 302
    stored, person, items = opened(order)
    assert (stored.version, person.city, items) == (3, "Iași", [LAMP])


def test_a_conflict_does_not_show_an_agent_the_telephone(client):
    order = added(country="RO")
    data = as_shown(client, gail, order) | {"phone": "0723 999 888"}
    edited_meanwhile(order)
    answer = save(client, order, data)
    assert answer.status_code == 409
    assert "+40 ••• ••• 643" in answer.content.decode()
    assert "723123" not in answer.content.decode().replace(" ", "")


@pytest.mark.parametrize("version", ["", "x", "0", "-1", "9" * 40, "1\0"])
def test_a_version_that_never_was_saves_nothing(client, version):
    order = added(country="RO")
    data = as_shown(client, ann, order) | {"version": version, "city": "Iași"}
    assert save(client, order, data).status_code in (409, 422)
    assert opened(order)[0].version == 1


def test_the_form_of_an_order_out_of_reach_is_not_found(client):
    order = added(agent=gail.membership().id)
    assert sign_in(client, gus).get(reverse("orders:edit", args=[order.id])).status_code == 404
    assert save(client, order, {}).status_code == 404
