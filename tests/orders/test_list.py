"""The list shows a reader's own part of a company, fifty at a time, in a few statements."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import audit, sqlstates
from accounts.models import Company
from accounts.statements import answers
from orders import imports, keys, lists
from orders.filters import Choices, Place
from orders.intake import ItemDraft, OrderDraft
from orders.models import Order
from orders.persons import Person
from tests.orders.test_moves import IOANA, LAMP, add, brought
from tests.people import adam, ann, as_, bea, gail, gus, lena, newt, nina, pat, sign_in
from tests.policy.publications import publish_crm

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
THEIRS = 1  # the number of the order that each company has from the start


def fill(count, *, by=ann, **draft):
    """Orders of one minute each, the last the newest."""
    with as_(by) as entry:
        drafts = [
            OrderDraft(IOANA, [LAMP], "EUR", created_at=NOON + timedelta(minutes=n), **draft)
            for n in range(count)
        ]
        return imports.bring(drafts, by=entry, file_name="past.csv")


def listed(client, address="/orders/"):
    answer = client.get(address)
    assert answer.status_code == 200
    found = re.findall(r"№&nbsp;(\d+)", answer.content.decode())
    return [int(number) for number in found if int(number) != THEIRS]


def counted(client):
    tabs = client.get("/orders/").context["tabs"]
    return Counter({str(tab["label"]): int(tab["count"]) for tab in tabs})


def numbers(orders):
    ids = [order.id for order in orders]
    found = dict(Order.objects.filter(id__in=ids).values_list("id", "number"))
    return [found[order_id] for order_id in ids]


def test_a_line_tells_buyer_offer_agent_and_total(client):
    gails = gail.membership().id
    fill(1, offer="Lamps", agent=gails)
    page = sign_in(client, ann).get("/orders/").content.decode()
    for shown in ("Ioana Pop", "Lamps", "Gail", "€99.00", "New"):
        assert shown in page
    assert "+40 ••• ••• 643" in page
    assert IOANA.phone not in page


def test_nothing_that_was_typed_is_markup_in_a_line(client, monkeypatch):
    """Its template escapes these by hand."""
    gails = gail.membership().id
    monkeypatch.setattr(lists, "_offered", lambda rows: Choices(agents=[(gails, "<i>Gail</i>")]))
    typed = Person(phone=IOANA.phone, name="<i>Ioana</i>", city="<i>Cluj</i>")
    draft = OrderDraft(typed, [LAMP], "EUR", created_at=NOON, offer="<i>Lamps</i>", agent=gails)
    with as_(ann) as by:
        imports.bring([draft], by=by, file_name="past.csv")
    lines = sign_in(client, ann).get("/orders/").content.decode().split("data-rows")[1]
    assert "<i>" not in lines
    for shown in ("Ioana", "Cluj", "Lamps", "Gail"):
        assert f"&lt;i&gt;{shown}&lt;/i&gt;" in lines


def test_a_line_tells_who_is_no_choice_for_the_filter_any_more(client, monkeypatch):
    monkeypatch.setattr(lists, "MOST_CHOICES", 0)
    fill(1, offer="Lamps", agent=gail.membership().id)
    page = sign_in(client, ann).get("/orders/").content.decode()
    assert "Lamps" in page
    assert "Gail" in page


def test_nobody_is_shown_to_a_partner(client):
    with as_(pat) as by:
        wm14 = by.partner_id
    fill(1, offer="Lamps", partner=wm14, agent=gail.membership().id)
    page = sign_in(client, pat).get("/orders/").content.decode()
    assert "Lamps" in page
    for hidden in ("Ioana", "••• 643", "Gail", "Buyer", "Agent", "—"):
        assert hidden not in page


def test_each_role_sees_its_part(client):
    with as_(pat) as by:
        wm14 = by.partner_id
    free, of_gail, of_gus, sent = (
        fill(1),
        fill(1, agent=gail.membership().id),
        fill(1, agent=gus.membership().id),
        fill(1, partner=wm14, agent=gus.membership().id),
    )
    with as_(ann):
        n = {name: numbers(orders)[0] for name, orders in
             (("free", free), ("gail", of_gail), ("gus", of_gus), ("sent", sent))}  # fmt: skip
    for someone, seen in (
        (adam, {"free", "gail", "gus", "sent"}),
        (lena, {"free", "gail"}),
        (gail, {"free", "gail"}),
        (gus, {"free", "gus", "sent"}),
        (pat, {"sent"}),
        (bea, set()),
    ):
        shown = listed(sign_in(client, someone))
        assert set(shown) == {n[name] for name in seen}, someone


def test_who_works_nowhere_has_no_list(client):
    assert sign_in(client, nina).get("/orders/").status_code in (302, 403)


def test_pages_follow_one_another_and_lead_back(client):
    orders = fill(120)
    with as_(ann):
        newest_first = numbers(orders)[::-1]
    sign_in(client, ann)
    seen, address, way = [], "/orders/", []
    while address:
        way.append(address)
        seen.append(listed(client, address))
        address = client.get(address).context["older_url"]
    assert len(seen) == 3
    assert [number for page in seen for number in page] == newest_first
    back = client.get(way[-1]).context["newer_url"]
    assert listed(client, back) == seen[1]
    first = client.get(back).context["newer_url"]
    assert listed(client, first) == seen[0]
    assert client.get(first).context["newer_url"] is None


def test_a_place_in_the_list_survives_its_spelling():
    order = fill(1)[0]
    place = Place(order.created_at, order.id)
    assert Place.read(str(place)) == place


def test_tabs_count_and_filter(client):
    before = counted(sign_in(client, ann))
    fill(3)
    fill(2, status="hold")
    assert counted(client) - before == {"All": 5, "New": 3, "On hold": 2}
    assert len(listed(client, "/orders/?status=hold")) == 2


def test_a_partners_tabs_are_phases(client):
    with as_(pat) as by:
        wm14 = by.partner_id
    before = counted(sign_in(client, pat))
    fill(2, partner=wm14, status="sent")
    fill(1, partner=wm14)
    assert counted(client) - before == {"All": 3, "Waiting": 1, "Approved": 2}
    assert list(before) == ["All", "Waiting", "On hold", "Approved", "Cancelled", "Trash"]
    assert len(listed(client, "/orders/?status=approved")) == 2


def test_counts_are_of_the_readers_part(client):
    before = counted(sign_in(client, gus))
    fill(1), fill(2, agent=gus.membership().id), fill(3, agent=gail.membership().id)
    assert counted(client) - before == {"All": 3, "New": 3}


def test_counting_ends_at_the_cap(client, monkeypatch):
    monkeypatch.setattr(lists, "MOST_COUNTED", 3)
    fill(5)
    page = sign_in(client, ann).get("/orders/")
    assert page.context["tabs"][0]["count"] == "3+"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("since=2026-05-10&until=2026-05-10", 2),
        ("since=2026-05-11", 1),
        ("until=2026-05-09", 0),
        ("agent=free", 3),
        ("status=new&agent=free&since=2026-05-11", 1),
    ],
)
def test_filters_narrow(client, query, count):
    fill(2)
    with as_(ann) as by:  # half past midnight of the 11th in Bucharest
        brought(by, created_at=datetime(2026, 5, 10, 21, 30, tzinfo=UTC))
    assert len(listed(sign_in(client, ann), f"/orders/?{query}")) == count


def test_days_the_wrong_way_round_are_told_and_stay_in_the_form(client):
    fill(1)
    page = sign_in(client, ann).get("/orders/?since=2026-05-12&until=2026-05-09")
    body = page.content.decode()
    assert "Choose 12 May 2026 or a later day" in body
    assert 'value="2026-05-12"' in body
    assert 'value="2026-05-09"' in body
    assert len(listed(client, "/orders/?since=2026-05-12&until=2026-05-09")) == 1


def test_offers_and_agents_are_filters(client):
    fill(2, offer="Lamps", agent=gus.membership().id)
    fill(1, offer="Rugs")
    sign_in(client, ann)
    fields = client.get("/orders/").context["filters"].fields
    chosen = {name: {str(label): key for key, label in fields[name].choices}
              for name in ("offer", "agent")}  # fmt: skip
    assert len(listed(client, f"/orders/?offer={chosen['offer']['Lamps']}")) == 2
    assert len(listed(client, f"/orders/?agent={chosen['agent']['Gus']}")) == 2


def test_another_companys_offer_is_no_choice(client):
    fill(1, by=bea, offer="Theirs")
    with as_(bea) as by:
        theirs = Order.objects.get(company_id=by.company_id, offer__name="Theirs").offer_id
    fill(1)
    page = sign_in(client, ann).get(f"/orders/?offer={theirs}")
    assert page.status_code == 200
    assert "offer" not in page.context["filters"].cleaned_data


@pytest.mark.parametrize(
    "query",
    [
        "older=junk", "newer=%00", "older=" + "A" * 32, "older=%F0%9F%98%80", "status=nothing",
        "status=%00", "since=yesterday", "since=0001-01-01", "until=9999-12-31", "offer=1",
        "agent=%00", "q=%00", "q=" + "x" * 5000, "q=%E2%84%96", "q='%22%3B--", "q=%25s",
        "q=99999999999999999999", "older=" + "_" * 32, "since=2026-05-10&since=%00",
        "q=" + "%20".join(f"word{n}" for n in range(14)),
    ],
)  # fmt: skip
def test_whatever_the_query_string_says_there_is_a_page(client, query):
    fill(1)
    answer = sign_in(client, ann).get(f"/orders/?{query}", follow=True)
    assert answer.status_code == 200


def test_a_page_that_is_gone_leads_to_the_list(client):
    sign_in(client, ann)
    place = Place(datetime(2001, 1, 1, tzinfo=UTC), fill(1)[0].id)
    answer = client.get(f"/orders/?older={place}&status=new")
    assert answer.headers["Location"] == "/orders/?status=new"


def test_an_order_without_an_offer_shows_its_first_item(client):
    with as_(ann) as by:
        add(by, items=[ItemDraft("Kettle", Decimal("1")), ItemDraft("Lamp", Decimal("2"))])
        add(by, offer="Lamps", items=[ItemDraft("Bulb", Decimal("1"))])
    body = sign_in(client, ann).get("/orders/").content.decode()
    shown = body.split("data-rows")[1]
    assert "Kettle" in shown
    assert "Lamps" in shown
    assert "Bulb" not in shown


def test_the_statements_are_as_many_for_one_order_as_for_fifty(client):
    sign_in(client, ann)
    taken = []
    for count in (1, 60):
        fill(count, offer="Lamps", agent=gus.membership().id)
        client.get("/orders/")
        with CaptureQueriesContext(connection) as statements:
            client.get("/orders/")
        asked = [statement["sql"] for statement in statements]
        taken.append([sql for sql in asked if "SAVEPOINT" not in str(sql)])  # a plan has no text
    assert len(taken[0]) == len(taken[1]) <= 7, taken[1]  # gate.enter is not among them


def test_what_is_asked_at_once_is_refused_at_once_and_the_connection_goes_on():
    with as_(ann) as by:
        publish_crm("# Another")
        with pytest.raises(DatabaseError) as refusal, transaction.atomic():
            answers(keys.holding(by), lists.choices(by), lists.counts(by))
        assert refusal.value.__cause__.sqlstate == sqlstates.NOT_ACCEPTED
        assert Company.objects.filter(id=by.company_id).exists()


def test_a_rows_times_are_the_orders_own():
    with as_(ann) as by:
        [row] = lists.page(by).rows
        created_at = Order.objects.get(id=row.id).created_at
        assert (row.created_at, row.created_at.utcoffset()) == (created_at, timedelta(0))


def test_the_panel_kept_of_one_reader_is_no_others(client):
    """It is kept by the process, by all that it is made of."""
    fill(1, offer="Aurora's own")
    assert "Aurora&#x27;s own" in sign_in(client, ann).get("/orders/").content.decode()
    assert "Aurora&#x27;s own" not in sign_in(client, bea).get("/orders/").content.decode()
    fill(1, offer="Come later")
    page = sign_in(client, ann).get("/orders/?lang=ru").content.decode()
    assert "Come later" in page and "Применить" in page
    wrong = client.get("/orders/?since=2026-05-02&until=2026-05-01").content.decode()
    assert 'value="2026-05-02"' in wrong and 'class="wrong"' in wrong
    assert 'class="wrong"' not in client.get("/orders/").content.decode()


def test_a_person_whose_seal_is_broken_hides_nobody_else(client):
    first, _second = fill(2)
    with as_(ann) as entry:
        Order.objects.filter(pk=(entry.company_id, first.id)).update(person=b"no envelope")
        audit.record(by=entry, action="order.edited", of=first, fields=["person"])
        page = sign_in(client, ann).get("/orders/").content.decode()
    assert "The seal is broken" in page
    assert "Ioana Pop" in page


def test_what_the_database_refuses_the_list_is_answered_all_the_same(client, monkeypatch):
    """As where a version comes into force while the page is made: the view has no savepoint."""
    sign_in(client, newt)
    monkeypatch.setattr("policy.middleware.refuses", lambda request, demand: None)
    answer = client.get("/orders/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accept/")
    assert client.get("/accept/").status_code == 200


@pytest.mark.parametrize("someone", [ann, pat])
def test_the_tabs_are_counted_from_an_index_and_touch_no_order(someone):
    """Whatever a row rule comes to read of an order has to stand in that index."""
    with as_(someone) as by, connection.cursor() as cursor:
        counted = lists.counts(by)
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {counted.sql}", counted.parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    scans = re.findall(r"(Index(?: Only)? Scan) using (\S+) on orders_order", plan)
    assert scans, plan
    assert all(kind == "Index Only Scan" for kind, _ in scans), plan
