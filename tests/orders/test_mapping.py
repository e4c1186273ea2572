"""Columns are guessed from their names and what is in them; rows become drafts, none lost."""

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.dates import UnreadableDate, day_comes_first, parse_date
from orders.drafts import PROBLEMS, group
from orders.mapping import TARGETS, Mapping, guess
from orders.spreadsheets import Sheet, read

ALMATY = ZoneInfo("Asia/Almaty")
EXPORTS = Path(__file__).with_name("exports")


def sheet_of(header, *rows):
    return Sheet(
        header.split(","), [(at, list(row)) for at, row in enumerate(rows, start=2)], "csv"
    )


def guessed(sheet):
    """Target -> the names of its columns."""
    columns = guess(sheet).columns
    return {name: " + ".join(sheet.header[i] for i in at) for name, at in columns.items()}


def drafts_of(header, *rows):
    sheet = sheet_of(header, *rows)
    return list(group(sheet, guess(sheet), ALMATY))


def problems(draft):
    return {(problem.field, problem.code) for problem in draft.problems}


# The guess


def test_a_shops_export_is_mapped():
    assert guessed(read((EXPORTS / "shop.csv").read_bytes())) == {
        "external_id": "Name",
        "created_at": "Created at",
        "name": "Shipping Name",
        "phone": "Shipping Phone",
        "email": "Email",
        "country": "Shipping Country",
        "city": "Shipping City",
        "address": "Shipping Address1 + Shipping Zip",
        "item": "Lineitem name",
        "sku": "Lineitem sku",
        "quantity": "Lineitem quantity",
        "price": "Lineitem price",
        "total": "Total",
        "currency": "Currency",
        "comment": "Notes",
        "status": "Financial Status + Fulfillment Status",
    }


def test_a_call_centres_export_is_mapped():
    assert guessed(read((EXPORTS / "zakazy-cp1251.csv").read_bytes())) == {
        "external_id": "Номер",
        "created_at": "Дата",
        "name": "Имя",
        "phone": "Телефон",
        "country": "Страна",
        "city": "Город",
        "address": "Адрес",
        "item": "Товар",
        "quantity": "Кол-во",
        "price": "Цена",
        "currency": "Валюта",
        "partner": "Вебмастер",
        "comment": "Комментарий",
    }


def test_a_workbook_of_leads_is_mapped():
    header = (
        "Lead ID,Created,Full name,Mobile,E-mail,Country,Product,Qty,Price,Currency,"
        "utm_source,Comment"
    )
    moment = datetime(2026, 11, 16, 11, 15)
    first = ["L1", moment, "Harriet Walsh", "07700 900284", "h@example.org", "GB"]
    second = ["L2", moment, "Tinca Ababei", 40721234654, "not an address", "RO"]
    rest = ["Belt", 2, 59.5, "EUR", "google"]
    assert list(guessed(sheet_of(header, first + rest, second + rest)).values()) == [
        "Lead ID", "Created", "Full name", "Mobile", "E-mail", "Country", "Product", "Qty",
        "Price", "Currency", "utm_source", "Comment",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (
            "Nº de pedido,Fecha,Nombre,Teléfono,País,Ciudad,Dirección,Producto,Cantidad",
            "external_id created_at name phone country city address item quantity",
        ),
        (
            "Nr. comandă,Data comenzii,Nume și prenume,Telefon,Țara,Oraș,Adresa,Produs,Buc.",
            "external_id created_at name phone country city address item quantity",
        ),
        (
            "№ заказа,Дата создания,ФИО,Номер телефона,Страна,Город,Адрес доставки,Товар,Кол-во",
            "external_id created_at name phone country city address item quantity",
        ),
        (
            "orderId,createdAt,customer_name,phoneNumber,countryCode,city,street,productName,qty",
            "external_id created_at name phone country city address item quantity",
        ),
    ],
)
def test_columns_are_known_in_the_languages_people_name_them_in(header, names):
    row = [
        "7", "10.11.2026", "Ana Pop", "+40 721 234 643", "RO", "Iași", "Strada 1", "Belt", "2",
    ]  # fmt: skip
    assert list(guessed(sheet_of(header, row))) == [
        target.name for target in TARGETS if target.name in names.split()
    ]


def test_a_telephone_is_found_under_any_name():
    assert guessed(sheet_of("who,where to call", ["x1", "8 (747) 293-76-14"])) == {
        "phone": "where to call"
    }


def test_citizenship_is_not_country():
    sheet = sheet_of("Гражданство,Страна,Телефон", ["KZ", "BY", "+375 29 799 81 70"])
    assert guessed(sheet) == {
        "phone": "Телефон", "country": "Страна", "citizenship": "Гражданство",
    }  # fmt: skip


def test_a_mapping_says_what_it_misses():
    assert Mapping({}).missing == ["phone"]
    assert Mapping({"phone": (0,)}).missing == []


# Dates


@pytest.mark.parametrize(
    "cell",
    [
        "10.11.2026 19:46",
        "2026-11-10 14:46:00 +0000",
        "2026-11-10T14:46:00.000Z",
        "10/11/26 7:46 PM",
        "Nov 10, 2026 7:46 PM",
        "10 ноября 2026 г. 19:46",
        "10 нояб. 2026, 19:46",
        "10 de noviembre de 2026 19:46",
        "10 noiembrie 2026 19:46",
        "Tue, 10 Nov 2026 14:46:00 GMT",
        datetime(2026, 11, 10, 19, 46),
        1794321960,
        "1794321960000",
    ],
)
def test_dates_are_read_as_they_are_written(cell):
    moment = parse_date(cell, day_first=True, zone=ALMATY)
    assert moment.replace(second=0) == datetime(2026, 11, 10, 14, 46, tzinfo=UTC)


def test_excels_days_are_dates():
    noon = datetime(2026, 11, 10, 12, tzinfo=ALMATY)
    assert parse_date(46336.5, day_first=True, zone=ALMATY) == noon
    assert parse_date("46336,5", day_first=True, zone=ALMATY) == noon


@pytest.mark.parametrize(
    "cell", ["", "soon", "31.02.2026", "12:30", "10.11.1026", "00.00.0000", 7, None, "1" * 30,
             "10.11.2026 +99:99", 1e300, float("nan"), float("inf")],
)  # fmt: skip
def test_what_is_no_date_is_refused(cell):
    with pytest.raises(UnreadableDate):
        parse_date(cell, day_first=True, zone=ALMATY)


@pytest.mark.parametrize(
    ("column", "day_first"),
    [
        (["03/04/2026", "25/04/2026"], True),
        (["03/04/2026", "04/25/2026"], False),
        (["03.04.2026"], True),
        (["03/04/2026 7:46 PM"], False),
        (["03/04/2026", None, "x", 5], True),
        ([], True),
    ],
)
def test_the_whole_column_tells_day_from_month(column, day_first):
    assert day_comes_first(column) is day_first


@settings(deadline=None)
@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.none()), st.booleans())
def test_any_cell_is_a_date_or_an_unreadable_one(cell, day_first):
    with suppress(UnreadableDate):
        assert parse_date(cell, day_first=day_first, zone=ALMATY).tzinfo


# Drafts


def test_an_order_of_several_rows_is_one_draft():
    shop = read((EXPORTS / "shop.csv").read_bytes())
    drafts = list(group(shop, guess(shop), ALMATY))
    assert drafts[0].lines == [2, 3]
    assert [(item.sku, item.quantity, item.price) for item in drafts[0].items] == [
        ("KNIFE", 1, Decimal("59.50")),
        ("LED-7", 1, Decimal("49.90")),
    ]
    assert drafts[0].address == "Aleea Toma Nr. 190 Bl. 80 Sc. 42 Ap. 667, 740175"
    assert drafts[0].comment == '=HYPERLINK("http://evil.example";"click")'
    assert drafts[0].total == Decimal("114.40")
    assert not any(draft.problems for draft in drafts)


def test_local_dates_and_numbers_are_read():
    zakazy = read((EXPORTS / "zakazy-cp1251.csv").read_bytes())
    drafts = list(group(zakazy, guess(zakazy), ALMATY))
    assert drafts[0].created_at == datetime(2026, 11, 10, 19, 46, tzinfo=ALMATY)
    assert Decimal("12990.00") in {draft.items[0].price for draft in drafts}
    assert {draft.currency for draft in drafts} == {"KZT", "BYN"}
    assert not any(draft.problems for draft in drafts)


ORDERS = "Order number,Name,Phone,Product,Qty"
ANN = ["7", "Ann Egorova", "+7 747 293 76 14", "Belt", "1"]


def test_rows_of_one_order_need_not_be_neighbours():
    one, two = drafts_of(
        ORDERS, ANN, ["8", "Bob Li", "+48512345346", "Tea"], ["7", *ANN[1:3], "Tea"]
    )
    assert (one.lines, [item.name for item in one.items]) == ([2, 4], ["Belt", "Tea"])
    assert two.lines == [3]


def test_a_telephone_spelled_otherwise_is_the_same_buyer():
    (order,) = drafts_of(ORDERS, ANN, ["7", "ann  egorova", "8 (747) 293-76-14", "Tea", "1"])
    assert (len(order.items), order.problems) == (2, [])


def test_a_row_exported_twice_adds_no_item():
    sparse = ["7", None, None, "Tea", "1"]
    (order,) = drafts_of(ORDERS, ANN, sparse, sparse, ANN, sparse, sparse)
    assert order.lines == [2, 3, 4, 5, 6, 7]
    assert [item.name for item in order.items] == ["Belt", "Tea", "Tea"]


def test_the_same_number_with_another_buyer_is_a_conflict():
    bob = ["7", "Bob Li", "+48512345346", "Tea", "1"]
    first, second = drafts_of(ORDERS, ANN, bob, ["7", None, None, "Lamp", "1"])
    assert problems(first) == set()
    assert problems(second) == {("external_id", "conflict")}
    assert second.lines == [3, 4]


def test_a_row_that_declares_another_country_is_not_merged_away():
    header = "Order number,Phone,Country,Product"
    _first, second = drafts_of(
        header, ["7", "+77472937614", "KZ", "Belt"], ["7", "+77472937614", "RU", "Tea"]
    )
    assert (second.country, problems(second)) == ("RU", {("external_id", "conflict")})


def test_a_row_without_number_and_buyer_goes_on_with_the_order_above():
    (order,) = drafts_of(ORDERS, ANN, [None, None, None, "Tea", "2"])
    assert [item.quantity for item in order.items] == [1, 2]


def test_rows_without_numbers_are_orders_of_their_own():
    assert len(drafts_of("Name,Phone", ["Ann", "+77472937614"], ["Ann", "+77472937614"])) == 2


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("Phone", None, ("phone", "missing")),
        ("Date", "31.02.2026", ("created_at", "invalid_date")),
        ("Price", "12,34,5", ("price", "invalid_amount")),
        ("Price", "-5", ("price", "invalid_amount")),
        ("Price", float("inf"), ("price", "invalid_amount")),
        ("Price", 10**11, ("price", "invalid_amount")),
        ("Total", "free", ("total", "invalid_amount")),
        ("Qty", "0", ("quantity", "invalid_quantity")),
        ("Qty", "1.5", ("quantity", "invalid_quantity")),
        ("Qty", "9" * 5000, ("quantity", "invalid_quantity")),
        ("Currency", "roubles", ("currency", "invalid_currency")),
        ("Email", "not an address", ("email", "invalid_email")),
        ("Product", "x" * 201, ("item", "too_long")),
        ("Notes", "x" * 5001, ("comment", "too_long")),
    ],
)
def test_a_bad_cell_is_a_problem_of_its_row(column, cell, problem):
    good = {
        "Order number": "7", "Phone": "+77472937614", "Date": "10.11.2026", "Price": "5",
        "Total": "5", "Qty": "1", "Currency": "KZT", "Email": "a@example.org", "Product": "Belt",
        "Notes": "x",
    }  # fmt: skip
    header = ",".join(good)
    sheet = sheet_of(
        header, list(good.values()), [*({**good, "Order number": "8", column: cell}).values()]
    )
    mapping = guess(sheet_of(header, list(good.values())))
    fine, bad = group(sheet, mapping, ALMATY)
    assert problems(fine) == set()
    assert problems(bad) == {problem}
    assert str(cell) not in " ".join(p.message for p in bad.problems if cell not in (None, "0"))


def test_a_row_with_too_many_cells_is_refused_alone():
    fine, bad = drafts_of("Name,Phone", ["Ann", "+77472937614"], ["Bob", "+48512345346", "?"])
    assert (problems(fine), problems(bad)) == (set(), {("row", "too_many_cells")})


def test_the_apostrophe_that_marks_text_is_taken_off():
    (draft,) = drafts_of("Name,Phone,Zip", ["'t Hooft", "'+77472937614", "'07018"])
    assert (draft.name, draft.phone, draft.address) == ("'t Hooft", "+77472937614", "07018")


def test_numbers_of_a_workbook_keep_no_trailing_zero():
    (draft,) = drafts_of("Order number,Phone,Price", [1001, 40721234654, 49.900000000000006])
    assert (draft.external_id, draft.phone) == ("1001", "40721234654")
    assert draft.items[0].price == Decimal("49.90")


def test_a_draft_shows_nobody():
    assert repr(drafts_of(ORDERS, ANN)[0]) == "<Draft of rows 2 to 2>"


def test_every_problem_has_words():
    assert all(map(str, PROBLEMS.values()))


anything = st.one_of(
    st.none(), st.text(max_size=12), st.integers(), st.floats(), st.datetimes(),
    st.sampled_from(["7", "8", "Ann", "+77472937614", "=1+1", "10.11.2026", "1,5"]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_row_of_any_table_is_in_exactly_one_draft(data):
    names = data.draw(st.lists(st.sampled_from([t.name for t in TARGETS]), unique=True, min_size=1))
    rows = data.draw(st.lists(st.lists(anything, max_size=len(names) + 1), min_size=1, max_size=12))
    sheet = sheet_of(",".join(names), *rows)
    for mapping in (guess(sheet), Mapping({name: (at,) for at, name in enumerate(names)})):
        lines = Counter(line for draft in group(sheet, mapping, ALMATY) for line in draft.lines)
        assert lines == Counter(line for line, _cells in sheet.rows)
