"""From what a file says to orders that may be stored: clause P2 first, everything else after it.

The prohibited are judged on the text as it stands in the file, before anything about it is found
wrong or right, and nothing of them is handed on but the numbers of their lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from orders.drafts import (
    MAX_TOTAL,
    OPTIONAL,
    PROBLEMS,
    Draft,
    Problem,
    Values,
    group,
    text_of,
    values_of,
)
from orders.intake import ItemDraft, OrderDraft, total_of
from orders.mapping import TARGETS, Mapping
from orders.persons import Person
from orders.spreadsheets import Row, Sheet
from policy.countries import country_name
from policy.coverage import NOTHING_ASKED, Coverage
from policy.jurisdictions import Verdict, judge, read_telephone

MAX_ITEMS: Final = 1_000  # of one order; more rows under one number are a column misunderstood

REASONS: Final[dict[str, Promise]] = PROBLEMS | {
    "prohibited": _lazy("Clause P2: this person's data must not be processed. Nothing was kept."),
    "not_covered": _lazy("Clause P1: the company's policy leaves this country out:"),
    "unknown_country": _lazy("This is not a country; write its code or name, like KZ."),
    "invalid_phone": _lazy("This is not a telephone number; write it with + and its country code."),
    "too_many_items": _lazy("More than 1,000 rows belong to this order; check its number."),
    "already_there": _lazy("This order is already there."),
    "not_storable": _lazy("The database refused this order; check its values."),
}

Reason = tuple[str, str, int, str]  # the field, or "row"; the key in REASONS; the line; what else


@dataclass(frozen=True, slots=True)
class Reading:
    """How values are read that do not say it themselves, and of whom none is kept: `prohibited` is
    the operator's list, `covered` what the company's policy covers; `statuses` is which of ours
    the file's statuses are, and new is what is not among them."""

    zone: tzinfo
    currency: str
    prohibited: Collection[str]
    covered: Coverage = NOTHING_ASKED
    country: str = ""  # alpha-2, of numbers without a country code, where the row names none
    statuses: dict[str, str] = field(default_factory=dict)
    leave_out: bool = False  # an optional value that can't be read, rather than refuse its order
    now: datetime = field(default_factory=timezone.now)


@dataclass(frozen=True, slots=True, repr=False)
class FileRow:
    """A row of the file: what its mapped columns say, and nothing of the others."""

    line: int
    values: dict[str, str]


@dataclass(frozen=True, slots=True, repr=False)
class Accepted:
    """What becomes an order. `partner` is a name, as the order's own is an id; `left_out` says
    which values the order does without."""

    rows: list[FileRow]
    order: OrderDraft
    partner: str = ""
    left_out: list[Reason] = field(default_factory=list)

    @property
    def lost(self) -> list[FileRow]:
        """What the rows said in the values left out, with the order's number to find it by."""
        names = {of for of, _code, _line, _detail in self.left_out}
        return [
            FileRow(row.line, {n: v for n, v in row.values.items() if n in names | {"external_id"}})
            for row in self.rows
            if names & row.values.keys()
        ]


@dataclass(frozen=True, slots=True, repr=False)
class Refused:
    """What does not. `verdict` is the rule's on a prohibited person: of them there are the lines,
    for whoever has the file to hand, and no value."""

    rows: list[FileRow]
    reasons: list[Reason]
    verdict: Verdict | None = None

    @property
    def prohibited(self) -> bool:
        return self.verdict is not None

    @property
    def for_optional_values(self) -> bool:
        """Whether it could be an order without the values that can't be read."""
        return are_optional(self.reasons)


Outcome = Accepted | Refused


def screened(sheet: Sheet, mapping: Mapping, reading: Reading) -> Iterator[Outcome]:
    """What becomes of each draft of the file; every row is in exactly one outcome."""
    cells = dict(sheet.rows)
    for draft in group(sheet, mapping, reading.zone):
        yield screen(draft, [(line, cells[line]) for line in draft.lines], mapping, reading)


def screen(draft: Draft, rows: list[Row], mapping: Mapping, reading: Reading) -> Outcome:
    said = [(line, values_of(cells, mapping)) for line, cells in rows]
    verdict = judged([values for _line, values in said], reading)
    telephone = read_telephone(draft.phone, verdict, prohibited=reading.prohibited)
    lines = misaligned(draft, readable=bool(telephone.phone))
    shifted = shifted_to_prohibition(lines, rows, reading.prohibited)
    for each in (verdict, shifted, telephone):
        if each and each.prohibited:
            return prohibited(draft.lines, each)
    kept = [FileRow(line, {name: text_of(v) for name, v in vs.items()}) for line, vs in said]
    problems = [(each.field, each.code, each.line, "") for each in found_wrong(draft, verdict)]
    if telephone.advice:
        problems.append(("phone", "invalid_phone", draft.lines[0], ""))
    country = telephone.country if draft.country else ""
    if refusal := reading.covered.refusal(citizenship=telephone.citizenship, country=country):
        problems.append(uncovered(refusal, draft.lines[0]))
    if problems and not (reading.leave_out and are_optional(problems)):
        return Refused(kept, problems)
    return Accepted(kept, order_of(draft, telephone, reading), draft.partner, problems)


def are_optional(reasons: Iterable[Reason]) -> bool:
    return all(of in OPTIONAL for of, _code, _line, _detail in reasons)


def uncovered(refusal: Verdict, line: int) -> Reason:
    return refusal.sign, "not_covered", line, country_name(refusal.jurisdiction)


def prohibited(lines: Iterable[int], verdict: Verdict) -> Refused:
    return Refused([FileRow(line, {}) for line in lines], [("row", "prohibited", 0, "")], verdict)


def judged(said: list[Values], reading: Reading) -> Verdict:
    """The verdict on all that an order's rows say of its buyer; each spelling of a number counts,
    a number of any length too."""
    country, citizenship = (
        next((str(values[part]) for values in said if part in values), "")
        for part in ("country", "citizenship")
    )
    phones = dict.fromkeys(str(values["phone"]) for values in said if "phone" in values)
    verdicts = [
        judge(
            country=country or reading.country,
            citizenship=citizenship,
            phone=phone,
            prohibited=reading.prohibited,
        )
        for phone in phones or [""]
    ]
    return next((verdict for verdict in verdicts if verdict.prohibited), verdicts[0])


def misaligned(draft: Draft, *, readable: bool) -> set[int]:
    """The lines whose cells may stand in other columns than their own: those with too many, and all
    of an order without a telephone that can be read."""
    if not readable:
        return set(draft.lines)
    return {each.line for each in draft.problems if each.code == "too_many_cells"}


def shifted_to_prohibition(
    lines: Collection[int], rows: list[Row], prohibited: Collection[str]
) -> Verdict | None:
    """What a cell of these lines says of a prohibited country: with its cells shifted, the
    telephone may stand in any of them."""
    shifted = (prohibition_in(cells, prohibited) for line, cells in rows if line in lines)
    return next(filter(None, shifted), None)


def prohibition_in(cells: Iterable[object], prohibited: Collection[str]) -> Verdict | None:
    """The verdict on the first cell that points to a prohibited country, whatever its column."""
    texts = dict.fromkeys(str(cell) for cell in cells if cell is not None)
    verdicts = (judge(country=text, phone=text, prohibited=prohibited) for text in texts)
    return next((verdict for verdict in verdicts if verdict.prohibited), None)


def found_wrong(draft: Draft, verdict: Verdict) -> Iterator[Problem]:
    first = draft.lines[0]
    yield from draft.problems
    if not verdict.allowed and not any(each.field == verdict.sign for each in draft.problems):
        yield Problem(verdict.sign, "unknown_country", first)
    if len(draft.items) > MAX_ITEMS:
        yield Problem("row", "too_many_items", first)
    elif draft.total is None and sum(i.price * i.quantity for i in draft.items) >= MAX_TOTAL:
        yield Problem("price", "invalid_amount", first)


def order_of(draft: Draft, verdict: Verdict, reading: Reading) -> OrderDraft:
    person = Person(
        name=draft.name,
        phone=verdict.phone,
        email=draft.email,
        address=draft.address,
        city=draft.city,
        comment=draft.comment,
        extra={"source": draft.source} if draft.source else {},
    )
    items = [ItemDraft(each.name, each.price, each.quantity, each.sku) for each in draft.items]
    return OrderDraft(
        person,
        items,
        currency=draft.currency or reading.currency,
        country=verdict.country if draft.country else "",
        citizenship=verdict.citizenship,
        offer=draft.offer or None,
        created_at=(draft.created_at or reading.now).astimezone(UTC),
        external_id=draft.external_id,
        status=reading.statuses.get(draft.status, "new"),
        source="import",
        total=total_of(items) if draft.total is None else draft.total,
    )


LABELS: Final = {target.name: target.label for target in TARGETS}


def told(reasons: Iterable[Reason], line: int) -> str:
    """Why this line was refused, in the reader's language."""
    return " ".join(sentence(reason, line) for reason in reasons)


def sentence(reason: Reason, line: int = 0) -> str:
    of, code, at, detail = reason
    text = f"{REASONS[code]} {detail}".strip()
    if of in LABELS:
        text = f"{LABELS[of]}: {text}"
    if line and at and at != line:
        text = _("Line %(line)s: %(text)s") % {"line": at, "text": text}
    return text
