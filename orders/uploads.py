"""The form of an import: a file, what its columns mean, and how its values are read.

The file stays in memory: nothing of it is on a disk before a person has looked at what it would
become, and of a prohibited person nothing ever is (clause P2).
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler, StopUpload
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from orders.forms import currency_choices
from orders.mapping import REQUIRED, TARGETS, Mapping, guess
from orders.screening import LABELS, prohibition_in
from orders.spreadsheets import MAX_BYTES, Cell, Sheet, UnreadableFile, read
from policy.forms import CountryField

SAMPLES: Final = 3  # values shown of a column
SEARCHED: Final = 60  # rows looked through for them
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
            return not self.guessed.missing
        return all([self.columns.is_valid(), self.options.is_valid()])

    @property
    def mapping(self) -> Mapping:
        if not self.columns.is_bound:
            return self.guessed
        return Mapping(self.columns.mapped, self.option("day_first") == "True")

    def option(self, name: str) -> str:
        if self.options.is_bound:
            return str(self.options.cleaned_data[name])
        return str(self.options.initial[name])

    @property
    def errors(self) -> list[str]:
        if not self.columns.is_bound:
            return [missing(name) for name in self.guessed.missing]
        return [str(error) for error in self.columns.non_field_errors()]


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
