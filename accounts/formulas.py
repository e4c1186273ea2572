"""What a spreadsheet would take for a formula, made text: people type names, and others open them
(OWASP, "CSV injection")."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any, Final

STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
SIGNED_NUMBER: Final = re.compile(r"[+-][\d ().,-]*")


def neutralised(cell: Any) -> str:
    """The cell as text that no spreadsheet takes for a formula. Plain numbers and telephones keep
    their sign; `orders.mapping` takes the apostrophe off again."""
    text = "" if cell is None else str(cell)
    if text.startswith(STARTS) and not SIGNED_NUMBER.fullmatch(text):
        return "'" + text
    return text


def to_csv(rows: Iterable[Iterable[Any]]) -> bytes:
    """The rows as a CSV that Excel opens as it is meant: UTF-8 with its mark, nothing a formula."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([neutralised(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")
