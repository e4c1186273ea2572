"""The pages of an import: what is in a file is shown before any of it is stored, and what became
of it afterwards; a file that can't be read is refused in words, on the same page."""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from orders import imports, tasks
from orders.mapping import guess
from orders.models import Import, Order
from orders.spreadsheets import MAX_BYTES, read
from orders.views import import_previews
from tests.jobs import as_the_worker
from tests.orders.uploading import (
    SHOP,
    ZAKAZY,
    args_of,
    begun,
    filled,
    id_of,
    many,
    refused_file,
    start,
    table,
    upload,
    worked,
)
from tests.people import adam, ann, as_, bea, gail, lena, pat, sign_in

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}
GOOD = "7,2026-05-10 13:00,Ana Pop,+40 721 234 643,RO,Belt,2,9.90,,"
BAD = GOOD.replace("9.90", "much").replace("Ana Pop", "=1+1")


def imports_of(someone=adam):
    with as_(someone):
        return Import.objects.filter(drafts__gt=2).count(), Order.objects.count()


def run_of(answer):
    with as_(adam):
        return Import.objects.get(id=id_of(answer))


def error_of(answer):
    assert answer.status_code == 422
    return answer.context["form"].errors["file"][0]


# The file and its columns


def test_a_file_is_shown_as_it_would_be_read_and_nothing_is_stored(client):
    before = imports_of()
    answer = upload(sign_in(client, adam), SHOP, step="preview")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "+40721234643" in page
    assert "Lineitem name" in page
    assert imports_of() == before


def expected_of(answer):
    return [fact["value"] for fact in answer.context["mapping"]["preview"]["expected"]]


def test_the_preview_counts_what_would_become_of_the_whole_file(client):
    worked(begun(many(2)))
    file = many(5).decode() + BAD + "\n"
    answer = upload(sign_in(client, adam), file.encode(), step="preview")
    assert expected_of(answer) == ["6", "3", "2", "1"]
    assert "Orders in the file" in answer.content.decode()


def test_of_a_long_file_the_preview_says_how_much_it_has_read(client, monkeypatch):
    monkeypatch.setattr(import_previews, "PREVIEWED", 3)
    answer = upload(sign_in(client, adam), many(5), step="preview")
    assert expected_of(answer) == ["3", "3", "0", "0"]
    assert "Orders in the first 3 rows" in answer.content.decode()


def test_the_columns_chosen_are_those_that_count(client):
    data = table(GOOD, head="A,B,C,D,E,F,G,H,I,J")
    answer = upload(sign_in(client, adam), data, step="preview")
    chosen = filled(answer) | {"column-2": "city", "column-3": "phone", "column-5": "name"}
    shown = upload(client, data, **chosen, step="check").context["mapping"]["preview"]["rows"]
    assert [cell for _name, _label, cell in shown[0]["cells"][3:6]] == [
        "Belt",
        "+40721234643",
        "Ana Pop",
    ]


def test_a_file_without_telephones_says_which_column_to_choose(client):
    answer = upload(sign_in(client, adam), b"Name,City\nAna,Cluj\n", step="preview")
    assert answer.status_code == 422
    assert "Telephone" in answer.context["mapping"]["errors"][0]
    assert "Telephone" in start(client, b"Name,City\nAna,Cluj\n").context["mapping"]["errors"][0]


def test_two_columns_cannot_be_one_field(client):
    answer = start(sign_in(client, adam), table(GOOD), **{"column-2": "phone"})
    assert answer.status_code == 422
    assert "Telephone" in answer.context["mapping"]["errors"][0]


def test_columns_chosen_for_one_file_do_not_count_for_another(client):
    chosen = filled(upload(sign_in(client, adam), table(GOOD), step="preview"))
    before = imports_of()
    answer = upload(client, SHOP, **chosen, step="start")
    assert answer.status_code == 200
    assert answer.context["mapping"]["token"] != chosen["token"]
    assert imports_of() == before


def test_the_preview_shows_nothing_of_prohibited_persons(client):
    page = upload(sign_in(client, adam), ZAKAZY, step="preview").content.decode()
    assert "Clause P2" in page
    assert "Дьячков" not in page
    assert "548055151" not in page
    first = table(
        GOOD.replace("+40 721 234 643", "8 916 123 45 67").replace("Ana", "Anastas"), GOOD
    )
    assert "Anastas" not in upload(client, first, step="preview").content.decode()


def test_local_telephones_are_those_of_the_country_chosen(client):
    data = b"Name,Phone\nAna,0721 234 643\n"
    answer = upload(sign_in(client, adam), data, step="preview")
    assert answer.context["mapping"]["preview"]["rows"][0]["cells"][4][-1] == "+40721234643"


# Statuses

STATED = b"""No,Name,Phone,Financial Status,Fulfillment Status
1,Ana,+40721234643,paid,fulfilled
2,Ana,+40721234644,paid,unfulfilled
3,Ana,+40721234645,paid,unfulfilled
4,Ana,+40721234646,voided,
5,Ana,+40721234647,whatever,
6,Ana,+40721234648,,
"""


def statuses_of(answer):
    mapping = answer.context["mapping"]
    return {s["value"]: (s["orders"], s["field"].value()) for s in mapping["statuses"]}


def added_as(answer):
    preview = answer.context["mapping"]["preview"]
    return {each["status"].key: each["count"] for each in preview["statuses"]}


def named(answer, value):
    """The name of the field that asks what this status means."""
    mapping = answer.context["mapping"]
    return next(s["field"].html_name for s in mapping["statuses"] if s["value"] == value)


def test_the_preview_says_what_the_statuses_become_and_how_many_orders(client):
    answer = upload(sign_in(client, adam), STATED, step="preview")
    assert statuses_of(answer) == {
        "paid, unfulfilled": (2, "confirmed"),
        "paid, fulfilled": (1, "paid"),
        "voided": (1, "cancelled"),
        "whatever": (1, "new"),
    }
    assert added_as(answer) == {"new": 2, "confirmed": 2, "paid": 1, "cancelled": 1}
    assert "not recognised" in answer.content.decode()


def test_a_status_is_what_one_says_it_is(client):
    answer = upload(sign_in(client, adam), STATED, step="preview")
    chosen = filled(answer) | {named(answer, "whatever"): "sent"}
    assert added_as(upload(client, STATED, **chosen, step="check"))["sent"] == 1
    run = worked(run_of(upload(client, STATED, **chosen, step="start")))
    with as_(adam):
        brought = Order.objects.filter(import_id=run.id).order_by("external_id")
        assert list(brought.values_list("status", "reason")) == [
            ("paid", ""), ("confirmed", ""), ("confirmed", ""), ("cancelled", "imported"),
            ("sent", ""), ("new", ""),
        ]  # fmt: skip
    told = client.get(reverse("orders:import_progress", args=[run.id])).context["run"]
    assert {e["status"].key: e["count"] for e in told["statuses"]} == {
        "new": 1, "confirmed": 2, "sent": 1, "paid": 1, "cancelled": 1,
    }  # fmt: skip


@pytest.mark.parametrize("value", ["processing", "nonsense", "paid\0"])
def test_no_order_is_brought_into_an_agents_hand_or_nowhere(client, value):
    answer = upload(sign_in(client, adam), STATED, step="preview")
    before = imports_of()
    chosen = filled(answer) | {named(answer, "voided"): value}
    assert upload(client, STATED, **chosen, step="start").status_code == 422
    assert imports_of() == before


def test_statuses_that_nobody_has_seen_are_shown_first(client):
    answer = upload(sign_in(client, adam), STATED, step="preview")
    before = imports_of()
    answer = upload(client, STATED, **filled(answer) | {"column-4": ""}, step="start")
    assert answer.context["mapping"]["unseen"]
    assert statuses_of(answer)["paid"] == (3, "paid")
    assert imports_of() == before
    assert upload(client, STATED, **filled(answer), step="start").status_code == 302


def test_a_column_that_says_too_many_things_is_none_of_statuses(client):
    data = "\n".join(["Phone,Status", *(f"+407212346{n},s{n}" for n in range(10, 60))])
    answer = upload(sign_in(client, adam), data.encode(), step="preview")
    assert answer.status_code == 422
    assert "different things" in answer.context["mapping"]["errors"][0]
    chosen = filled(answer) | {"column-1": ""}
    assert upload(client, data.encode(), **chosen, step="start").status_code == 302


def test_what_only_prohibited_persons_lines_say_is_not_shown(client):
    data = STATED + b"7,Oleg,+79161234567,ask Oleg,\n8,Oleg,+79161234568,paid,fulfilled\n"
    answer = upload(sign_in(client, adam), data, step="preview")
    assert "ask Oleg" not in answer.content.decode()
    assert answer.context["mapping"]["preview"]["prohibited"] == {"count": 2, "lines": "8, 9"}


def test_a_long_file_is_looked_at_whole_where_one_says_so(client, monkeypatch):
    monkeypatch.setattr(import_previews, "PREVIEWED", 3)
    data = STATED + b"7,Oleg,+79161234567,paid,\n"
    answer = upload(sign_in(client, adam), data, step="preview")
    assert expected_of(answer)[0] == "3"
    assert answer.context["mapping"]["preview"]["prohibited"]["count"] == 0
    answer = upload(client, data, **filled(answer), step="whole")
    assert expected_of(answer) == ["7", "6", "0", "1"]
    assert answer.context["mapping"]["preview"]["prohibited"] == {"count": 1, "lines": "8"}


def test_htmx_gets_the_part_that_changes(client):
    answer = upload(sign_in(client, adam), SHOP, step="preview")
    assert "<html" in answer.content.decode()
    client.defaults |= HTMX
    assert "<html" not in upload(client, SHOP, step="preview").content.decode()
    answer = upload(client, b"", step="preview")
    assert answer.status_code == 200
    assert "The file is empty" in answer.content.decode()


# Files that can't be read


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 64 * 1024 * 1024)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "a.csv", "empty"),
        (b"Name,Phone\n", "a.csv", "no orders below it"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "a.csv", "picture"),
        (b"PK\x03\x04 and then nothing", "a.xlsx", "damaged"),
        (bomb(), "a.xlsx", "unpacks"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "a.xlsx",
         "password"),
        (b'Name,Phone\n"Ana,+40721234643\n', "a.csv", "never closed"),
        (b"%PDF-1.7", "a" * 300 + ".csv", "document"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_in_words(client, data, name, message):
    before = imports_of()
    for step in ("preview", "start"):
        assert message in error_of(upload(sign_in(client, adam), data, name, step=step))
    assert imports_of() == before


def test_no_file_is_refused_in_words(client):
    answer = sign_in(client, adam).post(reverse("orders:import"), {"step": "start"})
    assert "Choose" in error_of(answer)


@pytest.mark.parametrize("size", [MAX_BYTES + 1, 4 * MAX_BYTES])
def test_a_file_that_is_too_large_is_refused_in_words(client, size):
    assert "25 MB" in error_of(upload(sign_in(client, adam), b"a" * size, step="preview"))


@pytest.mark.parametrize("value", ["nonsense", "phone\0", "x" * 100_000])
def test_hostile_choices_are_refused(client, value):
    for field in ("column-0", "currency", "country", "day_first"):
        assert start(sign_in(client, adam), table(GOOD), **{field: value}).status_code == 422
    assert start(client, table(GOOD), token=value).status_code == 200


# Progress and the end


def test_an_import_is_followed_to_its_end(client):
    answer = start(sign_in(client, adam), ZAKAZY, "заказы.csv")
    run = run_of(answer)
    page = client.get(answer.url)
    assert page.context["run"]["state"] == "waiting"
    assert "every 1s" in page.content.decode()
    worked(run)
    page = client.get(answer.url, **HTMX)
    told = page.context["run"]
    assert (told["state"], told["created"], told["refused"], told["prohibited"]) == (
        "done", 38, 2, 2,
    )  # fmt: skip
    assert "every 1s" not in page.content.decode()
    assert "заказы.csv" in client.get(reverse("orders:import")).content.decode()


def test_refused_lines_come_back_as_a_file_with_reasons(client):
    run = worked(begun(table(GOOD, BAD.replace("7,", "8,", 1))))
    heading, [line, why, *cells] = refused_file(sign_in(client, adam), run.id)
    assert (line, heading[:2]) == ("3", ["Line", "Refused because"])
    assert "not an amount" in why
    assert "'=1+1" in cells
    assert "much" in cells


def test_the_file_of_refused_lines_can_be_corrected_and_imported(client):
    run = begun(table(GOOD.replace("9.90", "much"), GOOD.replace("7,", "8,", 1)))
    rows = refused_file(sign_in(client, adam), run.id)
    corrected = "\n".join(",".join(row).replace("much", "9.90") for row in rows).encode()
    assert set(guess(read(corrected)).columns) >= {
        "external_id", "created_at", "name", "phone", "country", "item", "quantity", "price",
    }  # fmt: skip
    assert worked(begun(corrected)).created == 1


def test_the_file_tells_nothing_of_prohibited_persons(client):
    rows = refused_file(sign_in(client, adam), begun(ZAKAZY).id)
    assert [row[0] for row in rows] == ["Line"]


def test_where_only_prohibited_persons_were_refused_there_is_no_file_of_them(client):
    run = begun(ZAKAZY)
    page = sign_in(client, adam).get(reverse("orders:import_progress", args=[run.id]))
    assert (run.refused, run.prohibited) == (2, 2)
    assert not page.context["run"]["refused_url"]
    assert "only this count is kept" in page.content.decode()
    both = begun(table(GOOD.replace(",RO,", ",Russia,"), BAD))
    page = client.get(reverse("orders:import_progress", args=[both.id]))
    assert page.context["run"]["refused_url"]


def test_an_import_leads_to_its_orders(client):
    worked(begun(many(2)))
    run = worked(begun(many(4)))
    sign_in(client, adam)
    address = client.get(reverse("orders:import_progress", args=[run.id])).context["run"]
    page = client.get(address["orders_url"])
    assert page.content.decode().count('class="c-no"') - 1 == 2
    assert [(chip["value"], chip["remove_url"]) for chip in page.context["chips"]] == [
        ("orders.csv", "/orders/")
    ]
    assert f'name="imported" value="{run.id}"' in page.content.decode()
    assert address["orders_url"] in client.get(reverse("orders:import")).content.decode()


def test_an_import_of_another_company_or_none_lists_nothing_more(client):
    theirs = worked(begun(many(2), bea), bea)
    sign_in(client, adam)
    page = client.get(f"/orders/?imported={theirs.id}")
    assert page.context["chips"][0]["value"] == "one"
    assert not page.context["lines"]
    assert "no such import" in client.get("/orders/?imported=nonsense").content.decode()


def test_an_import_that_stands_still_says_why_and_goes_on_in_anothers_name(client):
    run = begun(many(3))
    with as_(ann) as by:
        adam.membership().end(by=by)
    tasks.work_through_import(**args_of(run))
    end_job(run)
    address = reverse("orders:import_progress", args=[run.id])
    page = sign_in(client, ann).get(address)
    assert page.context["run"]["state"] == "failed"
    assert "Adam" in page.context["run"]["error"]
    assert client.post(reverse("orders:import_go_on", args=[run.id])).status_code == 302
    worked(run, ann)
    assert client.get(address).context["run"]["created"] == 3


def end_job(run):
    """What the worker does with a job that came to its end."""
    with as_the_worker(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'succeeded' WHERE lock = %s",
            [imports.job_name(run.id)],
        )


# Twice


def test_a_preview_is_imported_once_however_often_it_is_sent(client):
    sign_in(client, adam)
    posted = filled(upload(client, table(GOOD), step="preview"))
    first, second = (upload(client, table(GOOD), **posted, step="start") for _ in range(2))
    assert first.url == second.url
    assert imports_there_are() == 1 + HERE


def test_another_preview_of_the_file_is_another_import(client):
    sign_in(client, adam)
    assert start(client, table(GOOD)).url != start(client, table(GOOD)).url
    assert imports_there_are() == 2 + HERE


@pytest.mark.parametrize("preview", ["", "7", "x" * 36, "\0"])
def test_a_number_that_is_none_keeps_nobody_from_importing(client, preview):
    sign_in(client, adam)
    assert start(client, table(GOOD), preview=preview).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_start_one_import():
    clients = [sign_in(Client(), adam) for _ in range(2)]
    posted = filled(upload(clients[0], table(GOOD), step="preview"))

    def click(client):
        try:
            return upload(client, table(GOOD), **posted, step="start").url
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        assert len(set(threads.map(click, clients))) == 1
    assert imports_there_are() == 1 + HERE


HERE = 1  # the company's import from the start


def imports_there_are() -> int:
    with as_(adam):
        return Import.objects.count()


# Who


@pytest.mark.parametrize("someone", [gail, lena, pat])
def test_those_who_may_not_import_are_told_so(client, someone):
    run, before = begun(many(3)), begun_so_far()
    sign_in(client, someone)
    for name in ("import_progress", "import_refusals"):
        assert client.get(reverse(f"orders:{name}", args=[run.id])).status_code == 403
    assert client.post(reverse("orders:import_go_on", args=[run.id])).status_code == 403
    assert client.get(reverse("orders:import")).status_code == 403
    assert upload(client, table(GOOD), step="start").status_code == 403
    assert begun_so_far() == before


def test_another_companys_import_is_not_there(client):
    run, before = begun(many(3)), begun_so_far()
    sign_in(client, bea)
    for name in ("import_progress", "import_refusals"):
        assert client.get(reverse(f"orders:{name}", args=[run.id])).status_code == 404
    assert client.post(reverse("orders:import_go_on", args=[run.id])).status_code == 404
    assert begun_so_far() == before


def begun_so_far():
    """The company's imports, and what was done with them."""
    with as_(adam):
        deeds = AuditEntry.objects.filter(action__startswith="import.")
        return set(Import.objects.values_list("id", flat=True)), set(deeds.values_list("id"))
