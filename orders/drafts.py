"""From the rows of an uploaded table to drafts of orders: every row ends in exactly one draft.

A shop writes an order of three items as three rows. Rows are one order where they carry the same
order number and do not contradict each other on who the buyer is (`BUYER`), next to each other or
not. Of such rows
- one that repeats an earlier row word for word, buyer and all, is that row exported twice: it is
  counted to the draft and adds no item, since a doubled parcel costs more than a missing line;
- any other adds its item; a field of the order keeps its first value, comments are all kept.
The same number with another buyer is another order, and refused ("conflict"), as the lead API
answers 409: which of the two the number belongs to only the sender knows. A row without number,
telephone and name continues the order above it, as merged cells are written to CSV.

Nothing here stores, logs or shows what it reads; a draft's repr names its rows alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.dates import UnreadableDate, parse_date
from orders.mapping import Mapping
from orders.money import InvalidAmount, currency_in, parse_amount
from orders.spreadsheets import Cell, Sheet

BUYER = ("phone", "name", "email", "country", "citizenship")
FIGURES = ("created_at", "quantity", "price", "total")  # kept as cells: a date, a number
OF_ITEM = ("item", "sku", "quantity", "price")

# What decides nothing: without it the order is still this order. A telephone, a date, an amount, a
# country or whoever is paid for the order is never made up for one that can't be read.
OPTIONAL = ("name", "email", "city", "address", "source", "comment")

# Characters: what the columns of an order hold, and for what is sealed, what a card can show.
LONGEST = {
    "external_id": 100, "name": 200, "phone": 100, "email": 254, "country": 100, "status": 200,
    "citizenship": 100, "city": 200, "address": 1_000, "item": 200, "sku": 80, "offer": 160,
    "partner": 100, "source": 200, "comment": 5_000,
}  # fmt: skip
MAX_QUANTITY = 100_000
MAX_PRICE = Decimal(10) ** 10  # what numeric(12, 2) holds, and the next below: 14, 2
MAX_TOTAL = Decimal(10) ** 12
CENT = Decimal("0.01")

QUANTITY = re.compile(r"(\d{1,9})(?:[.,]0+)?\s*(?:[^\W\d_]{1,5}\.?)?")
TEXT_MARK = re.compile(r"'(?=[0-9A-ZА-ЯЁ=+@-])")  # Excel's "this is text", but not "'t Hooft"

PROBLEMS: dict[str, Promise] = {
    "missing": _("This must be filled in."),
    "too_long": _("This is too long."),
    "invalid_date": _("This is not a date; write it like 2026-11-10 19:46."),
    "invalid_amount": _("This is not an amount; write it like 1234.50."),
    "invalid_quantity": _("The quantity must be a whole number from 1 to 100,000."),
    "invalid_currency": _("This is not a currency; write its code, like EUR."),
    "invalid_email": _("This is not an e-mail address."),
    "too_many_cells": _("The row has more cells than the heading row; look for a stray separator."),
    "conflict": _("This order number already belongs to another buyer, further up in the file."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a draft can't become an order: the field (a target's name, or "row"), and the row."""

    field: str
    code: str
    line: int

    @property
    def message(self) -> str:
        return str(PROBLEMS[self.code])


@dataclass(frozen=True, slots=True)
class DraftItem:
    name: str
    sku: str
    quantity: int
    price: Decimal


@dataclass(slots=True, repr=False)
class Draft:
    """An order as the file tells it. Country, citizenship, telephone, status, partner and offer are
    still as written: `policy` and the company's own lists say what they mean."""

    lines: list[int]
    external_id: str = ""
    created_at: datetime | None = None
    status: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""
    country: str = ""
    citizenship: str = ""
    city: str = ""
    address: str = ""
    comment: str = ""
    offer: str = ""
    partner: str = ""
    source: str = ""
    currency: str = ""  # ISO 4217, or "" where the file names none
    total: Decimal | None = None  # as the file has it; it may hold shipping and discounts
    items: list[DraftItem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Draft of rows {self.lines[0]} to {self.lines[-1]}>"


Values = dict[str, Cell]  # target name -> what a row says, without what it leaves empty


@dataclass(slots=True, repr=False)
class Gathered:
    """The rows found so far to be one order."""

    number: str
    buyer: dict[str, str] = field(default_factory=dict)  # as far as known, `comparable`
    rows: list[tuple[int, Values]] = field(default_factory=list)  # those that say something new
    lines: list[int] = field(default_factory=list)  # all of them
    problems: list[Problem] = field(default_factory=list)
    known: set[tuple[tuple[str, Cell], ...]] = field(default_factory=set)
    repeating: bool = False

    def take(self, line: int, values: Values, buyer: dict[str, str]) -> None:
        self.lines.append(line)
        self.buyer |= buyer
        if self.rows and self.is_repeated(values, buyer):
            return
        self.rows.append((line, values))

    def is_repeated(self, values: Values, buyer: dict[str, str]) -> bool:
        """Whether this row is an earlier one again: a row with the buyer, or one right after it."""
        if not self.known:
            self.known = {tuple(earlier.items()) for _line, earlier in self.rows}
        said = tuple(values.items())
        self.repeating = said in self.known and (self.repeating or bool(buyer))
        self.known.add(said)
        return self.repeating

    def agrees(self, buyer: dict[str, str]) -> bool:
        return all(self.buyer.get(part, said) == said for part, said in buyer.items())


def group(sheet: Sheet, mapping: Mapping, zone: tzinfo) -> Iterator[Draft]:
    """The drafts in the order of their first rows. `zone` is the company's, for local dates."""
    return (drafted(gathered, mapping, zone) for gathered in gather(sheet, mapping))


def gather(sheet: Sheet, mapping: Mapping) -> list[Gathered]:
    orders: list[Gathered] = []
    homes: dict[tuple[str, ...], Gathered] = {}  # by number, and by number and buyer
    for line, cells in sheet.rows:
        values = values_of(cells, mapping)
        buyer = {part: comparable(part, values[part]) for part in BUYER if part in values}
        number = str(values.get("external_id", ""))
        keys = [(number,), (number, *sorted(buyer.values()))]
        last = orders[-1] if orders else None
        if last and last.number and not number and goes_on(values, buyer):
            home = last
        elif agreeing := first_that_agrees(buyer, number, [last, *map(homes.get, keys)]):
            home = agreeing
        else:
            home = Gathered(number)
            orders.append(home)
            if number and keys[0] in homes:
                home.problems.append(Problem("external_id", "conflict", line))
        if number:
            for key in keys:
                homes.setdefault(key, home)
        if len(cells) > len(sheet.header):
            home.problems.append(Problem("row", "too_many_cells", line))
        home.take(line, values, buyer)
    return orders


def goes_on(values: Values, buyer: dict[str, str]) -> bool:
    """Whether a row without a number can only be one more item of the order above it."""
    return not buyer and any(part in values for part in OF_ITEM)


def first_that_agrees(
    buyer: dict[str, str], number: str, candidates: list[Gathered | None]
) -> Gathered | None:
    """The order above, else the one of the number: never a search, as all rows may share one."""
    for candidate in candidates if number else []:
        if candidate and candidate.number == number and candidate.agrees(buyer):
            return candidate
    return None


def values_of(cells: list[Cell], mapping: Mapping) -> Values:
    values: Values = {}
    for name, indexes in mapping.columns.items():
        found = [cells[i] for i in indexes if i < len(cells) and cells[i] is not None]
        if not found:
            continue
        value = found[0] if name in FIGURES else joined(name, found)
        if value != "":
            values[name] = value
    return values


def joined(name: str, cells: list[Cell]) -> str:
    """The cells as one text, each once: shops write the same street into two columns."""
    texts = [text_of(cell) for cell in cells]
    if name != "comment":
        texts = [" ".join(text.split()) for text in texts]
    if len(texts) == 1:
        return texts[0]
    return ("\n" if name == "comment" else ", ").join(dict.fromkeys(filter(None, texts)))


def text_of(cell: Cell) -> str:
    if not isinstance(cell, str):
        return "" if cell is None else str(cell)
    if cell[:1] == "'":
        cell = TEXT_MARK.sub("", cell, count=1)
    return cell.strip().replace("\r\n", "\n")


def comparable(part: str, value: Cell) -> str:
    """A buyer's field as two rows are compared by it: telephones by their last nine digits."""
    if part == "phone":
        return re.sub(r"\D", "", str(value))[-9:]
    return " ".join(str(value).casefold().split())


# Drafts


def drafted(gathered: Gathered, mapping: Mapping, zone: tzinfo) -> Draft:
    draft = Draft(gathered.lines, problems=gathered.problems)
    firsts: dict[str, tuple[int, Cell]] = {}
    comments: dict[str, None] = {}
    for line, values in gathered.rows:
        for name, value in values.items():
            if name == "comment":
                comments[str(value)] = None
            elif name not in OF_ITEM:
                firsts.setdefault(name, (line, value))
        if any(name in values for name in OF_ITEM):
            add_item(draft, line, values)
    if comments:
        firsts["comment"] = (draft.lines[0], "\n".join(comments))
    for name, (line, value) in firsts.items():
        fill(draft, name, line, value, zone, mapping.day_first)
    if not draft.phone:
        draft.problems.append(Problem("phone", "missing", draft.lines[0]))
    return draft


def fill(draft: Draft, name: str, line: int, value: Cell, zone: tzinfo, day_first: bool) -> None:
    try:
        if name == "created_at":
            draft.created_at = parse_date(value, day_first=day_first, zone=zone)
        elif name == "total":
            draft.total = amount_of(value, below=MAX_TOTAL)
        elif name == "currency":
            draft.currency = currency_of(str(value))
        else:
            setattr(draft, name, checked(name, str(value)))
    except Refused as refused:
        draft.problems.append(Problem(name, refused.code, line))
    except UnreadableDate:
        draft.problems.append(Problem(name, "invalid_date", line))


class Refused(ValueError):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def add_item(draft: Draft, line: int, values: Values) -> None:
    """The row's item; a problem where a part of it can't be read, and then no item."""
    parts: dict[str, Any] = {}
    for name, read in ITEM_PARTS.items():
        try:
            parts[name] = read(values.get(name))
        except Refused as refused:
            draft.problems.append(Problem(name, refused.code, line))
    if len(parts) == len(ITEM_PARTS):
        draft.items.append(
            DraftItem(parts["item"], parts["sku"], parts["quantity"], parts["price"])
        )


def checked(name: str, text: str) -> str:
    if len(text) > LONGEST[name]:
        raise Refused("too_long")
    if name == "email":
        try:
            validate_email(text)
        except ValidationError:
            raise Refused("invalid_email") from None
    return text


def quantity_of(value: Cell) -> int:
    """1 where the row names none; "2 шт." is 2."""
    found = QUANTITY.fullmatch("1" if value is None else str(value).strip())
    if not found or not 1 <= int(found[1]) <= MAX_QUANTITY:
        raise Refused("invalid_quantity")
    return int(found[1])


def price_of(value: Cell) -> Decimal:
    """0 where the row names none: leads often come before a price is agreed."""
    return Decimal(0) if value is None else amount_of(value, below=MAX_PRICE)


def amount_of(value: Cell, *, below: Decimal) -> Decimal:
    try:
        text = text_of(value)
        amount = Decimal(text) if isinstance(value, int | float) else amount_in(text)
        amount = amount.quantize(CENT, ROUND_HALF_UP)
        if 0 <= amount < below:
            return amount
    except (InvalidAmount, InvalidOperation):
        pass
    raise Refused("invalid_amount")


amount_in = lru_cache(maxsize=4096)(parse_amount)  # a shop has few prices, in many rows


@lru_cache(maxsize=256)
def currency_of(text: str) -> str:
    code = currency_in(text)
    if not code:
        raise Refused("invalid_currency")
    return code


ITEM_PARTS: dict[str, Callable[[Cell], Any]] = {
    "item": lambda value: checked("item", text_of(value)),
    "sku": lambda value: checked("sku", text_of(value)),
    "quantity": quantity_of,
    "price": price_of,
}
