"""An archive on its way into the database: a ZIP, sealed a piece at a time, and never on a disk.

Each table is written twice, as JSON and as CSV.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder

from accounts.formulas import neutralised

PIECE: Final = 1 << 20  # bytes

Row = dict[str, Any]


class Exact(DjangoJSONEncoder):
    """Times to the microsecond: hashes are taken over them."""

    def default(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else super().default(value)


class Pieces(io.RawIOBase):
    """What is written, handed on in pieces of a MiB. A ZIP needs no way back to its beginning."""

    def __init__(self, keep: Callable[[bytes], None]) -> None:
        self._keep, self._held = keep, bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        while len(self._held) >= PIECE:
            self._keep(bytes(self._held[:PIECE]))
            del self._held[:PIECE]
        return len(data)

    def finish(self) -> None:
        if self._held:
            self._keep(bytes(self._held))


@contextmanager
def archive(keep: Callable[[bytes], None]) -> Iterator[zipfile.ZipFile]:
    """A ZIP of which each piece is given to `keep`."""
    pieces = Pieces(keep)
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_DEFLATED) as opened:
        yield opened
    pieces.finish()


def write_json(into: zipfile.ZipFile, name: str, rows: Iterable[Row]) -> None:
    with into.open(f"{name}.json", "w", force_zip64=True) as file:
        before = b"[\n"
        for row in rows:
            file.write(before + json.dumps(row, cls=Exact, ensure_ascii=False).encode())
            before = b",\n"
        file.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def write_csv(into: zipfile.ZipFile, name: str, rows: Iterable[Row]) -> None:
    """As a spreadsheet opens it: UTF-8 with its mark, no cell a formula; a person in columns of its
    own, what is nested deeper as JSON."""
    with (
        into.open(f"{name}.csv", "w", force_zip64=True) as file,
        io.TextIOWrapper(file, "utf-8-sig", newline="") as text,
    ):
        written = csv.writer(text)
        for number, row in enumerate(map(flat, rows)):
            if not number:
                written.writerow(row)
            written.writerow([neutralised(cell) for cell in row.values()])


def flat(row: Row) -> Row:
    cells: Row = {}
    for name, value in row.items():
        if name == "person":
            cells |= {f"{name}_{part}": cell(inner) for part, inner in value.items()}
        else:
            cells[name] = cell(value)
    return cells


def cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value, cls=Exact, ensure_ascii=False) if value else ""
    return value
