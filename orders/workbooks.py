"""The program that parses one XLSX in a process of its own: `orders.spreadsheets` runs it.

Workbook on standard input, JSON lines on standard output: `[row number, cells]` for each row that
holds anything, and last an object that says what was read, or why it was not. Limits on memory and
time come first, so that whatever the bytes ask for ends this process and nothing else. It imports
nothing of Covenant.
"""

from __future__ import annotations

import datetime
import io
import json
import resource
import sys
from collections.abc import Iterator

import python_calamine as calamine

MAX_MEMORY = 1024**3  # bytes of address space
MAX_SECONDS = 30
MAX_TEXT = 64 * 1024**2  # characters: one long string may be shared by a million cells


class Refused(Exception):
    """The workbook can't be used; the argument is a code of `orders.spreadsheets.REFUSALS`."""


def limit_this_process() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def choose(book: calamine.CalamineWorkbook) -> tuple[calamine.CalamineSheet, list[str]]:
    """The first visible worksheet that holds anything, and the names of the other visible ones."""
    names = [
        about.name
        for about in book.sheets_metadata
        if about.typ == calamine.SheetTypeEnum.WorkSheet
        and about.visible == calamine.SheetVisibleEnum.Visible
    ]
    for name in names:
        sheet = book.get_sheet_by_name(name)
        if sheet.start is not None:
            return sheet, [other for other in names if other != name]
    raise Refused("empty")


def rows(
    sheet: calamine.CalamineSheet, max_rows: int, max_columns: int, max_cells: int
) -> Iterator[object]:
    room, text, count = max_cells, MAX_TEXT, 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [plain(cell) for cell in row]
        while cells and cells[-1] is None:
            cells.pop()
        if not cells:
            continue
        count += 1
        room -= len(cells)
        text -= sum(len(cell) for cell in cells if isinstance(cell, str))
        if len(cells) > max_columns:
            raise Refused("too_many_columns")
        if count > max_rows + 1:
            raise Refused("too_many_rows")
        if room < 0 or text < 0:
            raise Refused("too_many_cells")
        yield number, cells


def plain(cell: object) -> object:
    """As JSON has it. A moment becomes a list of one ISO string, as nothing else is a list."""
    if isinstance(cell, str):
        return cell if cell and not cell.isspace() else None
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else cell
    if isinstance(cell, datetime.datetime):
        return [cell.isoformat()]
    if isinstance(cell, datetime.date):
        return [f"{cell.isoformat()}T00:00:00"]
    return str(cell)  # a time of day, a duration


def parse(data: bytes, limits: list[int]) -> Iterator[object]:
    book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    sheet, others = choose(book)
    yield from rows(sheet, *limits)
    yield {"name": sheet.name, "others": others}


def say(line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")


def main() -> None:
    limit_this_process()
    try:
        for line in parse(sys.stdin.buffer.read(), [int(limit) for limit in sys.argv[1:]]):
            say(line)
    except Refused as refused:
        say({"refused": str(refused)})
    except MemoryError:
        say({"refused": "too_much_inside"})
    except calamine.PasswordError:
        say({"refused": "password"})
    except calamine.CalamineError:
        say({"refused": "cut"})


if __name__ == "__main__":
    main()
