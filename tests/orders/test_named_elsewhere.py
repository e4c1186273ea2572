"""A buyer who is named where no hash finds them: in others' words, and where nothing is sealed."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import audit
from accounts.models import AuditEntry, Grant
from orders import holdings, inquiries, keys, mentions
from orders.buyers import Buyer
from orders.models import Delivery, Import, ImportRefusal, Item, Lead, Order
from orders.persons import Person
from tests.access import link
from tests.orders.asking import (
    ANA,
    EMAIL,
    HEAD,
    PHONE,
    ZOE,
    again,
    erased,
    everywhere,
    found,
    looked,
    ordered,
    secret_of,
)
from tests.orders.sending import ask, key_of, send
from tests.orders.test_clause_p2 import prohibit
from tests.orders.test_webhooks import a_lead, trash, webhook_to
from tests.orders.uploading import as_it_stands, begun, imported, table, worked
from tests.people import adam, ann, as_, bea, gail, lena, pat, sign_in

pytestmark = pytest.mark.django_db

BUYER = Buyer((PHONE,), (EMAIL,))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Ring 0733 555 777, not me.", "Ring •••, not me."),
        ("0733/555-777; +40 (733) 555777", "•••; +•••"),
        ("Zoe.Quill@Example.org or azoe.quill@example.org", "••• or azoe.quill@example.org"),
        ("٠٧٣٣٥٥٥٧٧٧ and 0744 111 222", "••• and 0744 111 222"),
        ("zoe.quill＠example.org", "•••"),
        ("07\u200b33555777, leave it there", "•••, leave it there"),
        ("Str. Noua 1, ask at +40 733\u00a0555\u202f777, Iasi", "Str. Noua 1, ask at +•••, Iasi"),
        ("0733'555’777", "•••"),
        ("Zoe%200733%20555%20777", "•••"),
        (f"“{EMAIL}”, «{EMAIL}», e-mail={EMAIL}, Zoe/{EMAIL}", "“•••”, «•••», e-mail=•••, Zoe/•••"),
        (f"https://shop.example/?email={EMAIL}&n=1", "https://shop.example/?email=•••&n=1"),
        ("zoe.quill%40example.org", "•••"),
        ("zoe.quill@exam\u200bple.org", "•••"),
        (f"{EMAIL}.", "•••."),
        (f"{EMAIL}.br, tom&{EMAIL}, old-{EMAIL}", f"{EMAIL}.br, tom&{EMAIL}, old-{EMAIL}"),
        ("Str. Lunga 7, 0733 555 778", "Str. Lunga 7, 0733 555 778"),
        ("", ""),
    ],
)
def test_what_names_the_buyer_is_cut_out_of_a_text(text, left):
    assert BUYER.cut_from(text) == left
    assert not BUYER.is_named_in(BUYER.cut_from(text))


@pytest.mark.parametrize(
    ("phone", "at_home"),
    [
        ("+5491123456789", "011 15-2345-6789"),
        ("+390612345678", "06 1234 5678"),
        ("+3545812345", "581 2345"),
        ("+77472937614", "8 747 293 76 14"),
    ],
)
def test_a_number_is_known_as_it_is_dialled_at_home(phone, at_home):
    assert Buyer((phone,), ()).cut_from(f"Ring {at_home}.") == "Ring •••."


@pytest.mark.parametrize("sign", ["@", "a", "a@", "1.2", "1 ", "%40", "1\u00a0", "zoe.quill@"])
def test_a_text_is_read_in_time_in_proportion_to_its_length(sign):
    """A cell of a file holds 32,767 characters; read in the time of their square it took 30 s."""
    text = sign * (32_767 // len(sign))
    began = time.process_time()
    BUYER.is_named_in(text)
    BUYER.cut_from(f"{text} {EMAIL}")
    assert time.process_time() - began < 2


def now(order: Order) -> Order:
    with as_(adam):
        return Order.objects.get(id=order.id)


def said_in(order: Order) -> tuple[Person, list[str]]:
    with as_(adam) as by:
        items = Item.objects.filter(order_id=order.id).values_list("name", flat=True)
        return order.open_person(keys.provided(by)), list(items)


def test_another_buyers_order_loses_what_names_them_and_nothing_else():
    order = everywhere()
    before, _items = said_in(order)
    with found(looked(PHONE, EMAIL)) as held:
        [(named, fields)] = held.words
        assert (named.id, set(fields)) == (order.id, {"comment", "extra", "items"})
    erased(looked(PHONE, EMAIL))
    order, was = now(order), order
    after, items = said_in(order)
    assert (after.name, after.phone, after.address) == (ANA.name, ANA.phone, ANA.address)
    assert after.comment == "Or write to •••." and BUYER.is_named_in(before.comment)
    assert not BUYER.is_named_in(str(after.to_bytes()))
    assert items == ["Lamp, engraved: Zoe •••"]
    assert (order.total, order.status, order.version) == (was.total, "new", was.version + 1)
    with as_(adam) as by:
        [told] = AuditEntry.objects.filter(action="order.edited", object_id=order.id)
        assert told.actor_id == by.user_id
        assert set(told.changes["fields"]) == {"comment", "extra", "items"}
    with found(looked(ANA.phone)) as held:
        assert order.id in [each.id for each, _person in held.orders]


def test_the_buyer_is_told_where_and_not_what_another_wrote(client):
    everywhere()
    run = looked(PHONE, EMAIL)
    page = sign_in(client, adam).get(f"/company/buyers/{run.id}/").text
    assert "Named in other buyers' orders" in page and "engraved: Zoe" in page
    assert "of 0733555777.csv" in page
    preview = client.get(f"/company/buyers/{run.id}/erasure/").text
    assert "the telephone and e-mail are cut out, the rest stays" in preview
    with as_(adam) as by:
        told = holdings.for_the_buyer(holdings.of(run, by=by), by)
    [others] = told["others"]
    assert others["fields"] == ["what the buyer wrote", "the shop's own fields", "items"]
    assert "Noua" not in str(told) and ANA.phone not in str(told)


def test_an_order_that_is_left_out_keeps_its_words():
    ours = ordered(Person(name="Her brother", phone=PHONE, comment=f"Or {EMAIL}"))
    run = looked(EMAIL, PHONE)
    with as_(adam) as by:
        inquiries.erase(run, by=by, kept=[ours.id], ground="another")
    inquiries.forget(run.id, secret_of(run))
    assert said_in(ours)[0].comment == f"Or {EMAIL}"
    assert again(run).erased_at


def test_of_a_stopped_order_that_names_them_the_whole_person_goes(client):
    stopped = ordered(Person(name="Alesya", phone="+375291234567", comment=PHONE), country="BY")
    prohibit("BY")
    run = looked(PHONE)
    with found(run) as held:
        assert ([order.id for order in held.closed], held.words) == ([stopped.id], [])
    sign_in(client, adam)
    page = client.get(f"/company/buyers/{run.id}/").text
    assert "names this one has been stopped" in " ".join(page.split()) and "Alesya" not in page
    assert "they lose their own person" in client.get(f"/company/buyers/{run.id}/erasure/").text
    assert erased(run).erased["words"] == 1
    with as_(adam):
        order = Order.objects.get(id=stopped.id)
        assert (order.reason, bytes(order.person)) == ("jurisdiction", b"")


def test_the_page_asks_in_the_same_statements_for_one_such_order_as_for_many(client):
    ordered(ANA)
    counts = []
    for _ in range(2):
        run = looked(PHONE, EMAIL)
        page = f"/company/buyers/{run.id}/"
        sign_in(client, adam).get(page)
        with CaptureQueriesContext(connection) as asked_for:
            assert client.get(page).status_code == 200
        counts.append(len(asked_for))
        for _more in range(3):
            ordered(ANA)
    assert counts[0] == counts[1]


# Where nothing is sealed


def test_goods_and_a_number_that_are_made_of_the_buyer_go_with_them():
    plain = ordered(external_id="A-17")
    named = ordered(external_id="40733555777", item=f"Card for {EMAIL}")
    by_another = ordered(Person(phone=PHONE), external_id=EMAIL)
    erased(looked(PHONE, EMAIL))
    with as_(adam):
        numbers = dict(Order.objects.values_list("id", "external_id"))
        assert (numbers[plain.id], numbers[named.id], numbers[by_another.id]) == ("A-17", "", "")
    assert said_in(named)[1] == ["Card for •••"]


def test_a_lead_whose_number_is_its_buyers_is_known_by_ours_from_then_on():
    key = key_of()
    webhook_to("https://partner.example/hook")
    lead = a_lead(key, external_id="0733 555 777", phone="0733 555 777")
    trash(lead)
    erased(looked())
    with as_(adam):
        ours = Lead.objects.get(id=lead).external_id
        assert UUID(ours) and ours != lead
        assert {each.external_id for each in Delivery.objects.all()} == {ours}
    [told] = ask(key).json()["leads"]
    assert (told["id"], told["external_id"]) == (lead, ours)
    assert send(key, external_id="0733 555 777").status_code == 201


def test_a_partner_who_numbers_a_lead_by_anothers_id_keeps_no_erasure_from_its_end():
    key = key_of()
    lead = a_lead(key, external_id="0733 555 777", phone="0733 555 777")
    assert send(key, external_id=lead, phone="+40 744 111 333").status_code == 201
    assert erased(looked()).erased_at
    with as_(adam):
        assert BUYER.cut_from(Lead.objects.get(id=lead).external_id) != "•••"


def test_a_file_that_is_over_is_renamed_by_an_erasure_and_by_nobody_else():
    run = imported(
        table("Z9,Ion Ene,+40 744 111 333,,RO,Lamp,1,1.00", head=HEAD),
        name=f"of {EMAIL}, May.csv",
    )
    for someone in (lena, gail, pat, bea):
        with as_(someone):
            assert renamed(run) in (0, None)
    assert as_it_stands(run).file_name == f"of {EMAIL}, May.csv"
    erased(looked(EMAIL))
    assert as_it_stands(run).file_name == "of •••, May.csv"
    with as_(ann), pytest.raises(DatabaseError), transaction.atomic():
        sql("UPDATE orders_import SET file_name = 'x', created = 99 WHERE id = %s", run.id)
    assert as_it_stands(run).created == run.created


def sql(command: str, *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(command, values)
        return cursor.rowcount


def renamed(run: Import) -> int | None:
    """How many rows; None where it is refused."""
    try:
        with transaction.atomic():
            return sql("UPDATE orders_import SET file_name = 'x' WHERE id = %s", run.id)
    except DatabaseError:
        return None


@pytest.mark.parametrize(
    ("name", "left"),
    [
        (f"{EMAIL}.csv", "•••.csv"),
        ("0733555777.xlsx", "•••.xlsx"),
        (f"of {EMAIL}", "of •••"),
    ],
)
def test_a_files_ending_hides_no_name_in_it(name, left):
    run = imported(table("Z9,Ion Ene,+40 744 111 333,,RO,Lamp,1,1.00", head=HEAD), name=name)
    erased(looked(EMAIL, PHONE))
    assert as_it_stands(run).file_name == left


# In files on their way


def test_of_cells_with_several_lines_each_is_read():
    lines = [
        f'Z8,Ion Ene,+40 744 111 222,,RO,Lamp,many,1.00,"Ring him,\nor {EMAIL}"',
        f'Z9,Ion Ene,+40 744 111 333,,RO,Lamp,1,1.00,"Str. Noua 1\n{EMAIL}"',
    ]
    run = begun(table(*lines, head=f"{HEAD},Comment"))
    with found(looked(EMAIL)) as held:
        assert (len(held.lines), len(held.waiting)) == (1, 1)
    erased(looked(EMAIL))
    with as_(adam):
        assert not ImportRefusal.objects.filter(import_id=run.id).exists()
    assert worked(run).created == 1
    with as_(adam) as by:
        [order] = Order.objects.filter(import_id=run.id)
        assert order.open_person(keys.provided(by)).comment == "Str. Noua 1\n•••"


def test_others_orders_of_a_file_stay_without_what_names_the_buyer():
    run = begun(
        table(
            "Z6,Hans,+49 733 555777,,DE,Lamp,1,49.50",
            f"Z7,Ion Ene,+40 744 111 222,,RO,Lamp for {PHONE},2,1.00",
            "1000733555777,Ana Pop,+40 744 111 333,,RO,Lamp,1,1.00",
            "Z9,Zoe Quill,+40 733 555 777,,RO,Lamp,1,1.00",
            head=HEAD,
        )
    )
    assert erased(looked()).erased["waiting"] == 2
    run = worked(run)
    assert (run.created, run.refused) == (3, 1)
    with as_(adam) as by:
        held = keys.provided(by)
        of_file = Order.objects.filter(import_id=run.id).order_by("external_id")
        phones = {each.external_id: each.open_person(held).phone for each in of_file}
        ids = of_file.values_list("id", flat=True)
        items = {*Item.objects.filter(order_id__in=ids).values_list("name", flat=True)}
    assert phones == {
        "1000733555777": "+40744111333",
        "Z6": "+49733555777",
        "Z7": "+40744111222",
    }
    assert items == {"Lamp", "Lamp for +•••"}


def test_the_buyer_is_not_handed_others_orders_and_lines_of_a_file():
    begun(
        table(
            f"Z7,Ion Ene,+40 744 111 222,,RO,Lamp for {PHONE},2,1.00",
            f"Z8,Ion Ene,+40 744 111 222,,RO,Lamp for {PHONE},many,1.00",
            "Z9,Zoe Quill,+40 733 555 777,,RO,Lamp,many,1.00",
            *(f"A{n},Mia Rus,+40 755 111 222,,RO,Lamp,1,1.00" for n in range(4)),
            head=HEAD,
        )
    )
    run = looked()
    with as_(adam) as by:
        told = holdings.for_the_buyer(holdings.of(run, by=by), by)
    assert [line["external_id"] for line in told["lines"]] == ["Z9"] and not told["waiting"]
    assert [each["fields"] for each in told["others"]] == [["items"]]
    assert not [name for name in ("Ion", "744", "Mia") if name in str(told)]


def test_an_erasure_by_itself_takes_the_number_along():
    order = ordered(ZOE, external_id=f"shop:{EMAIL}")
    with as_(adam) as by:
        Order.objects.get(id=order.id).erase(by=by, because="retention")
    with as_(adam):
        assert Order.objects.get(id=order.id).external_id == ""


def test_a_broken_seal_keeps_nobody_elses_erasure_from_its_end():
    order = ordered(ANA, item=f"Card for {EMAIL}")
    with as_(adam):
        Order.objects.filter(id=order.id).update(person=b"\x01" * 40, version=2)
    assert erased(looked(EMAIL)).erased == {"words": 1, "orders": 0, "comments": 0}
    assert said_in(order)[1] == ["Card for •••"] and now(order).erased_at


@pytest.mark.parametrize("column", ["country", "citizenship"])
def test_a_country_that_is_none_keeps_no_erasure_from_its_end(column):
    order = ordered(ANA)
    with as_(adam) as by:
        Order.objects.filter(id=order.id).update(**{column: "QQ", "version": 2})
        audit.record(by=by, action="order.edited", of=order, fields=[column])
    assert erased(looked(EMAIL)).erased_at
    assert now(order).erased_at


def test_of_many_orders_that_name_them_some_are_written_at_once(monkeypatch):
    for _each in range(5):
        ordered(ANA)
    written: list[int] = []
    forget = mentions.forget_words

    def counted(by: Any, held: Any, orders: Any, buyer: Any) -> int:
        written.append(len(orders))
        return forget(by, held, orders, buyer)

    words = replace(mentions.ON_ORDERS[0], forget=counted)
    monkeypatch.setattr(mentions, "ON_ORDERS", (words, mentions.ON_ORDERS[1]))
    monkeypatch.setattr(inquiries, "AT_ONCE", 2)
    assert erased(looked(EMAIL)).erased["words"] == sum(written) == 5
    assert max(written) == 2


def test_an_order_whose_seal_is_broken_is_erased_as_well():
    order = ordered(ZOE, external_id="A-18")
    with as_(adam) as by:
        Order.objects.filter(id=order.id).update(person=b"\x01" * 40, version=2)
        Order.objects.get(id=order.id).erase(by=by, because="request")
        assert bytes(Order.objects.get(id=order.id).person) == b""


@pytest.mark.parametrize(
    "reason",
    [
        f"Ask {EMAIL} why", "Zoe, 0733 555-777", "+40(733)555777?", "0733\u00a0555\u202f777",
        "0733–555–777", "07\u200b33555777", "٠٧٣٣٥٥٥٧٧٧", "zoe.quill＠example．org",
    ],
)  # fmt: skip
def test_a_link_that_names_a_buyer_is_not_made_in_sql_either(reason: str) -> None:
    with pytest.raises(DatabaseError, match="accounts_grant_names_nobody"), transaction.atomic():
        link(reason=reason)
    with as_(ann):
        assert not Grant.objects.exists()


def test_a_link_may_name_orders_and_days():
    link(reason="Orders 1012, 1013 since 2026-11-20: 3 @ 49.50 each")


def test_a_file_that_comes_while_the_buyer_is_erased_is_read_as_well(monkeypatch):
    ordered()
    run, whole = looked(), inquiries.erase_some_orders
    rows = [table("Z8,Zoe Quill,+40 733 555 777,,RO,Lamp,1,1.00", head=HEAD)]

    def interrupted(*given: Any) -> bool:
        if rows:
            begun(rows.pop())
        return whole(*given)

    monkeypatch.setattr(inquiries, "erase_some_orders", interrupted)
    assert erased(run).erased["waiting"] == 1
    with found(looked()) as held:
        assert held.nothing
