"""Dates as spreadsheets and exports write them, read as moments.

"10.11.2026 19:46", "2026-09-22 15:49:00 +0000", "Nov 10, 2026 7:46 PM", "10 ноября 2026 г.",
Excel's serial days and Unix seconds. Whether 03.04 is April or March no single cell can tell: the
whole column is asked once (`day_comes_first`), and each cell is read by the answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from math import isfinite

from babel import Locale

YEARS = range(2000, 2101)  # an order from outside these is a mistyped year
EXCEL_EPOCH = datetime(1899, 12, 30)  # Excel knows no zones
EXCEL_DAYS = range(36_526, 73_416)  # the same years
UNIX_SECONDS = range(946_684_800, 4_133_980_800)  # the same years
MONTH_LANGUAGES = ("en", "ru", "uk", "be", "kk", "ro", "es", "pl", "de", "fr", "it", "pt")

NUMERIC = re.compile(
    r"(?P<a>\d{1,4})(?P<mark>[./-])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{1,4})"
    r"(?:(?:[T,]\s*|\s+)(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d+)?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?)?"
    r"\s*(?P<zone>z|utc|gmt|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
DAY_MONTH = re.compile(r"(\d{1,2})[\s.-]*(?:de\s+)?([^\W\d_]+)[\s.,-]*(?:del?\s+)?(\d{4})")
MONTH_DAY = re.compile(r"([^\W\d_]+)[\s.]*(\d{1,2})(?:st|nd|rd|th)?[\s,]+(\d{4})")
YEAR_WORD = re.compile(r"(?<=\d)\s*(?:года|г|р)\b\.?")
WEEKDAY = re.compile(r"^[^\W\d_]+\.?,\s*")
PLAIN_NUMBER = re.compile(r"\d{5,14}(?:[.,]\d{1,12})?")
COMPACT = re.compile(r"(20\d{2})(\d{2})(\d{2})")


class UnreadableDate(ValueError):
    """Not a date in any form known here, or one that does not exist."""


def day_comes_first(cells: Iterable[object]) -> bool:
    """Whether a column writes 3 April as 03.04: by the days above 12 in it, else by its manner
    (12-hour clocks go with months first), else yes, as nearly everywhere."""
    votes = clocks = 0
    for cell in cells:
        found = NUMERIC.fullmatch(cell.strip()) if isinstance(cell, str) else None
        if found and len(found["a"]) <= 2:
            votes += (int(found["a"]) > 12) - (int(found["b"]) > 12)
            clocks += bool(found["half"]) and found["mark"] == "/"
    return votes > 0 if votes else not clocks


def parse_date(cell: object, *, day_first: bool, zone: tzinfo) -> datetime:
    """The moment a cell names; without a zone of its own it is local time in `zone`."""
    if isinstance(cell, datetime):
        moment = cell
    elif isinstance(cell, int | float):
        moment = from_number(cell)
    elif isinstance(cell, str):
        moment = from_text(cell, day_first)
    else:
        raise UnreadableDate
    if moment.year not in YEARS:
        raise UnreadableDate
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def from_number(number: float) -> datetime:
    if not isfinite(number):
        raise UnreadableDate
    if compact := COMPACT.fullmatch(str(number)):
        return build(*map(int, compact.groups()))
    if int(number) in EXCEL_DAYS:
        return EXCEL_EPOCH + timedelta(seconds=round(number * 86_400))
    seconds = number / 1000 if number >= UNIX_SECONDS.stop else number
    if int(seconds) in UNIX_SECONDS:
        return datetime.fromtimestamp(seconds, UTC)
    raise UnreadableDate


def from_text(text: str, day_first: bool) -> datetime:
    text = YEAR_WORD.sub("", text.strip())
    if found := NUMERIC.fullmatch(text):
        return from_figures(found, day_first)
    if found := NUMERIC.fullmatch(with_month_as_figure(text)):
        return from_figures(found, day_first=True)
    return from_number(as_number(text))


def from_figures(found: re.Match[str], day_first: bool) -> datetime:
    a, b, c = int(found["a"]), int(found["b"]), int(found["c"])
    if len(found["a"]) > 2:
        year, month, day = a, b, c
    else:
        year, month, day = (c, b, a) if day_first else (c, a, b)
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if found["half"]:
        hour = hour % 12 + 12 * (found["half"].lower() == "p")
    return build(
        year + 2000 * (year < 100), month, day, hour, minute, second, tzinfo=zone_of(found)
    )


def zone_of(found: re.Match[str]) -> tzinfo | None:
    zone = found["zone"]
    if not zone:
        return None
    if zone[0] not in "+-":
        return UTC
    away = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    if away >= timedelta(hours=24):
        raise UnreadableDate
    return timezone(-away if zone[0] == "-" else away)


def build(*figures: int, tzinfo: tzinfo | None = None) -> datetime:
    try:
        return datetime(*figures, tzinfo=tzinfo)  # type: ignore[arg-type, misc]  # as many as there are
    except ValueError as error:
        raise UnreadableDate from error


def as_number(text: str) -> float:
    if not PLAIN_NUMBER.fullmatch(text):
        raise UnreadableDate
    return int(text) if text.isdecimal() else float(text.replace(",", "."))


def with_month_as_figure(text: str) -> str:
    """ "10 ноября 2026, 19:46" as "10.11.2026 19:46"; what names no month comes back as it is."""
    text = WEEKDAY.sub("", text)
    for pattern, day, month in ((DAY_MONTH, 1, 2), (MONTH_DAY, 2, 1)):
        found = pattern.match(text)
        if found and (number := months().get(folded(found[month]))):
            rest = text[found.end() :].lstrip(" ,в").removeprefix("at ")
            return f"{found[day]}.{number}.{found[3]} {rest}".strip()
    return text


@cache
def months() -> dict[str, int]:
    """Folded name or abbreviation -> 1 to 12, in the MONTH_LANGUAGES."""
    names: dict[str, int] = {}
    for language in MONTH_LANGUAGES:
        for forms in Locale(language).months.values():
            for width in ("wide", "abbreviated"):
                for number, name in forms[width].items():
                    names.setdefault(folded(name), number)
    return names


def folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(filter(str.isalpha, plain))
