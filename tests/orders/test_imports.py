"""An import makes each line of a file part of one order or of one refusal, whatever happens."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, ProgrammingError, connection
from django.urls import reverse
from django.utils import timezone

from accounts import gate, jobpasses
from accounts.models import AuditEntry, Partner
from orders import imports, keys, tasks
from orders.chunks import pack, plain, revived, unpack
from orders.imports import NotAccepted, PassEnded
from orders.intake import OrderDraft
from orders.models import Import, ImportRefusal, Item, MoveRefused, Order
from orders.persons import Person
from orders.screening import Accepted, FileRow
from policy.models import Policy, PolicyVersion, Refusal
from tests.orders.uploading import (
    HEAD,
    SHOP,
    ZAKAZY,
    args_of,
    as_it_stands,
    begun,
    chunks_left,
    imported,
    job_of,
    many,
    orders_of,
    refused_lines,
    secret_of,
    table,
    worked,
)
from tests.people import adam, ann, as_, bea, gail, sign_in

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 10, 10, tzinfo=UTC)
GOOD = "7,2026-05-10 13:00,Ana Pop,+40 721 234 643,RO,Belt,2,9.90,wm7,Belts"


def order(external_id, someone=adam):
    """The order, its person and its items."""
    with as_(someone) as by:
        found = Order.objects.select_related("offer", "partner").get(external_id=external_id)
        items = Item.objects.filter(order_id=found.id).order_by("position")
        return found, found.open_person(keys.held(by)), [item.draft for item in items]


def test_a_row_becomes_an_order():
    run = imported(table(GOOD))
    made, person, [item] = order("7")
    assert (run.rows, run.drafts, run.created, run.refused, run.prohibited) == (1, 1, 1, 0, 0)
    assert (person.name, person.phone) == ("Ana Pop", "+40721234643")
    assert (item.name, item.quantity, item.price) == ("Belt", 2, Decimal("9.90"))
    assert (made.status, made.source, made.country) == ("new", "import", "RO")
    assert (made.created_at, made.total, made.currency) == (NOON, Decimal("19.80"), "EUR")
    assert (str(made.offer), str(made.partner)) == ("Belts", "wm7")


def test_a_total_that_is_not_the_sum_of_the_items_is_kept():
    imported(table("7,Ana,+40 721 234 643,Belt,9.90,14.90", head="No,Name,Phone,Item,Price,Total"))
    assert order("7")[0].total == Decimal("14.90")


def test_rows_of_one_number_are_one_order():
    run = imported(SHOP)
    assert run.created + run.refused == run.drafts < run.rows
    assert run.refused == 0
    assert len(orders_of("#1")) == run.created


def test_every_line_is_in_one_order_or_one_refusal():
    bad = "9,2026-05-10,Ana,+40 721 234 643,RO,Belt,none,9.90,,"
    run = imported(table(GOOD, bad, bad.replace("none", "3"), GOOD.replace("7,", "8,", 1)))
    assert (run.rows, run.drafts, run.created, run.refused) == (4, 3, 2, 1)
    assert refused_lines(run) == {3: ["invalid_quantity"], 4: ["invalid_quantity"]}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GOOD.replace("+40 721 234 643", ""), "missing"),
        (GOOD.replace("+40 721 234 643", "call me"), "invalid_phone"),
        (GOOD.replace(",RO,", ",Atlantis,"), "unknown_country"),
        (GOOD.replace("9.90", "much"), "invalid_amount"),
        (GOOD.replace("2026-05-10 13:00", "soon"), "invalid_date"),
        (GOOD.replace("Belts", "B" * 200), "too_long"),
        (GOOD + ",more", "too_many_cells"),
    ],
)
def test_a_row_that_is_wrong_is_refused_with_its_reason(row, reason):
    run = imported(table(row, GOOD.replace("7,", "8,", 1)))
    assert (run.created, run.refused) == (1, 1)
    assert refused_lines(run) == {2: [reason]}


@pytest.mark.parametrize(
    "row",
    [
        GOOD.replace("Ana Pop,+40 721 234 643", "+7 916 123 45 67,Ana Pop"),
        GOOD.replace("Ana Pop,+40 721 234 643,RO", "Ana Pop,RO,+7 916 123 45 67"),
        GOOD.replace("+40 721 234 643", "").replace("wm7", "8 916 123 45 67"),
    ],
)
def test_a_prohibited_number_in_the_wrong_column_is_not_kept_with_the_refused(row):
    run = imported(table(row))
    assert (run.created, run.refused, run.prohibited) == (0, 1, 1)
    assert refused_lines(run) == {}


def test_a_file_of_refusals_alone_is_finished_at_once():
    run = begun(table(GOOD.replace(",RO,", ",Russia,")))
    assert (run.refused, run.prohibited, job_of(run)) == (1, 1, None)
    assert run.finished_at


def test_partners_and_offers_are_found_or_made():
    imported(table(GOOD, GOOD.replace("7,", "8,", 1).replace("wm7", "wm14")))
    with as_(adam):
        assert set(Partner.objects.values_list("name", flat=True)) == {"wm7", "wm14"}
    assert order("8")[0].partner.name == "wm14"


def test_what_the_database_refuses_holds_up_nothing_else():
    lines = [FileRow(line, {}) for line in (2, 3, 4)]
    drafts = [
        OrderDraft(Person(phone="+40721234643"), [], currency, external_id=f"N{n}")
        for n, currency in enumerate(("EUR", "EURO", "EUR"))
    ]
    outcomes = [Accepted([line], draft) for line, draft in zip(lines, drafts, strict=True)]
    with as_(adam) as by:
        run = imports.begin(by=by, file_name="orders.csv", outcomes=outcomes)
    run = worked(run)
    assert (run.created, run.refused) == (2, 1)
    assert refused_lines(run) == {3: ["not_storable"]}


# Statuses

STATED = HEAD + ",Status"


def test_an_order_begins_in_the_status_that_the_file_tells():
    words = ("paid", "no answer", "refused", "something else")
    rows = [GOOD.replace("7,", f"{n},", 1) + f",{word}" for n, word in enumerate(words)]
    run = imported(table(*rows, head=STATED))
    made = [order(str(n))[0] for n in range(4)]
    assert [(o.status, o.reason, o.agent_id) for o in made] == [
        ("paid", "", None), ("no_answer", "", None), ("cancelled", "imported", None),
        ("new", "", None),
    ]  # fmt: skip
    assert [o.recall_at for o in made] == [None, run.started_at, None, None]
    with as_(adam):
        entry = AuditEntry.objects.get(object_id=run.id, action="import.started")
        assert entry.changes["statuses"] == {"paid": 1, "no_answer": 1, "cancelled": 1, "new": 1}


def test_an_imported_orders_history_says_in_which_status_it_came(client):
    imported(table(GOOD + ",no answer", head=STATED))
    made = order("7")[0]
    with as_(adam) as by:
        made.move(by=by, move="take", version=made.version)
    shown = sign_in(client, ann).get(reverse("orders:card", args=[made.id]))
    assert [event.note for event in shown.context["timeline"]] == [
        "", "It came as “No answer”."
    ]  # fmt: skip


def test_no_move_gives_the_reason_of_an_import():
    imported(table(GOOD + ",no answer", head=STATED))
    made = order("7")[0]
    with as_(adam) as by, pytest.raises(MoveRefused):
        made.move(by=by, move="cancel", version=made.version, reason="imported")


def test_who_may_not_import_brings_no_order_of_another_status_in_sql():
    run = begun(many(2))
    drafts = [OrderDraft(Person(name="Ana"), [], "EUR", status="paid", source="import",
                         import_id=run.id)]  # fmt: skip
    with pytest.raises(ProgrammingError, match="begins as new"), as_(gail) as by:
        Order.objects.add_many(by=by, drafts=drafts)
    drafts = [replace(drafts[0], status="gone")]
    with pytest.raises(IntegrityError, match="orders_order_status"), as_(adam) as by:
        Order.objects.add_many(by=by, drafts=drafts)


def test_a_chunk_sealed_before_files_told_statuses_is_of_new_orders():
    [each] = unpack(pack([Accepted([], OrderDraft(Person(phone="+40721234643"), [], "EUR"))]))
    said = plain(each)
    del said["order"]["status"]
    assert revived(said).order.status == "new"


# Prohibited


def test_prohibited_persons_leave_a_count_and_nothing_else():
    run = begun(ZAKAZY)
    assert (run.drafts, run.refused, run.prohibited) == (40, 2, 2)
    assert worked(run).created == 38
    assert refused_lines(run) == {}
    assert "90009" not in orders_of()
    with as_(adam):
        counted = Refusal.objects.values_list("way", "sign", "jurisdiction", "count")
        assert list(counted) == [("import", "phone", "RU", 2)]


@pytest.mark.parametrize(
    "row",
    [
        GOOD.replace("+40 721 234 643", "8 (916) 123-45-67"),
        GOOD.replace(",RO,", ",Российская Федерация,"),
        GOOD.replace("+40 721 234 643", "+7 916 123 45 67").replace("2026-05-10 13:00", "soon"),
        GOOD.replace("+40 721 234 643", "+7 916 123 45 67 " + "or ask for me " * 20),
        GOOD.replace("Ana Pop", "Pop,Ana").replace("+40 721 234 643", "+7 916 123 45 67"),
        GOOD.replace("Belts", "Belts,8 916 123 45 67"),
    ],
)
def test_clause_p2_comes_before_any_other_refusal(row):
    run = begun(table(row, GOOD.replace("7,", "8,", 1)))
    assert run.prohibited == 1
    assert refused_lines(run) == {}


# Twice


def test_a_file_imported_twice_makes_no_order_twice():
    first, second = imported(many(3)), imported(many(4))
    assert (first.created, second.created, second.refused) == (3, 1, 3)
    assert orders_of("R") == ["R1", "R2", "R3", "R4"]
    assert refused_lines(second) == {line: ["already_there"] for line in (2, 3, 4)}


def test_nor_does_one_without_order_numbers():
    rows = (
        "2026-05-10 10:00,+40 721 234 643,9.90",
        "2026-05-10 10:00,+40 721 234 643,19.90",
        "2026-05-10 10:00,+40 721 234 644,9.90",
    )
    data = table(*rows, head="Created at,Phone,Price")
    assert [imported(data).created, imported(data).created] == [3, 0]


def test_the_reason_names_the_order_that_is_there():
    imported(table(GOOD))
    run = imported(table(GOOD))
    with as_(adam):
        [[_of, _code, _line, number]] = ImportRefusal.objects.get(import_id=run.id).reasons
    assert number == f"№ {order('7')[0].number}"


def test_two_files_at_once_make_one_order():
    first, second = begun(table(GOOD)), begun(table(GOOD))
    assert worked(second).created + worked(first).created == 1


def test_another_companys_numbers_are_its_own():
    assert [imported(table(GOOD)).created, imported(table(GOOD), bea).created] == [1, 1]


# The job


def test_a_job_that_is_run_again_finds_nothing_left():
    run = begun(many(3))
    args = args_of(run)
    finished = worked(run)
    tasks.work_through_import(**args)
    assert as_it_stands(run).created == finished.created == 3
    assert chunks_left(run) == 0


def test_the_jobs_table_holds_no_secret_and_no_person():
    run = begun(table(GOOD))
    secret, said = secret_of(run), str(args_of(run))
    assert secret not in said
    assert "Ana" not in said
    with pytest.raises(jobpasses.PassLost):
        jobpasses.unseal(args_of(run)["sealed_pass"], job="import of another")


def test_the_jobs_pass_reaches_what_it_takes_and_ends_with_the_job():
    run = begun(many(3))
    secret = secret_of(run)
    with gate.carrying(secret), connection.cursor() as cursor:
        for permission in ("people.manage", "company.policy", "audit.read", "persons.telephone"):
            cursor.execute("SELECT gate.allows(%s)", [permission])
            assert cursor.fetchone() == (None,)
    worked(run)
    with gate.carrying(secret) as entry:
        assert not entry.found


def test_the_audit_tells_of_the_import():
    run = imported(many(2))
    with as_(adam):
        told = AuditEntry.objects.filter(object_id=run.id).order_by("id")
        assert [entry.action for entry in told] == ["import.started", "import.finished"]
        assert told[1].changes == {"created": 2, "refused": 0, "prohibited": 0}


def test_an_import_whose_author_left_stands_still_until_somebody_goes_on_with_it():
    run = begun(many(3))
    secret = secret_of(run)
    with as_(ann) as by:
        adam.membership().end(by=by)
    with pytest.raises(PassEnded):
        imports.work_through(run.id, secret)
    assert chunks_left(run, ann) == 1
    with as_(ann) as by:
        assert imports.go_on(Import.objects.get(id=run.id), by=by)
    imports.work_through(run.id, secret_of(run))
    assert as_it_stands(run, ann).created == 3


def test_an_import_waits_for_its_authors_acceptance():
    run = begun(many(3))
    secret = secret_of(run)
    with as_(ann) as by:
        Policy.objects.of_company(by.company_id).publish(by=by, texts={"en": "# New\n\nAll new."})
    with pytest.raises(NotAccepted):
        imports.work_through(run.id, secret)
    with as_(adam) as by:
        for version in PolicyVersion.objects.waiting_for(by.user_id, by.company_id):
            version.accept(by=by, language="en", shown_at=timezone.now())
    imports.work_through(run.id, secret)
    assert as_it_stands(run).created == 3


def test_an_imported_orders_history_says_who_imported_it_from_which_file(client):
    run = imported(table(GOOD))
    made = order("7")[0]
    shown = sign_in(client, ann).get(reverse("orders:card", args=[made.id]))
    [event] = shown.context["timeline"]
    assert (event.who, event.after) == (str(adam.user), "orders.csv")
    assert run.started_at < event.at < run.finished_at
    assert f'href="{reverse("orders:import_progress", args=[run.id])}"' in shown.content.decode()


def test_an_agent_is_told_that_an_import_brought_an_order_and_no_more(client):
    run = imported(table(GOOD))
    shown = sign_in(client, gail).get(reverse("orders:card", args=[order("7")[0].id]))
    [event] = shown.context["timeline"]
    assert (event.who, event.text) == ("An import", "brought the order")
    body = shown.content.decode()
    assert str(run.id) not in body and "orders.csv" not in body


def test_whose_import_brought_an_order_is_not_changed_in_sql():
    imported(table(GOOD))
    with as_(ann), pytest.raises(ProgrammingError, match="permission denied"):
        Order.objects.filter(external_id="7").update(import_id=None)
    assert order("7")[0].import_id


def test_an_order_entered_by_hand_claims_no_import():
    run = imported(table(GOOD))
    drafts = [OrderDraft(Person(name="Ana"), [], "EUR", import_id=run.id)]
    with as_(gail) as by, pytest.raises(IntegrityError, match="orders_order_imported"):
        Order.objects.add_many(by=by, drafts=drafts)


def test_no_order_names_an_import_of_another_company():
    theirs = imported(table(GOOD), bea)
    drafts = [OrderDraft(Person(name="Ana"), [], "EUR", source="import", import_id=theirs.id)]
    with as_(adam) as by, pytest.raises(ProgrammingError, match="begins as new, now, by hand"):
        Order.objects.add_many(by=by, drafts=drafts)


def test_an_import_that_is_done_does_not_go_on():
    run = imported(many(2))
    with as_(ann) as by:
        assert not imports.go_on(run, by=by)


def test_an_agent_reaches_no_import_in_sql():
    run = begun(many(2))
    with as_(gail), connection.cursor() as cursor:
        for name in ("orders_import", "orders_importchunk", "orders_importrefusal"):
            cursor.execute(f"SELECT count(*) FROM {name}")
            assert cursor.fetchone() == (0,)
        cursor.execute("UPDATE orders_import SET created = 9 WHERE id = %s", [run.id])
        assert cursor.rowcount == 0
    with pytest.raises(Exception, match="row-level security"):
        begun(many(1), gail)
