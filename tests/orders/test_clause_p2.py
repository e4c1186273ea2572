"""Clause P2 by every way into the database, SQL included; and what becomes of orders that are
there when the operator's list grows."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import audit, gate
from accounts.models import AuditEntry, Membership
from orders import keys
from orders.intake import ItemDraft, Prohibited
from orders.models import Comment, Order, SearchWord
from orders.persons import Person
from policy.prohibitions import Jurisdiction
from policy.refusals import Refusal
from policy.telephones import region_of
from tests.orders.sending import key_of, send
from tests.orders.test_editing import FILLED, LAMP, as_shown, lines, save
from tests.orders.test_moves import brought
from tests.orders.uploading import begun, start, worked
from tests.people import adam, ann, as_, gail, gus, lena, olga, pat, sign_in
from tests.policy.spellings import RUSSIA, RUSSIAN
from tests.remains import every_row
from tests.telling import telling

pytestmark = pytest.mark.django_db

CANARY = "Zhivago"
RUSSIAN_PERSON = Person(name=f"Ivan {CANARY}", phone="+79161234567")
MINSK = Person(name="Alesya", phone="+375297998170", comment="Ring twice")
DIGITS = ("9161234567", "916 123", "916-123")
ORDER = """
INSERT INTO orders_order (company_id, id, status, version, external_id, country, citizenship,
    person, phone_hash, phone_country, currency, total, attempts, reason, source, created_at,
    updated_at)
SELECT company_id, gen_random_uuid(), 'new', 1, '', %s, %s, person, phone_hash, %s, currency, 0, 0,
    '', 'hand', now(), now() FROM orders_order LIMIT 1
"""


def add(by, person=MINSK, **draft):
    items = [ItemDraft("Kettle", Decimal("49.90"))]
    return Order.objects.add(by=by, person=person, items=items, currency="EUR", **draft)


def added(someone=ann, person=MINSK, **draft) -> Order:
    with as_(someone) as by:
        return add(by, person, **draft)


def prohibit(*codes: str) -> None:
    with as_(olga) as by:
        for code in codes:
            Jurisdiction.objects.prohibit(code, by=by, reason="A new law")


def counted() -> dict[tuple[str, str, str], int]:
    with as_(ann):
        rows = Refusal.objects.values_list("way", "sign", "jurisdiction", "count")
        return {(way, sign, code): count for way, sign, code, count in rows}


def orders_there() -> int:
    with as_(ann):
        return Order.objects.count()


def state_of(deed, *values: object) -> str:
    """The SQLSTATE with which the database refuses the deed."""
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        deed(*values)
    return refusal.value.__cause__.sqlstate


def sql(command: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(command, values)
        return cursor.rowcount


def create(client: Client, **fields: str):
    return client.post(reverse("orders:new"), FILLED | lines(LAMP) | fields)


def table_of(phones: list[str], head: str = "Phone") -> bytes:
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(["Order number", "Name", head, "Item", "Price"])
    for number, phone in enumerate(phones):
        rows.writerow([f"C{number}", f"Ivan {CANARY}", phone, "Belt", "9.90"])
    return file.getvalue().encode()


# The corpus, by every way


@pytest.mark.django_db(transaction=True)
def test_no_spelling_of_a_russian_number_gets_in_or_leaves_anything(client, caplog, superuser_url):
    caplog.set_level(logging.DEBUG)
    order = added(country="BY")
    sign_in(client, ann)
    shown = as_shown(client, ann, order)
    before, key = orders_there(), key_of()
    for phone in RUSSIAN:
        assert create(client, name=f"Ivan {CANARY}", phone=phone).status_code == 422, phone
        edit = save(client, order, shown | {"name": CANARY, "phone": phone, "country": "KZ"})
        assert edit.status_code == 422, phone
        assert send(key, name=CANARY, phone=phone, country="KZ").status_code == 422, phone
    run = worked(begun(table_of(RUSSIAN)))
    assert (run.created, run.prohibited) == (0, len(RUSSIAN))
    assert orders_there() == before
    ways = [(way, "phone", "RU") for way in ("form", "edit", "api", "import")]
    assert counted() == dict.fromkeys(ways, len(RUSSIAN))
    with as_(ann):
        assert state_of(sql, ORDER, "RU", "", "RO") == "CVP02"  # which the server's log tells
    said = [*every_row(superuser_url), caplog.text, server_log()]
    for trace in (CANARY, *DIGITS):
        assert not [text for text in said if trace in text], trace


def server_log() -> str:
    """PostgreSQL's own; nothing of a server that somebody else runs."""
    state = Path(os.environ["VAR"]) / "postgres.json"
    if not state.exists():
        return ""
    return (Path(json.loads(state.read_text())["home"]) / "log").read_text(errors="replace")


def test_every_spelling_of_russia_is_refused_in_files(client):
    run = worked(begun(table_of(["RU", *RUSSIA], head="Citizenship")))
    assert run.created == 0
    with as_(adam):
        assert not Order.objects.filter(citizenship="RU").exists()


def test_a_verb_judges_whoever_calls_it():
    with as_(ann) as by:
        with pytest.raises(Prohibited):
            add(by, RUSSIAN_PERSON)
        with pytest.raises(Prohibited):
            add(by, country="RU")
        order = add(by, country="BY")
        with pytest.raises(Prohibited):
            order.edit(by=by, version=1, person=RUSSIAN_PERSON)
        with pytest.raises(Prohibited):
            order.edit(by=by, version=1, citizenship="RU")


@pytest.mark.parametrize("someone", [ann, lena, gail], ids=str)
@pytest.mark.parametrize(
    "told", [("RU", "", "RO"), ("", "RU", "RO"), ("", "", "RU"), ("RU", "KZ", "RO")]
)
def test_sql_stores_nobody_prohibited(someone, told):
    before = orders_there()
    with as_(someone):
        assert state_of(sql, ORDER, *told) == "CVP02"
    assert orders_there() == before


@pytest.mark.parametrize("change", ["country", "citizenship", "phone_country"])
def test_sql_makes_no_order_a_prohibited_persons(change):
    order = added()
    with as_(gail):
        command = f"UPDATE orders_order SET {change} = 'RU' WHERE id = %s"
        assert state_of(sql, command, order.id) == "CVP02"


@pytest.mark.parametrize("told", [("ru", "", "RO"), ("", "", "ru"), ("", "", ""), ("", "643", "")])
def test_sql_says_countries_as_codes_and_a_number_has_one(told):
    with as_(ann):
        assert state_of(sql, ORDER, *told) in ("23514", "22001")
        assert state_of(sql, ORDER, "RO", "", None) == "23502"


def test_a_declared_other_citizenship_outweighs_the_number_in_sql_too():
    with as_(ann), transaction.atomic():
        assert sql(ORDER, "KZ", "KZ", "RU") == 1
        assert sql(ORDER, "KZ", "", "KZ") == 1
        transaction.set_rollback(True)  # nobody tells of these


@pytest.mark.parametrize(
    ("phone", "region"),
    [
        ("+79161234567", "RU"), ("+77472937614", "KZ"), ("+76001234567", "KZ"),
        ("+40721234643", "RO"), ("+12025550123", "US"), ("+883510012345678", "ZZ"), ("", ""),
    ],
)  # fmt: skip
def test_an_order_knows_the_country_of_its_number(phone, region):
    assert region_of(phone) == region


def test_an_edited_number_changes_its_country():
    with as_(ann) as by:
        order = add(by)
        assert order.phone_country == "BY"
        order.edit(by=by, version=1, person=Person(name="Ana", phone="+40721234643"))
        order.refresh_from_db()
        assert order.phone_country == "RO"
        order.edit(by=by, version=2, person=Person(name="Ana"))
        order.refresh_from_db()
        assert (order.phone_country, order.phone_hash) == ("", None)


# What is counted


def test_a_form_is_counted_once_and_by_its_rule(client):
    sign_in(client, gail)
    create(client, phone="+7 916 123-45-67")
    create(client, country="RU")
    create(client, citizenship="RU", country="KZ")
    create(client, phone="8 916 123 45 67", **{"items-0-price": "much"})
    assert counted() == {
        ("form", "phone", "RU"): 2,
        ("form", "country", "RU"): 1,
        ("form", "citizenship", "RU"): 1,
    }


def test_an_invalid_number_is_refused_and_not_counted(client):
    answer = create(sign_in(client, ann), phone="12")
    assert answer.status_code == 422
    assert "P2" not in answer.content.decode()
    assert counted() == {}


def test_a_preview_of_a_file_counts_nobody(client):
    sign_in(client, adam)
    start(client, table_of(["8 916 123 45 67"]))
    assert counted() == {("import", "phone", "RU"): 1}


def test_what_the_list_gained_since_a_file_was_read_is_refused_by_the_worker():
    run = begun(table_of(["+375 29 799 81 70", "+40 721 234 643"]))
    prohibit("BY")
    run = worked(run)
    assert (run.created, run.refused, run.prohibited) == (1, 1, 1)
    assert counted() == {("import", "phone", "BY"): 1}


def test_the_company_reads_its_counts(client):
    create(sign_in(client, gail), phone="8 916 123 45 67")
    assert client.get(reverse("orders:refusals")).status_code == 403
    page = sign_in(client, ann).get(reverse("orders:refusals"))
    [told] = page.context["days"]
    assert (told["country"], str(told["sign"]), told["count"]) == ("Russia", "telephone", 1)
    assert "916" not in telling(page.content.decode())


# A list that grows


def stopped_order(**draft) -> Order:
    order = added(country="BY", **draft)
    with as_(ann) as by:
        order.say(by=by, text="Calls back after six")
    prohibit("BY")
    return order


DEEDS = {
    "move": lambda order, by: order.move(by=by, move="take", version=order.version),
    "edit": lambda order, by: order.edit(
        by=by, version=order.version, country="KZ", citizenship="KZ"
    ),
    "correct": lambda order, by: order.edit(
        by=by, version=order.version, country="KZ", citizenship="KZ",
        person=Person(phone="+77472937614"),
    ),
    "comment": lambda order, by: order.say(by=by, text="Hello"),
    "reveal": lambda order, by: order.reveal_telephone(by=by),
    "assign": lambda order, by: order.assign(by=by, agent_id=by.membership_id),
    "sql": lambda order, by: sql("UPDATE orders_order SET reason = 'x' WHERE id = %s", order.id),
}  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("someone", [ann, lena], ids=str)
def test_work_stops_on_whom_the_list_concerns(someone, deed):
    order = stopped_order()
    with as_(someone) as by:
        order.refresh_from_db()
        told = AuditEntry.objects.filter(object_id=order.id).count()
        assert state_of(DEEDS[deed], order, by) == "CVP02"
        assert AuditEntry.objects.filter(object_id=order.id).count() == told
    with as_(ann):
        assert Order.objects.get(id=order.id).version == 1


def test_a_look_is_refused_to_who_reads_the_order_and_does_not_write_it():
    order = stopped_order()
    secret = gate.new_secret()
    gate.open_pass(
        secret, kind="job", user_id=gail.user.pk, company_id=order.company_id,
        reach=["company.enter", "orders.read", "persons.open"],
        until=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    with gate.carrying(secret) as by:
        assert state_of(lambda: order.reveal_telephone(by=by)) == "CVP02"


def test_work_goes_on_where_only_the_number_pointed_there():
    order = added(person=MINSK, citizenship="KZ", country="KZ")
    prohibit("BY")
    with as_(gail) as by:
        order.say(by=by, text="Hello")
        order.move(by=by, move="take", version=1)
        assert Order.objects.get(id=order.id).status == "processing"


def test_work_goes_on_when_the_country_is_taken_off_again():
    order = stopped_order()
    with as_(olga) as by:
        Jurisdiction.objects.lift("BY", by=by, reason="Repealed")
    with as_(gail) as by:
        order.move(by=by, move="take", version=1)
        assert Order.objects.get(id=order.id).status == "processing"


def test_the_queue_passes_over_who_is_stopped():
    stopped = stopped_order()
    with as_(gail) as by:
        taken = Order.objects.take_next(by=by)
        assert taken and taken.id != stopped.id


def test_an_agent_may_still_change_teams():
    order = added(country="BY", agent=gail.membership().id)
    prohibit("BY")
    with as_(ann) as by:
        place = Membership.objects.get(id=gail.membership().id)
        place.place(by=by, role="agent", team=None)
        assert Order.objects.get(id=order.id).team_id is None


def test_the_card_says_why_and_shows_nobody(client):
    order = stopped_order()
    address = reverse("orders:card", args=[order.id])
    page = sign_in(client, gail).get(address).content.decode()
    assert "Clause P2: Belarus" in page
    assert not [word for word in ("Alesya", "375", "after six", "Yes, erase") if word in page]
    assert "Yes, erase" in sign_in(client, ann).get(address).content.decode()
    assert client.get(reverse("orders:edit", args=[order.id])).url == address


@pytest.mark.parametrize(
    ("deed", "data"),
    [
        ("move", {"move": "take", "version": "1"}),
        ("comment", {"text": "Hello"}),
        ("reveal", {}),
        ("assign", {"agent": ""}),
    ],
)
def test_a_page_that_stood_open_is_refused_in_words(client, deed, data):
    order = stopped_order()
    answer = sign_in(client, lena).post(reverse(f"orders:{deed}", args=[order.id]), data)
    assert answer.status_code == 422
    assert "Clause P2" in answer.content.decode()
    assert "375" not in telling(answer.content.decode())


def test_the_company_sees_which_orders_have_stopped(client):
    order = stopped_order()
    page = sign_in(client, adam).get(reverse("orders:refusals"))
    assert page.context["stopped"] == 1
    found = client.get(page.context["stopped_url"]).content.decode()
    assert str(order.id) in found
    assert found.count("data-order") <= 1 or str(order.id) in found
    with as_(ann):
        others = Order.objects.exclude(id=order.id).values_list("id", flat=True)
        assert not [other for other in others if str(other) in found]


# Erasing


def erased(order: Order, someone=adam) -> Order:
    with as_(someone) as by:
        Order.objects.get(id=order.id).erase(by=by, because="jurisdiction")
        return Order.objects.get(id=order.id)


def test_an_erasure_leaves_nobody():
    order = erased(stopped_order(offer="Kettles"))
    assert (bytes(order.person), order.phone_hash, order.phone_country) == (b"", None, "")
    assert (order.country, order.citizenship) == ("", "")
    assert (order.status, order.reason, order.total) == ("trash", "jurisdiction", Decimal("49.90"))
    with as_(ann) as by:
        assert order.open_person(keys.provided(by)) == Person()
        assert not SearchWord.objects.filter(order_id=order.id).exists()
        assert not Comment.objects.filter(order_id=order.id).exists()
        [told] = AuditEntry.objects.filter(object_id=order.id, action="order.erased")
        assert told.changes == {"because": "jurisdiction", "from": "new", "to": "trash"}


def test_the_database_empties_what_only_says_that_it_is_erased():
    order = added(country="RO")
    with as_(ann) as by:
        sql("UPDATE orders_order SET erased_at = now() WHERE id = %s", order.id)
        audit.record(by=by, action="order.erased", of=order)
        order.refresh_from_db()
        assert (bytes(order.person), order.phone_hash, order.country) == (b"", None, "")
        assert not SearchWord.objects.filter(order_id=order.id).exists()


def test_what_was_sent_keeps_its_place_and_is_paid():
    with as_(ann) as by:
        order = brought(by, MINSK, country="BY", status="delivered")
    prohibit("BY")
    order = erased(order)
    assert (order.status, order.reason) == ("delivered", "")
    with as_(ann) as by:
        order.move(by=by, move="pay", version=order.version)


@pytest.mark.parametrize("someone", [lena, gail, gus, pat], ids=str)
def test_erasing_is_for_who_runs_the_company(client, someone):
    order = stopped_order()
    answer = sign_in(client, someone).post(reverse("orders:erase", args=[order.id]))
    assert answer.status_code == 403
    with as_(someone):
        command = "UPDATE orders_order SET erased_at = now() WHERE id = %s"
        if someone is pat:
            assert sql(command, order.id) == 0
        else:
            assert state_of(sql, command, order.id) == "42501"
        assert sql("DELETE FROM orders_comment") == 0
    with as_(ann):
        assert not Order.objects.get(id=order.id).erased_at


@pytest.mark.parametrize(
    "change",
    [
        "erased_at = NULL",
        "erased_at = now() - interval '1 day'",
        "person = 'x'",
        "phone_hash = 'x', phone_country = 'RO'",
    ],
)
def test_nobody_is_restored(change):
    order = erased(stopped_order())
    with as_(ann):
        command = f"UPDATE orders_order SET {change} WHERE id = %s"
        assert state_of(sql, command, order.id) in ("42501", "23514")


def test_nothing_more_is_said_of_the_erased(client):
    order = erased(stopped_order())
    with as_(ann) as by:
        assert state_of(lambda: order.say(by=by, text="Ivan lives there")) == "CVP02"
    address = reverse("orders:card", args=[order.id])
    page = sign_in(client, ann).get(address).content.decode()
    assert "was erased on" in page
    assert 'name="text"' not in page
    assert client.get(reverse("orders:edit", args=[order.id])).url == address
    again = {"move": "reopen", "version": str(order.version), "comment": "Call again"}
    assert client.post(reverse("orders:move", args=[order.id]), again).status_code == 422


def test_the_page_erases_one_and_then_all(client):
    order = stopped_order()
    sign_in(client, adam)
    assert client.post(reverse("orders:erase", args=[order.id])).status_code == 302
    prohibit("RO")
    assert client.post(reverse("orders:erase_stopped")).status_code == 302
    page = client.get(reverse("orders:refusals"))
    assert page.context["stopped"] == 0
    with as_(ann):
        assert not Order.objects.exclude(erased_at=None).exclude(status="trash").exists()


def test_the_page_erases_nobody_whom_nothing_stopped(client):
    order = added(country="RO")
    answer = sign_in(client, ann).post(reverse("orders:erase", args=[order.id]))
    assert answer.status_code == 422
    with as_(ann):
        assert not Order.objects.get(id=order.id).erased_at
