"""The form of an import: a file, what its columns mean, and how its values are read.

The file stays in memory: nothing of it is on a disk before a person has looked at what it would
become, and of a prohibited person nothing ever is (clause P2).
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler, StopUpload
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from accounts.gate import Entry
from orders import statuses
from orders.calling import zone_of
from orders.drafts import values_of
from orders.forms import currency_choices
from orders.mapping import REQUIRED, TARGETS, Mapping, guess
from orders.screening import LABELS, Reading, prohibition_in
from orders.spreadsheets import MAX_BYTES, Cell, Sheet, UnreadableFile, read
from orders.status_words import BRINGABLE, NEW, guess_status
from policy import coverage
from policy.forms import CountryField

SAMPLES: Final = 3  # values shown of a column
SEARCHED: Final = 60  # rows looked through for them
MOST_STATUSES: Final = 40  # different values of a column; with more it holds something else
PATIENCE: Final = 20  # seconds that a request waits for another's file to be read

REFUSE, LEAVE_OUT = "refuse", "leave_out"  # what may become of an optional value

_reading = threading.Lock()


class Busy(Exception):
    """Other files are being read, and have been for a while."""

    def __str__(self) -> str:
        return _("Other files are being read just now. Try again in a minute.")


class BoundedUpload(MemoryFileUploadHandler):
    """Keeps what is uploaded in memory, and stops reading a request that holds more than that."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        if not self.activated:
            raise StopUpload(connection_reset=True)
        super().new_file(*args, **kwargs)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """A file of 100,000 rows takes half a gigabyte while it is read. Raises Busy."""
    if not _reading.acquire(timeout=PATIENCE):
        raise Busy
    try:
        yield
    finally:
        _reading.release()


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_lazy("File"),
        max_length=255,
        allow_empty_file=True,  # `read` says what is wrong with it
        error_messages={"required": _lazy("Choose a CSV or XLSX file.")},
    )


def refuse_oversize(length: str) -> None:
    """Raises UnreadableFile for a request whose file was not read, by its Content-Length."""
    if length.isdigit() and int(length) > MAX_BYTES:
        raise UnreadableFile("too_big")


class Upload:
    """An uploaded file that could be read, and the forms that say how. Raises UnreadableFile.

    What was posted of columns counts only when it was made for this very file. `prohibited` is the
    operator's list: nothing of whom it names is shown.
    """

    def __init__(
        self,
        file: UploadedFile[bytes],
        posted: Any,
        *,
        currency: str,
        country: str,
        prohibited: Collection[str],
    ) -> None:
        data = file.read()
        self.prohibited = prohibited
        self.name = (file.name or "").strip()
        self.sheet = read(data, self.name)
        self.token = hashlib.sha256(data).hexdigest()[:32]
        self.guessed = guess(self.sheet)
        self.is_known = posted.get("token") == self.token
        self.preview = preview_in(posted)
        told = posted if self.is_known and posted.get("step") != "preview" else None
        self.told = told
        self.columns = ColumnsForm(
            told, sheet=self.sheet, guessed=self.guessed, prohibited=prohibited
        )
        initial = {
            "currency": currency,
            "country": "" if "country" in self.guessed.columns else country,
            "day_first": str(self.guessed.day_first),
            "unreadable": REFUSE,
        }
        self.options = OptionsForm(told, initial=initial)

    def is_valid(self) -> bool:
        """Whether the posted columns and options can be used; of a new file, the guessed."""
        if not self.columns.is_bound:
            return not self.guessed.missing and self.statuses.is_valid()
        forms = (self.columns, self.options, self.statuses)
        return all([form.is_valid() for form in forms])

    @property
    def mapping(self) -> Mapping:
        if not self.columns.is_bound:
            return self.guessed
        return Mapping(self.columns.mapped, self.option("day_first") == "True")

    @cached_property
    def statuses(self) -> StatusesForm:
        mapped = self.guessed.columns
        if self.columns.is_bound:
            self.columns.is_valid()
            mapped = self.columns.mapped
        counts = status_counts(self.sheet, mapped, self.prohibited) if "status" in mapped else {}
        return StatusesForm(self.told, counts=counts)

    def option(self, name: str) -> str:
        if self.options.is_bound:
            return str(self.options.cleaned_data[name])
        return str(self.options.initial[name])

    def reading(self, *, by: Entry) -> Reading:
        """How its values are read, as this company reads them; only after `is_valid`."""
        return Reading(
            zone=zone_of(by),
            currency=self.option("currency"),
            country=self.option("country"),
            statuses=self.statuses.meant,
            leave_out=self.option("unreadable") == LEAVE_OUT,
            prohibited=self.prohibited,
            covered=coverage.of(by),
        )

    @property
    def errors(self) -> list[str]:
        if not self.columns.is_bound:
            found = [missing(name) for name in self.guessed.missing]
        else:
            found = [str(error) for error in self.columns.non_field_errors()]
        return found + [str(error) for error in self.statuses.non_field_errors()]


def preview_in(posted: Any) -> uuid.UUID | None:
    """Which page it was posted from: each preview has a number of its own."""
    try:
        return uuid.UUID(posted.get("preview", ""))
    except ValueError:
        return None


class ColumnsForm(forms.Form):
    """One choice for each column of the file: the field of an order that it fills."""

    def __init__(
        self, data: Any, *, sheet: Sheet, guessed: Mapping, prohibited: Collection[str]
    ) -> None:
        initial = {
            f"column-{index}": name
            for name, indexes in guessed.columns.items()
            for index in indexes
        }
        super().__init__(data, initial=initial)
        self.sheet = sheet
        self.guessed = guessed
        self.prohibited = prohibited
        choices = [("", _("— leave out —")), *((target.name, target.label) for target in TARGETS)]
        for index, header in enumerate(sheet.header):
            self.fields[f"column-{index}"] = forms.ChoiceField(
                label=header, choices=choices, required=False
            )

    def clean(self) -> None:
        self.mapped = self.in_order(self.chosen())
        for target in TARGETS:
            if len(self.mapped.get(target.name, ())) > 1 and not target.several:
                message = _("Two columns are “%(field)s”: leave one of them out.")
                self.add_error(None, message % {"field": target.label})
        for name in REQUIRED:
            if name not in self.mapped:
                self.add_error(None, missing(name))

    def chosen(self) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for index in range(len(self.sheet.header)):
            if name := self.cleaned_data.get(f"column-{index}"):
                found[name] = (*found.get(name, ()), index)
        return found

    def in_order(self, chosen: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        """Several columns of one field are joined as guessed, where the choice is the guess."""
        guessed = self.guessed.columns
        return {
            name: guessed[name] if set(guessed.get(name, ())) == set(indexes) else indexes
            for name, indexes in chosen.items()
        }

    def described(self) -> Iterator[dict[str, Any]]:
        """The columns as the page shows them."""
        samples = sample_rows(self.sheet, self.prohibited)
        for index, header in enumerate(self.sheet.header):
            yield {
                "header": header,
                "samples": [str(row[index]) for row in samples if filled(row, index)],
                "field": self[f"column-{index}"],
            }


def sample_rows(sheet: Sheet, prohibited: Collection[str]) -> list[list[Cell]]:
    """The first rows of nobody prohibited: those are not even shown."""
    rows = (cells for _line, cells in sheet.rows[:SEARCHED])
    allowed = (cells for cells in rows if not prohibition_in(cells, prohibited))
    return [cells for cells, _count in zip(allowed, range(SAMPLES), strict=False)]


def filled(cells: list[Cell], index: int) -> bool:
    return index < len(cells) and cells[index] is not None


def missing(name: str) -> str:
    return _("No column is “%(field)s”: choose the one that is.") % {"field": LABELS[name]}


def status_counts(
    sheet: Sheet, mapped: dict[str, tuple[int, ...]], prohibited: Collection[str]
) -> Counter[str]:
    """What the file says of statuses -> how many orders it says it of, "" for nothing. What only
    rows of prohibited persons say is left out."""
    mapping = Mapping({n: mapped[n] for n in ("status", "external_id", "phone") if n in mapped})
    said: dict[object, str] = {}
    rows: dict[str, list[list[Cell]]] = defaultdict(list)
    for line, cells in sheet.rows:
        values = values_of(cells, mapping)
        order, value = values.get("external_id") or (line,), str(values.get("status", ""))
        if value and len(rows[value]) < SEARCHED:
            rows[value].append(cells)
        if value or "phone" in values:
            said[order] = said.get(order) or value
    counts = Counter(said.values())
    if len(counts) > MOST_STATUSES:
        return counts
    hidden = {
        value for value, those in rows.items() if all(prohibition_in(c, prohibited) for c in those)
    }
    return Counter({value: count for value, count in counts.items() if value not in hidden})


class StatusesForm(forms.Form):
    """One choice for each status of the file: ours that its orders begin in. A field is named after
    its value, so that an answer given for one column is never taken for another's."""

    def __init__(self, told: Any, *, counts: dict[str, int]) -> None:
        self.counts = counts
        few = len(counts) <= MOST_STATUSES
        said = sorted(filter(None, counts), key=lambda value: -counts[value]) if few else []
        self.said = {f"status-{digest(value)}": value for value in said}
        guessed = {name: guess_status(value) or NEW for name, value in self.said.items()}
        self.is_seen = told is None or all(name in told for name in self.said)
        super().__init__({name: (told or {}).get(name, key) for name, key in guessed.items()})
        choices = [(key, statuses.STATUSES[key].label) for key in BRINGABLE]
        for name, value in self.said.items():
            self.fields[name] = forms.ChoiceField(label=value, choices=choices)

    def clean(self) -> None:
        if len(self.counts) > MOST_STATUSES:
            message = _("The column “%(field)s” says more than %(most)s different things.")
            self.add_error(None, message % {"field": LABELS["status"], "most": MOST_STATUSES})

    @property
    def meant(self) -> dict[str, str]:
        """The file's status -> ours; only after `is_valid`."""
        return {value: self.cleaned_data[name] for name, value in self.said.items()}

    def described(self) -> Iterator[dict[str, Any]]:
        """The values as the page shows them."""
        for name, value in self.said.items():
            known = bool(guess_status(value))
            yield {
                "value": value,
                "orders": self.counts[value],
                "known": known,
                "field": self[name],
            }


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:16]


class OptionsForm(forms.Form):
    currency = forms.ChoiceField(
        label=_lazy("Currency, where the file names none"), choices=currency_choices
    )
    country = CountryField(label=_lazy("Country of telephones written without its code"))
    day_first = forms.ChoiceField(
        label=_lazy("03.04.2026 is"),
        choices=[("True", _lazy("3 April")), ("False", _lazy("4 March"))],
    )
    unreadable = forms.ChoiceField(
        label=_lazy("When an optional value cannot be read"),
        help_text=_lazy(
            "Optional are name, e-mail, city, address, traffic source and comment. A telephone, "
            "country, date, quantity or amount that cannot be read always refuses its row."
        ),
        choices=[
            (REFUSE, _lazy("refuse the row")),
            (LEAVE_OUT, _lazy("leave the value out")),
        ],
    )
