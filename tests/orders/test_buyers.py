"""A buyer's rights: all that is held of one person is found, handed out, corrected and erased."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry
from orders import holdings, inquiries, keys
from orders.buyers import Buyer
from orders.intake import Prohibited
from orders.models import Inquiry, Order
from orders.persons import Person
from tests.orders.asking import (
    EMAIL,
    NAMES,
    PHONE,
    ZOE,
    again,
    asked,
    erased,
    everywhere,
    found,
    looked,
    ordered,
    said,
    secret_of,
)
from tests.orders.test_clause_p2 import prohibit
from tests.people import Someone, adam, as_, bea, gail, lena, pat, sign_in

pytestmark = pytest.mark.django_db


# Who is meant


@pytest.mark.parametrize(
    "typed",
    ["0733555777", "0733 555 777", "+40 (733) 555-777", "0040733555777", "ZOE.Quill@example.org"],
)
def test_a_buyer_is_found_in_any_spelling(typed):
    order = ordered()
    run = asked(typed)
    with found(run) as held:
        assert [each.id for each, _person in held.orders] == [order.id]


@pytest.mark.parametrize("typed", ["3282534341", "39 328 253 4341"])
def test_a_number_of_another_country_names_it(typed):
    with pytest.raises(ValidationError, match="with a plus"):
        Buyer.read(typed, "RO")
    assert Buyer.read("0039 (328) 253-4341", "RO") == Buyer(("+393282534341",))


@pytest.mark.parametrize("typed", ["", ",", "55", "nobody", "a@", "+40733555777 12345678901234"])
def test_what_is_neither_a_telephone_nor_an_e_mail_is_refused(typed):
    with pytest.raises(ValidationError) as refused:
        Buyer.read(typed, "RO")
    assert not typed.strip(" ,") or typed not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("call 0733 555 777 after six", True),
        ("0733/555-777", True),
        ('{"phone": "733555777"}', True),
        ("٠٧٣٣٥٥٥٧٧٧", True),
        ("mailto:Zoe.Quill@example.org.", True),
        ("0733 555 778", False),
        ("azoe.quill@example.org", False),
        ("733, 555, 777", False),
    ],
)
def test_a_text_names_the_buyer_however_it_is_written(text, named):
    assert Buyer((PHONE,), (EMAIL,)).is_named_in(text) is named


# Finding


def test_all_that_is_held_is_found():
    everywhere()
    run = looked(PHONE, EMAIL)
    assert run.read_at and run.read == run.total > 0
    with found(run) as held:
        assert len(held.orders) == 2
        assert [text for texts in held.comments.values() for _c, text in texts] == [
            "Wants it on Friday."
        ]
        assert ["neighbour" in text for _comment, text in held.mentions] == [True]
        assert [values["external_id"] for _line, values in held.lines] == ["Z2"]
        assert [each["order"]["external_id"] for each in held.waiting] == ["Z3"]


def test_what_their_orders_name_besides_is_offered_and_not_taken():
    ordered()
    ordered(Person(name="Somebody", email=EMAIL, phone="+40744111222"))
    with found(looked(PHONE)) as held:
        assert len(held.orders) == 1
        assert str(held.also_known_by) == EMAIL


def test_another_companys_buyer_is_not_found():
    ordered(someone=bea, currency="KZT")
    with found(looked(PHONE)) as held:
        assert held.nothing
    run = looked(PHONE, someone=bea)
    with found(run, bea) as held:
        assert len(held.orders) == 1
    with as_(adam):
        assert not Inquiry.objects.filter(id=run.id).exists()


def test_who_is_asked_about_is_in_no_table_in_the_clear(superuser_url):
    with as_(adam) as by:
        run = inquiries.begin(by=by, buyer=Buyer((PHONE,), (EMAIL,)))
        assert PHONE.encode() not in bytes(run.buyer)
        [told] = AuditEntry.objects.filter(object_id=run.id)
        assert (told.action, told.changes) == ("buyer.looked_up", {})


@pytest.mark.parametrize("someone", [lena, gail, pat], ids=str)
def test_only_who_runs_the_company_asks(someone):
    with as_(someone) as by:
        with pytest.raises(PermissionDenied):
            inquiries.begin(by=by, buyer=Buyer((PHONE,)))
        assert not Inquiry.objects.exists()
        row = Inquiry(company_id=by.company_id, author_id=by.user_id, buyer=b"")
        row.expires_at = row.started_at
        with pytest.raises(DatabaseError), transaction.atomic():
            row.save(force_insert=True)


def test_a_question_about_a_prohibited_number_leaves_nothing():
    with as_(adam) as by:
        before = Inquiry.objects.count()
        with pytest.raises(Prohibited):
            inquiries.begin(by=by, buyer=Buyer(("+79161234567",)))
        assert Inquiry.objects.count() == before
    ordered(Person(name="Aigul", phone="+79161234567"), citizenship="KZ")
    with found(asked("+79161234567")) as held:
        assert len(held.orders) == 1


def test_the_page_asks_in_the_same_statements_for_one_order_as_for_many(client):
    ordered()
    run = looked()
    sign_in(client, adam)
    page = reverse("orders:buyer", args=[run.id])

    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked_for:
            assert client.get(page).status_code == 200
        return len(asked_for)

    statements()
    few = statements()
    for _ in range(3):
        said(ordered(), "Again.")
    assert statements() == few


@pytest.mark.django_db(transaction=True)
def test_a_question_is_forgotten_after_a_day(owner, client):
    run, other = asked(), asked()
    assert inquiries.sweep() == 0
    owner.execute(
        "UPDATE orders_inquiry SET expires_at = now() - interval '1 second' WHERE id = %s", [run.id]
    )
    assert sign_in(client, adam).get(reverse("orders:buyer", args=[run.id])).status_code == 404
    assert inquiries.sweep() == 1
    with as_(adam):
        ids = Inquiry.objects.values_list("id", flat=True)
        assert run.id not in ids and other.id in ids


@pytest.mark.django_db(transaction=True)
def test_whom_a_longer_list_has_stopped_is_shown_to_nobody_and_erased(client):
    order = ordered(Person(name="Alesya Quill", phone=PHONE), country="BY")
    said(order, "Calls back after six.")
    prohibit("BY")
    run = looked(PHONE)
    page = sign_in(client, adam).get(reverse("orders:buyer", args=[run.id])).text
    assert "stopped by clause P2" in page and "Alesya" not in page
    with as_(adam) as by:
        archive = zipfile.ZipFile(io.BytesIO(holdings.archive(run, by=by)))
    assert "Alesya" not in archive.read("about-you.json").decode()
    assert erased(run).erased == {"orders": 1, "comments": 1}


# Handing over


def test_the_buyer_gets_all_of_it_and_no_name_of_who_works_here():
    everywhere()
    run = looked(PHONE, EMAIL)
    with as_(adam) as by:
        data = holdings.archive(run, by=by)
        [told] = AuditEntry.objects.filter(action="buyer.exported")
        assert told.changes == {"orders": 2}
    archive = zipfile.ZipFile(io.BytesIO(data))
    content = json.loads(archive.read("about-you.json"))
    assert {order["person"]["email"].lower() for order in content["orders"]} == {EMAIL}
    text = archive.read("about-you.html").decode()
    for word in ("Zoe Quill", "Wants it on Friday.", "neighbour", "0733 555 777", "Lamp"):
        assert word in text
    assert "Ring twice" not in text and "Ion Ene" not in text
    assert "Ann" not in text and "Adam" not in text


# Through the pages


def test_an_admin_answers_a_buyer_from_end_to_end(client, caplog):
    everywhere()
    sign_in(client, adam)
    there = client.post("/company/buyers/", {"who": f"0733 555 777, {EMAIL}"})
    assert there.status_code == 302 and "733" not in there.url
    page = client.get(there.url).text
    assert "Reading orders, comments and files" in page and "Zoe Quill" in page
    with as_(adam):
        run = Inquiry.objects.order_by("-id")[0]
    inquiries.look(run.id, secret_of(run))
    page = client.get(there.url).text
    assert "neighbour" in page and "Z2" in page
    archive = client.post(f"{there.url}archive/")
    assert "about-you.html" in zipfile.ZipFile(io.BytesIO(archive.content)).namelist()
    preview = client.get(f"{there.url}erasure/").text
    assert "Yes, erase for good" in preview
    assert client.post(f"{there.url}erasure/").url == there.url
    assert "so far" in client.get(there.url).text
    inquiries.forget(run.id, secret_of(run))
    page = client.get(there.url).text
    assert "Erased everywhere" in page and not [name for name in NAMES if name in page]
    assert not [name for name in NAMES if name in caplog.text]


def test_a_prohibited_number_is_refused_in_words(client):
    page = sign_in(client, adam).post("/company/buyers/", {"who": "+7 916 123-45-67"})
    assert page.status_code == 422 and "Clause P2" in page.text


@pytest.mark.parametrize("someone", [lena, gail, pat], ids=str)
def test_who_may_not_is_refused_over_http(someone):
    ordered()
    run = looked()
    client = sign_in(Client(), someone)
    assert client.post("/company/buyers/", {"who": PHONE}).status_code == 403
    for part in ("", "archive/", "erasure/", "correction/"):
        assert client.post(f"/company/buyers/{run.id}/{part}").status_code in (403, 405)
    assert sign_in(Client(), bea).post(f"/company/buyers/{run.id}/erasure/").status_code == 404
    assert again(run).erasing_at is None


def test_nobody_is_erased_before_all_has_been_read():
    ordered()
    run = asked()
    client = sign_in(Client(), adam)
    assert client.post(f"/company/buyers/{run.id}/erasure/").status_code == 302
    assert client.post(f"/company/buyers/{run.id}/archive/").status_code == 302
    assert again(run).erasing_at is None


# Correcting


def correction_form(client: Client, run: Inquiry) -> dict[str, Any]:
    """As a browser has it that opens the page: each box is ticked."""
    answer = client.get(f"/company/buyers/{run.id}/correction/")
    ticked = re.findall(r'name="orders" value="([0-9a-f-]{36})" checked', answer.text)
    return {"seen": answer.context["form"].initial["seen"], "orders": ticked}


def people(someone: Someone = adam) -> list[Person]:
    with as_(someone) as by:
        return [order.open_person(keys.provided(by)) for order in Order.objects.order_by("id")]


def test_all_their_orders_are_corrected_at_once(client):
    ordered()
    ordered(Person(name="Z. Quill", phone=PHONE, comment="Ring."))
    run = looked()
    sign_in(client, adam)
    posted = correction_form(client, run) | {"name": "Zoë Quill-Pop", "phone": "0744 555 666"}
    assert client.post(f"/company/buyers/{run.id}/correction/", posted).status_code == 302
    corrected = [person for person in people() if person.name == "Zoë Quill-Pop"]
    assert [person.phone for person in corrected] == ["+40744555666"] * 2
    assert [person.comment for person in corrected] == ["", "Ring."]
    assert [person.address for person in corrected] == ["Str. Lunga 7", ""]
    with found(run) as held:
        assert len(held.orders) == 2
    with as_(adam):
        entries = AuditEntry.objects.filter(action="order.edited")
        assert [sorted(entry.changes["fields"]) for entry in entries] == [["name", "phone"]] * 2
        [told] = AuditEntry.objects.filter(action="buyer.corrected")
        assert told.changes == {"orders": 2, "left": 0, "fields": ["name", "phone"]}


def test_an_order_that_is_not_ticked_stays_as_it_is(client):
    ordered()
    theirs = ordered(Person(name="Her brother", phone=PHONE))
    run = looked()
    sign_in(client, adam)
    posted = correction_form(client, run) | {"name": "Zoe Pop"}
    posted["orders"].remove(str(theirs.id))
    posted["orders"] *= 2  # a forged form: the audit counts orders, and not ticks
    there = f"/company/buyers/{run.id}/correction/"
    page = client.post(there, posted, follow=True).text
    assert "1 order has been corrected. 1 order stays as it was." in page
    names = [person.name for person in people()]
    assert "Her brother" in names and "Zoe Pop" in names and "Zoe Quill" not in names
    with as_(adam):
        assert not AuditEntry.objects.filter(action="order.edited", object_id=theirs.id).exists()
        [told] = AuditEntry.objects.filter(action="buyer.corrected")
        assert told.changes == {"orders": 1, "left": 1, "fields": ["name"]}


def test_nothing_is_corrected_where_nothing_is_ticked_or_what_is_no_order_of_theirs(client):
    ordered()
    others = ordered(Person(name="Ana Pop", phone="+40721234643"))
    run = looked()
    sign_in(client, adam)
    before = people()
    posted = correction_form(client, run) | {"name": "Zoe Pop"}
    there = f"/company/buyers/{run.id}/correction/"
    for ticked, status in (([], 422), (["?"], 422), ([*posted["orders"], str(others.id)], 409)):
        answer = client.post(there, posted | {"orders": ticked})
        assert answer.status_code == status and "say t-bad" in answer.text
    assert people() == before


def test_a_change_meanwhile_is_noticed_and_nothing_is_written(client):
    order = ordered()
    run = looked()
    sign_in(client, adam)
    posted = correction_form(client, run) | {"name": "Zoe Pop"}
    with as_(gail) as by:
        Order.objects.get(id=order.id).edit(by=by, version=1, person=ZOE, external_id="New")
    there = f"/company/buyers/{run.id}/correction/"
    answer = client.post(there, posted)
    assert answer.status_code == 409 and "changed meanwhile" in answer.text
    assert "Zoe Pop" not in [person.name for person in people()]
    anew = posted | {"seen": answer.context["form"].data["seen"]}
    assert client.post(there, anew).status_code == 302


def test_no_prohibited_number_comes_in_by_a_correction(client):
    ordered()
    ordered(citizenship="KZ")
    run = looked()
    sign_in(client, adam)
    posted = correction_form(client, run) | {"phone": "+7 916 123-45-67", "name": "Zoe Pop"}
    answer = client.post(f"/company/buyers/{run.id}/correction/", posted)
    assert answer.status_code == 422 and "Clause P2" in answer.text
    assert {person.phone for person in people()} == {PHONE, "+40721234643"}
    assert "Zoe Pop" not in [person.name for person in people()]
