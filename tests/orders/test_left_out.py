"""An optional value that cannot be read may be left out, where whoever imports says so: its row
becomes an order without it, and what was left out is counted and kept."""

import csv
import io
from dataclasses import replace

import pytest
from django.db import connection
from django.urls import reverse

from orders import imports, keys
from orders.mapping import guess
from orders.models import Import, ImportRefusal, Order
from orders.screening import Accepted, Refused, screened
from orders.spreadsheets import read
from tests.orders.uploading import (
    READING,
    as_it_stands,
    id_of,
    imported,
    refused_file,
    refused_lines,
    secret_of,
    start,
    upload,
    worked,
)
from tests.people import adam, as_, bea, gail, lena, pat, sign_in

pytestmark = pytest.mark.django_db

LENIENT = replace(READING, leave_out=True)
HEAD = "Order number,Name,Phone,Country,E-mail,Created,Item,Price,Comment"
GOOD = "1,Ana Pop,+40 721 234 643,RO,ana@example.org,2026-05-10 13:00,Belt,9.90,Ring twice"
BAD = GOOD.replace("1,", "2,", 1).replace("ana@example.org", "ana at home")


def table(*rows: str) -> bytes:
    return "\n".join([HEAD, *rows, ""]).encode()


def outcomes_of(*rows: str) -> list[Accepted | Refused]:
    mapping = guess(read(table(GOOD)))  # e-mails alone that are none are not guessed to be e-mails
    return list(screened(read(table(*rows)), mapping, LENIENT))


def outcome(row: str) -> Accepted | Refused:
    [found] = outcomes_of(row)
    return found


def begun(*rows: str) -> Import:
    with as_(adam) as by:
        return imports.begin(by=by, file_name="leads.csv", outcomes=outcomes_of(*rows))


def counts(run: Import) -> tuple[int, int, int]:
    return run.created, run.incomplete, run.refused


def kept(run: Import) -> list[tuple]:
    with as_(adam) as by:
        return list(imports.refusals_of(run, by=by, values_only=True))


# The choice


def test_a_row_is_refused_where_nobody_says_otherwise():
    run = imported(table(GOOD, BAD))
    assert counts(run) == (1, 0, 1)
    assert refused_lines(run) == {3: ["invalid_email"]}


def test_a_row_becomes_an_order_without_the_value_left_out():
    run = worked(begun(GOOD, BAD))
    assert counts(run) == (2, 1, 0)
    with as_(adam) as by:
        person = Order.objects.get(external_id="2").open_person(keys.held(by))
    assert (person.name, person.phone, person.email) == ("Ana Pop", "+40721234643", "")


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("Ana Pop", "A" * 201), ("ana@example.org", "@"), ("Ring twice", "R" * 5001)],
)
def test_these_values_are_left_out(was, becomes):
    found = outcome(GOOD.replace(was, becomes))
    assert isinstance(found, Accepted)
    assert len(found.left_out) == 1


@pytest.mark.parametrize(
    ("was", "becomes", "reason"),
    [
        ("+40 721 234 643", "", "missing"),
        ("+40 721 234 643", "call me", "invalid_phone"),
        ("RO", "Atlantis", "unknown_country"),
        ("2026-05-10 13:00", "soon", "invalid_date"),
        ("9.90", "much", "invalid_amount"),
        ("Ring twice", "Ring twice,more", "too_many_cells"),
    ],
)
def test_no_other_value_is_left_out(was, becomes, reason):
    found = outcome(BAD.replace(was, becomes))
    assert isinstance(found, Refused)
    assert sorted(code for _of, code, *_rest in found.reasons) == sorted(["invalid_email", reason])


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("RO", "Russia"),
        ("+40 721 234 643", "8 916 123 45 67"),
        ("Ring twice", "Ring,+7 916 123 45 67"),
    ],
)
def test_clause_p2_is_not_to_be_chosen(was, becomes):
    run = begun(BAD.replace(was, becomes), GOOD)
    assert (run.refused, run.prohibited) == (1, 1)
    assert kept(worked(run)) == []
    assert refused_lines(run) == {}


# What is kept of it


def test_what_was_left_out_is_kept_with_its_line_and_reason_and_nothing_else_of_the_row():
    run = worked(begun(GOOD, BAD))
    assert kept(run) == [
        (3, [("email", "invalid_email", 3, "")], {"external_id": "2", "email": "ana at home"})
    ]


def test_each_row_of_the_order_that_says_the_value_is_kept():
    comments = [BAD.replace("Ring twice", letter * 3000) for letter in "RS"]
    run = worked(begun(comments[0], comments[1].replace("Belt", "Tea")))
    assert counts(run) == (1, 1, 0)
    assert [values["comment"][0] for _line, _why, values in kept(run)] == ["R", "S"]


def test_what_was_left_out_is_sealed():
    run = worked(begun(BAD))
    with as_(adam):
        refusal = ImportRefusal.objects.get(import_id=run.id)
    assert b"ana at home" not in bytes(refusal.body)
    assert "ana at home" not in str(refusal.reasons)


def test_an_order_that_is_already_there_lost_nothing():
    worked(begun(BAD))
    again = worked(begun(BAD))
    assert counts(again) == (0, 0, 1)
    assert refused_lines(again) == {2: ["already_there"]}


def test_a_worker_that_dies_counts_nothing_twice(monkeypatch):
    monkeypatch.setattr(imports, "CHUNK", 2)
    run = begun(*(BAD.replace("2,", f"{number},", 1) for number in range(2, 8)))
    secret = secret_of(run)
    assert imports.work_off_a_chunk(run.id, secret)
    with monkeypatch.context() as dying:
        dying.setattr(imports, "keep_what_was_left_out", killed)
        with pytest.raises(KeyboardInterrupt):
            imports.work_off_a_chunk(run.id, secret)
    assert counts(as_it_stands(run)) == (2, 2, 0)
    assert counts(worked(run)) == (6, 6, 0)
    assert [line for line, _why, _values in kept(run)] == [2, 3, 4, 5, 6, 7]


def killed(*_args):
    raise KeyboardInterrupt


# The pages


def test_the_preview_says_how_many_orders_hang_on_the_choice(client):
    sign_in(client, adam)
    data = table(GOOD, GOOD.replace("1,", "3,", 1), BAD)
    page = upload(client, data, "leads.csv", step="preview").content.decode()
    assert "1 order would be refused for nothing but an optional value" in page
    page = start(client, data, "leads.csv", unreadable="nonsense")
    assert page.status_code == 422


def test_the_choice_is_read_again_with_the_columns(client):
    sign_in(client, adam)
    answer = start(client, table(GOOD, BAD), "leads.csv", unreadable="leave_out", token="another")
    token = answer.context["mapping"]["token"]
    chosen = {"unreadable": "leave_out", "token": token, "currency": "EUR", "country": "RO",
              "day_first": "True"}  # fmt: skip
    columns = {f"column-{at}": name for at, name in enumerate(
        ("external_id", "name", "phone", "country", "email", "created_at", "item", "price",
         "comment"))}  # fmt: skip
    page = upload(client, table(GOOD, BAD), "leads.csv", step="check", **chosen, **columns)
    assert "1 order would be stored without a value" in page.content.decode()


def test_the_page_counts_them_and_the_file_lists_them(client):
    sign_in(client, adam)
    bad = BAD.replace("ana at home", "=1+1")
    answer = start(client, table(GOOD, bad), "leads.csv", unreadable="leave_out")
    run = worked(run_of(answer))
    page = client.get(answer.url)
    assert "without a value that could not be read" in page.content.decode()
    assert page.context["run"]["left_out"] == [
        {"text": "E-mail: This is not an e-mail address.", "lines": 1}
    ]
    assert left_out_file(client, run) == [
        ["Line", "Left out because", "Order number", "E-mail"],
        ["3", "E-mail: This is not an e-mail address.", "2", "'=1+1"],
    ]
    assert refused_file(client, run.id) == [["Line", "Refused because"]]


def run_of(answer) -> Import:
    with as_(adam):
        return Import.objects.get(id=id_of(answer))


def left_out_file(client, run) -> list[list[str]]:
    answer = client.get(reverse("orders:import_left_out", args=[run.id]))
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


@pytest.mark.parametrize(("someone", "status"), [(gail, 403), (lena, 403), (pat, 403), (bea, 404)])
def test_nobody_else_reads_what_was_left_out(client, someone, status):
    run = worked(begun(BAD))
    sign_in(client, someone)
    answer = client.get(reverse("orders:import_left_out", args=[run.id]))
    assert answer.status_code == status
    assert b"ana at home" not in answer.content
    with as_(someone), connection.cursor() as cursor:
        cursor.execute("SELECT FROM orders_importrefusal WHERE import_id = %s", [run.id])
        assert cursor.rowcount == 0
        cursor.execute("UPDATE orders_import SET incomplete = 9 WHERE id = %s", [run.id])
        assert cursor.rowcount == 0
    assert as_it_stands(run).incomplete == 1
