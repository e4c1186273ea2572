"""Tables that people upload, read into rows: XLSX or CSV, told apart by content and never by name.

Whatever the bytes are, `read` returns a Sheet or raises UnreadableFile; nothing here is trusted.
A CSV is read in this process, an XLSX by `orders/workbooks.py` in a process with its own limits.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MAX_BYTES = 25 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_CELL = 32_767  # characters: what Excel's own cell holds
MAX_CELLS = 6_500_000  # filled ones: 100,000 rows of the widest shop export known to us
MAX_UNPACKED = 400 * 1024 * 1024  # bytes of all parts of an XLSX together
MAX_RATIO = 250  # unpacked to packed; a real workbook stays under 50
RATIO_COUNTS_FROM = 20 * 1024 * 1024  # small workbooks may repeat themselves as they like
MAX_PARTS = 1_000

ENCODINGS = ("cp1251", "cp1252", "cp1250", "koi8-r", "cp866")
DELIMITERS = ",;\t|"

Cell = str | int | float | datetime | None
Row = tuple[int, list[Cell]]  # the line (CSV) or row (XLSX) as the file's owner counts it, from 1

REFUSALS: dict[str, Promise] = {
    "empty": _(
        "The file is empty. Upload a CSV or XLSX file with a heading row and orders below it."
    ),
    "too_big": _("The file is larger than 25 MB. Split it and upload the parts one by one."),
    "too_many_rows": _("The file has more than 100,000 rows. Split it and upload the parts."),
    "too_many_columns": _("The file has more than 200 columns. Leave only those with orders."),
    "too_many_cells": _("The table is too large. Split it, or leave out columns you don't need."),
    "too_much_inside": _(
        "The workbook unpacks to far more than a table of orders would. "
        "Copy the orders into a new workbook, or save them as CSV."
    ),
    "no_header": _("The first row holds no column names. Put a heading row above the orders."),
    "no_rows": _("There is a heading row but no orders below it."),
    "cut": _(
        "The file is damaged or incomplete. Save or download it again and upload the new copy."
    ),
    "password": _("The workbook is protected by a password. Remove it and upload the file again."),
    "old_excel": _(
        "This is the old Excel format (XLS). Save it as an Excel workbook (XLSX) or CSV."
    ),
    "other_sheet": _("This spreadsheet format can't be read. Save it as XLSX or CSV."),
    "other_archive": _("This is an archive. Unpack it and upload the CSV or XLSX file inside."),
    "picture": _("This is a picture, not a table. Upload the orders as CSV or XLSX."),
    "document": _("This is a document, not a table. Upload the orders as CSV or XLSX."),
    "web_page": _("This is a web page or XML. Open it in Excel and save it as XLSX or CSV."),
    "json": _("This is JSON, not a table. Upload the orders as CSV or XLSX."),
    "binary": _("This is not a table. Upload the orders as CSV or XLSX."),
    "open_quote": _(
        "A quotation mark is opened in line %(line)s and never closed. Close or double it."
    ),
}

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF87a", "picture"),
    (b"GIF89a", "picture"),
    (b"II*\x00", "picture"),
    (b"MM\x00*", "picture"),
    (b"RIFF", "picture"),
    (b"\x00\x00\x01\x00", "picture"),
    (b"%PDF", "document"),
    (b"{\\rtf", "document"),
    (b"\x1f\x8b", "other_archive"),
    (b"Rar!", "other_archive"),
    (b"7z\xbc\xaf", "other_archive"),
    (b"BZh9", "other_archive"),
    (b"\xfd7zXZ", "other_archive"),
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # old Excel, and the wrapper of a workbook with password
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FREQUENT = {  # letters, beyond ASCII, that are frequent in what is written in the encoding
    "cp1251": set("оеаинтсрвлкмдпуОЕАИНТСРВЛКМДПУ"),
    "koi8-r": set("оеаинтсрвлкмдпуОЕАИНТСРВЛКМДПУ"),
    "cp866": set("оеаинтсрвлкмдпуОЕАИНТСРВЛКМДПУ"),
    "cp1252": set("áâàäãåçéêèëíîìïñóôòöõøúûùüßÁÂÀÄÃÅÇÉÊÈËÍÎÑÓÔÖØÚÜ"),
    "cp1250": set("áâäăąćčçďéęěíîłńňóôöőřśşšťţúůüűýźżžĂÁĄĆČÉÍÎŁÓÖŚŞŠŢÚÜŹŻŽß"),
}
PUNCTUATION = set("«»“”„‘’–—…№•\xa0")
WORDS = re.compile(rb"[A-Za-z\x80-\xff]+")
SEPARATOR_LINE = re.compile(r"sep=([,;\t|])(?:\r\n|\r|\n|$)", re.IGNORECASE)
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
MARKUP = re.compile(r"\s*<(?:!doctype|\?xml|html|head|meta|table|body)\b", re.IGNORECASE)
JSON = re.compile(r'\s*(?:\{\s*["}]|\[\s*[\[{"\]])')

csv.field_size_limit(MAX_BYTES)  # the limit of a cell is ours, and says on which line it is broken


class UnreadableFile(ValueError):
    """The file can't be read as a table. `code` names the refusal, str() what would be right."""

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.details = details

    def __str__(self) -> str:
        return str(REFUSALS[self.code]) % self.details if self.details else str(REFUSALS[self.code])


@dataclass(frozen=True, slots=True, repr=False)
class Sheet:
    """A heading row and the rows below it that hold anything. Cells are None where empty; a row
    ends at its last filled cell, so it may be shorter than the header, or (CSV only) longer."""

    header: list[str]
    rows: list[Row]
    kind: str  # "csv" or "xlsx"
    encoding: str = ""  # of a CSV, as Python names it
    delimiter: str = ""  # of a CSV
    name: str = ""  # of the worksheet that was read
    others: list[str] = field(default_factory=list)  # visible worksheets that were not


def read(data: bytes, filename: str = "") -> Sheet:
    """The table in `data`. The file's name decides nothing, as it is so often wrong."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile("too_big")
    if not data.strip(b"\x00 \t\r\n"):
        raise UnreadableFile("empty")
    if data.startswith(b"PK"):
        return read_workbook(data)
    refuse_other_kinds(data)
    return read_csv(data)


def refuse_other_kinds(data: bytes) -> None:
    if data.startswith(OLE):
        raise UnreadableFile("password" if ENCRYPTED in data else "old_excel")
    for signature, code in SIGNATURES:
        if data.startswith(signature):
            raise UnreadableFile(code)


def looks_binary(data: bytes) -> bool:
    """More than one control character in 200, which no text has in any single-byte encoding."""
    start = data[:65_536]
    text = start.translate(None, bytes(b for b in range(32) if b not in b"\t\n\r"))
    return (len(start) - len(text)) * 200 > len(start)


# XLSX


def read_workbook(data: bytes) -> Sheet:
    check_archive(data)
    about, rows = parse_apart(data)
    header_at = next((i for i, (_line, cells) in enumerate(rows) if cells), None)
    if header_at is None:
        raise UnreadableFile("empty")
    width = max(len(cells) for _line, cells in rows)
    header = [heading(cell) for cell in rows[header_at][1]]
    header += [""] * (width - len(header))  # a column may hold data and have no name
    return finished(
        header, rows[header_at + 1 :], kind="xlsx", name=about["name"], others=about["others"]
    )


def check_archive(data: bytes) -> None:
    """Refuse a workbook that unpacks beyond the limits, by what it declares and by what really
    comes out, before a parser sees it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_parts(archive)
            check_unpacked(archive, len(data))
    except UnreadableFile:
        raise
    except Exception as error:  # zipfile answers hostile bytes with a dozen kinds of exception
        raise UnreadableFile("cut") from error


def check_parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if names & {"content.xml", "xl/workbook.bin"}:  # ODS and XLSB, which the parser would open too
        raise UnreadableFile("other_sheet")
    if names & {"word/document.xml", "ppt/presentation.xml"}:
        raise UnreadableFile("document")
    if any(part.flag_bits & 1 for part in parts):
        raise UnreadableFile("password")
    if "xl/workbook.xml" not in names:
        raise UnreadableFile("other_archive")
    if len(parts) > MAX_PARTS:
        raise UnreadableFile("too_much_inside")


def check_unpacked(archive: zipfile.ZipFile, packed: int) -> None:
    refuse_unpacked(sum(part.file_size for part in archive.infolist()), packed)
    unpacked = 0
    for part in archive.infolist():
        part.file_size = MAX_UNPACKED + 1  # or zipfile would stop at the size that was declared
        with archive.open(part) as stream:
            while block := stream.read(1 << 20):
                unpacked += len(block)
                refuse_unpacked(unpacked, packed)


def refuse_unpacked(unpacked: int, packed: int) -> None:
    if unpacked > max(RATIO_COUNTS_FROM, min(MAX_UNPACKED, packed * MAX_RATIO)):
        raise UnreadableFile("too_much_inside")


def parse_apart(data: bytes) -> tuple[dict[str, Any], list[Row]]:
    """Parse in a process of its own, which may use 1 GiB and 30 s: a few hundred bytes of XLSX can
    ask for a billion cells, or one string a million times, and the parser would end the worker."""
    program = Path(__file__).with_name("workbooks.py")
    limits = [str(limit) for limit in (MAX_ROWS, MAX_COLUMNS, MAX_CELLS)]
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(program), *limits],
            input=data, capture_output=True, env={}, timeout=60, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise UnreadableFile("too_much_inside") from error
    if done.returncode < 0:  # killed at a limit
        raise UnreadableFile("too_much_inside")
    *rows, about = map(json.loads, done.stdout.splitlines() or [b"{}"])
    if "name" not in about:
        raise UnreadableFile(about.get("refused", "cut") if isinstance(about, dict) else "cut")
    return about, [(number, [revived(cell) for cell in cells]) for number, cells in rows]


def revived(cell: str | float | list[str] | None) -> Cell:
    """The cell, without what no database takes: XLSX can spell any code unit, as `_x0000_`."""
    if isinstance(cell, str):
        return UNSTORABLE.sub("", cell)
    return datetime.fromisoformat(cell[0]) if isinstance(cell, list) else cell


# CSV


def read_csv(data: bytes) -> Sheet:
    text, encoding = decoded(data)
    if MARKUP.match(text):
        raise UnreadableFile("web_page")
    if JSON.match(text):
        raise UnreadableFile("json")
    text = CONTROL.sub("", text)
    delimiter = declared_delimiter(text) or guess_delimiter(text)
    records = split_records(text, delimiter)
    _line, names = next(records, (0, []))
    if not names:
        raise UnreadableFile("empty")
    header = [heading(cell) for cell in names]
    return finished(header, records, kind="csv", encoding=encoding, delimiter=delimiter)


def declared_delimiter(text: str) -> str:
    """Excel writes and obeys a first line such as `sep=;`."""
    found = SEPARATOR_LINE.match(text)
    return found[1] if found else ""


def split_records(text: str, delimiter: str) -> Iterator[Row]:
    """Each record that holds anything, with the number of the line on which it begins."""
    taken: list[str] = []
    number, last = 1, taken
    for cells in csv.reader(remembered(io.StringIO(text, newline=""), taken), delimiter=delimiter):
        if any(len(cell) > MAX_CELL for cell in cells):
            raise UnreadableFile("open_quote", line=number)
        filled = trimmed([cell if cell and not cell.isspace() else None for cell in cells])
        if filled and not (number == 1 and SEPARATOR_LINE.match(text)):
            yield number, filled
        number += len(taken)
        last = taken.copy()
        taken.clear()
    if quote_left_open(last, delimiter):
        raise UnreadableFile("open_quote", line=number - len(last))


def remembered(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def quote_left_open(record: list[str], delimiter: str) -> bool:
    """Whether the file ended inside quotes, having swallowed whatever rows came after them."""
    try:
        list(csv.reader(record, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def guess_delimiter(text: str) -> str:
    """The one that cuts the first 100 records most evenly; among equals, into most cells."""
    start = text[:200_000]
    return max(DELIMITERS, key=lambda delimiter: evenness(start, delimiter))


def evenness(text: str, delimiter: str) -> tuple[float, int]:
    records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    widths = [len(cells) for cells in itertools.islice(records, 100) if cells]
    if not widths or widths[0] == 1:
        return 0.0, 0
    return sum(width == widths[0] for width in widths) / len(widths), widths[0]


# Encodings


def decoded(data: bytes) -> tuple[str, str]:
    """The text and the name of its encoding: a byte order mark, else UTF-8 if the bytes are such,
    else the single-byte encoding in which the words look most like words."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace"), encoding
    if looks_binary(data):
        raise UnreadableFile("binary")
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 3:  # a file cut in the middle of its last letter
            return data[: error.start].decode("utf-8"), "utf-8"
    return decoded_by_looks(data)


def decoded_by_looks(data: bytes) -> tuple[str, str]:
    words = {word for word in WORDS.findall(data[:1_000_000]) if not word.isascii()}
    sample = sorted(words)[:: len(words) // 3_000 + 1]
    for encoding in sorted(ENCODINGS, key=lambda name: -wordliness(sample, name)):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"


def wordliness(words: Iterable[bytes], encoding: str) -> int:
    """How much the words look like words: frequent letters count for, and capitals after small
    letters, two alphabets in one word, and signs inside words count against."""
    score = 0
    for word in words:
        text = word.decode(encoding, "replace")
        score += sum(letter in FREQUENT[encoding] for letter in text)
        score -= 3 * sum(starkly_odd(pair) for pair in itertools.pairwise(text))
    return score


def starkly_odd(pair: tuple[str, str]) -> bool:
    before, after = pair
    if not (before.isalpha() and after.isalpha()):
        return not (before in PUNCTUATION or after in PUNCTUATION)
    if before.islower() and after.isupper():
        return True
    return is_cyrillic(before) != is_cyrillic(after)


def is_cyrillic(letter: str) -> bool:
    return "\u0400" <= letter <= "\u052f"


# Both kinds


def heading(cell: Cell) -> str:
    return "" if cell is None else " ".join(str(cell).split())


def trimmed(cells: list[Cell]) -> list[Cell]:
    """Without the empty cells at the end."""
    end = len(cells)
    while end and cells[end - 1] is None:
        end -= 1
    return cells[:end]


def finished(header: list[str], rows: Iterable[Row], **about: Any) -> Sheet:
    """The sheet, once header and rows are within the limits."""
    if not any(header):
        raise UnreadableFile("no_header")
    if len(header) > MAX_COLUMNS:
        raise UnreadableFile("too_many_columns")
    kept: list[Row] = []
    room = MAX_CELLS
    for row in rows:
        kept.append(row)
        room -= len(row[1])
        if room < 0:
            raise UnreadableFile("too_many_cells")
        if len(kept) > MAX_ROWS:
            raise UnreadableFile("too_many_rows")
    if not kept:
        raise UnreadableFile("no_rows")
    return Sheet(header, kept, **about)
