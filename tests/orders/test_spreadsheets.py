"""Files that people upload become rows, or a message that says what would be right."""

import io
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from accounts.formulas import neutralised, to_csv
from orders.spreadsheets import REFUSALS, UnreadableFile, read

SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RUSSIAN = "Имя;Телефон;Комментарий\r\nАнна Егорова;8 (747) 293-76-14;нет дома\r\n"


def workbook(*rows, sheet="Orders", before=None):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"default_date_format": "dd.mm.yyyy"}) as book:
        if before:
            before(book)
        worksheet = book.add_worksheet(sheet)
        for number, row in enumerate(rows):
            worksheet.write_row(number, 0, row)
    return out.getvalue()


def altered(data, **parts):
    """The workbook with parts replaced or added; in names, __ stands for a slash, _ for a dot."""
    out = io.BytesIO()
    wanted = {name.replace("__", "/").replace("_", "."): body for name, body in parts.items()}
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name not in wanted:
                new.writestr(name, old.read(name))
        for name, body in wanted.items():
            new.writestr(name, body)
    return out.getvalue()


def sheet_xml(cells):
    return f'<worksheet xmlns="{SPACE}"><sheetData>{cells}</sheetData></worksheet>'


def refusal(data, filename="orders.csv"):
    with pytest.raises(UnreadableFile) as refused:
        read(data, filename)
    assert str(refused.value)
    return refused.value.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251", "koi8-r", "cp866"])
def test_russian_is_read_in_every_encoding_it_comes_in(encoding):
    sheet = read(RUSSIAN.encode(encoding))
    assert sheet.header == ["Имя", "Телефон", "Комментарий"]
    assert sheet.rows == [(2, ["Анна Егорова", "8 (747) 293-76-14", "нет дома"])]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Nombre,Ciudad\nBegoña Núñez,A Coruña\nJosé Peña,León\n", "cp1252"),
        ("Name,Ort\nJürgen Groß,München\nZoé Müller,Zürich\n", "cp1252"),
        ("Imię,Miasto\nŁukasz Żółć,Łódź\nPaweł Dąbrowski,Kraków\n", "cp1250"),
        ("ИМЯ,ГОРОД\nАННА ПЕТРОВА,МИНСК\nОЛЕГ ИВАНОВ,ГОМЕЛЬ\n", "cp1251"),
    ],
)
def test_letters_of_other_languages_survive(text, encoding):
    sheet = read(text.encode(encoding))
    assert [sheet.header, *(cells for _line, cells in sheet.rows)] == [
        line.split(",") for line in text.splitlines()
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_although_others_stand_in_the_cells(delimiter):
    row = ["1", '"12 990,00"', '"a; b, c | d"', '"x\ty"']
    data = "\n".join(delimiter.join(cells) for cells in [["No", "Price", "Item", "Note"], row, row])
    sheet = read(data.encode())
    assert sheet.delimiter == delimiter
    assert sheet.rows[1] == (3, ["1", "12 990,00", "a; b, c | d", "x\ty"])


def test_excels_separator_line_is_obeyed_and_counted():
    sheet = read(b"sep=;\nName;Phone\nAnn, B;1\n")
    assert (sheet.header, sheet.rows) == (["Name", "Phone"], [(3, ["Ann, B", "1"])])


def test_a_row_is_known_by_the_line_it_begins_on():
    sheet = read(b'a,b\n"one\ntwo",x\n\n,\nthree,y\n')
    assert [line for line, _cells in sheet.rows] == [2, 6]
    assert sheet.rows[0][1] == ["one\ntwo", "x"]


def test_a_row_may_be_longer_or_shorter_than_the_header():
    sheet = read(b"a,b\n1,2,3\n4\n")
    assert sheet.rows == [(2, ["1", "2", "3"]), (3, ["4"])]


def test_formulas_stay_text():
    assert read(b'a,b\n"=HYPERLINK(""http://x"")",1\n').rows[0][1][0] == '=HYPERLINK("http://x")'


def test_stray_control_characters_are_dropped():
    text = "Name,Phone\n" + "Ann,77472937614\n" * 50
    assert read(text.replace("Ann", "A\0nn", 1).encode()).rows[0][1][0] == "Ann"


def test_a_quotation_mark_that_swallows_the_rest_is_refused_with_its_line():
    assert refusal(b'a,b\n1,2\n"3,4\n5,6\n') == "open_quote"
    with pytest.raises(UnreadableFile, match="line 3 "):
        read(b'a,b\n1,2\n"3,4\n5,6\n')


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\r\n \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b",,,\n1,2,3\n4,5,6", None),
        (b"Name,Phone\n", "no_rows"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "picture"),
        (b"\xff\xd8\xff\xe0" + bytes(99), "picture"),
        (b"%PDF-1.7\n", "document"),
        (b"\x1f\x8b\x08\x00", "other_archive"),
        (b"PK\x03\x04" + bytes(99), "cut"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "old_excel"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "password",
        ),
        (b"<!DOCTYPE html><table><tr><td>1</td></tr></table>", "web_page"),
        (b'[{"name": "Ann"}]', "json"),
        (bytes(range(256)) * 9, "binary"),
        (b"a," * 201 + b"\n" + b"1," * 200 + b"1", "too_many_columns"),
        (b"a,b\n" + b"1,2\n" * 100_001, "too_many_rows"),
        (b"x" * (25 * 1024 * 1024 + 1), "too_big"),
    ],
)
def test_what_is_no_table_of_orders_is_refused(data, code):
    if code:
        assert refusal(data) == code
    else:
        read(data)


def test_a_workbook_is_read_with_its_types_and_row_numbers():
    moment = datetime(2026, 11, 10, 19, 46)
    data = workbook(["Id", "When", "Phone", "Price"], [], ["A", moment, 77472937614, 59.5])
    sheet = read(data, "orders.csv")
    assert (sheet.kind, sheet.name, sheet.others) == ("xlsx", "Orders", [])
    assert sheet.rows == [(3, ["A", moment, 77472937614, 59.5])]


def test_midnight_is_a_moment_too():
    assert read(workbook(["When"], [datetime(2026, 11, 10)])).rows[0][1] == [datetime(2026, 11, 10)]


def test_the_first_visible_sheet_that_holds_anything_is_read():
    def others(book):
        book.add_worksheet("Empty")
        book.add_worksheet("Secret").write(0, 0, "x")
        book.get_worksheet_by_name("Secret").hide()

    sheet = read(workbook(["Name"], ["Ann"], before=others))
    assert (sheet.name, sheet.others) == ("Orders", ["Empty"])


def test_a_column_of_a_workbook_may_have_no_name():
    assert read(workbook(["Name"], ["Ann", "note"])).header == ["Name", ""]


def test_a_workbook_without_orders_is_refused():
    assert refusal(workbook()) == "empty"
    assert refusal(workbook(["Name", "Phone"])) == "no_rows"


def test_a_cut_workbook_is_refused():
    data = workbook(["Name"], ["Ann"])
    assert {refusal(data[:size]) for size in range(8, len(data), 97)} == {"cut"}
    assert refusal(altered(data, xl__worksheets__sheet1_xml="<worksheet><sheetData>")) in {
        "cut",
        "empty",
    }


def test_an_archive_or_document_is_refused_by_what_is_in_it():
    assert refusal(zipped(**{"orders.csv": "a,b"})) == "other_archive"
    assert refusal(zipped(**{"word/document.xml": "<w/>"})) == "document"
    assert refusal(zipped(**{"content.xml": "<office/>"})) == "other_sheet"


def zipped(**parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return out.getvalue()


def test_a_bomb_is_refused_by_what_it_declares_and_by_what_comes_out():
    bomb = altered(workbook(["a"], ["b"]), xl__worksheets__sheet1_xml=b" " * 30_000_000)
    assert refusal(bomb) == "too_much_inside"
    lying = bomb.replace((30_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    assert lying != bomb
    assert refusal(lying) in {"too_much_inside", "cut"}


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1048576"><v>1</v></c></row>',
        '<row r="1">'
        + "<c><v>1</v></c>" * 16_000
        + "</row>"
        + "<row><c><v>1</v></c></row>" * 9_000,
        '<row r="1"><c r="A1" t="s"><v>99999999</v></c></row>',
    ],
    ids=["far corner", "wide and long", "no such string"],
)
def test_a_workbook_that_asks_for_the_impossible_ends_only_its_own_process(cells):
    data = altered(workbook(["a"], ["b"]), xl__worksheets__sheet1_xml=sheet_xml(cells))
    assert refusal(data) in {"too_much_inside", "too_many_columns", "cut", "no_rows"}


def test_one_string_shared_by_all_cells_is_refused():
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 9_000))
    shared = f'<sst xmlns="{SPACE}"><si><t>{"x" * 900_000}</t></si></sst>'
    data = altered(
        workbook(["a"], ["b"]),
        xl__worksheets__sheet1_xml=sheet_xml(rows),
        xl__sharedStrings_xml=shared,
    )
    assert refusal(data) in {"too_much_inside", "too_many_cells"}


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(str.encode)))
@example(b'"')
@example(b"sep=;\n")
@example(b"\xff\xfe\x00")
@example(b"a\rb\x85\xe2\x80\xa8c")
def test_any_bytes_are_a_table_or_an_unreadable_file(data):
    try:
        sheet = read(data)
    except UnreadableFile as refused:
        assert str(refused)
    else:
        assert sheet.rows


WHOLE = workbook(["Name", "Phone"], ["Ann", 77472937614])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_workbook_with_any_bytes_spoiled_is_a_table_or_an_unreadable_file(data):
    spoiled = bytearray(WHOLE)
    for at in data.draw(st.lists(st.integers(0, len(spoiled) - 1), min_size=1, max_size=4)):
        spoiled[at] = data.draw(st.integers(0, 255))
    try:
        assert read(bytes(spoiled)).rows
    except UnreadableFile as refused:
        assert str(refused)


cells = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=9))
def test_what_is_written_is_read_again_row_by_row(rows):
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    assume(filled)
    assert len(read(to_csv([["name", "phone", "note"], *rows])).rows) == len(filled)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3+cmd", "'-2+3+cmd"),
        ("\t=1", "'\t=1"),
        ("+375 29 799-81-70", "+375 29 799-81-70"),
        ("-12.50", "-12.50"),
        (None, ""),
        (59.5, "59.5"),
        ("'0123", "'0123"),
    ],
)
def test_no_cell_that_is_written_is_a_formula(cell, written):
    assert neutralised(cell) == written


def test_every_refusal_has_words():
    assert all(map(str, REFUSALS.values()))


@pytest.mark.parametrize(
    ("name", "rows", "encoding"), [("shop.csv", 30, "utf-8"), ("zakazy-cp1251.csv", 40, "cp1251")]
)
def test_real_exports_are_read_whole(name, rows, encoding):
    sheet = read((Path(__file__).with_name("exports") / name).read_bytes())
    assert (len(sheet.rows), sheet.encoding) == (rows, encoding)
