"""What the query string of the list says: filters, tab, and where in the list one is.

Nothing in it can break the page. What cannot be understood is left out, and the reader is told.
"""

from __future__ import annotations

import base64
import binascii
import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms.utils import flatatt
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.gate import Entry
from orders.calling import zone_of
from orders.conditions import Condition, stopped
from policy.prohibitions import Jurisdiction

EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)

_PLACE = struct.Struct(">q16s")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list: between this order and its neighbour."""

    created_at: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        microseconds = (self.created_at - _EPOCH) // timedelta(microseconds=1)
        packed = _PLACE.pack(microseconds, self.id.bytes)
        return base64.urlsafe_b64encode(packed).decode()

    @classmethod
    def read(cls, text: str) -> Place | None:
        """The place that `str` wrote; None for any other text."""
        try:
            packed = base64.b64decode(text, altchars=b"-_", validate=True)
            microseconds, identifier = _PLACE.unpack(packed)
            created_at = _EPOCH + timedelta(microseconds=microseconds)
        except (binascii.Error, struct.error, OverflowError, ValueError):
            return None
        return cls(created_at, uuid.UUID(bytes=identifier))


class Choices(NamedTuple):
    """What a company's orders can be filtered by: pairs of id and name, in order of the names."""

    offers: Sequence[tuple[uuid.UUID, str]] = ()
    partners: Sequence[tuple[uuid.UUID, str]] = ()
    agents: Sequence[tuple[uuid.UUID, str]] = ()


class Choice(forms.Select):
    """A <select> written at once. Django's goes through a template for each option, and took as
    long for thirty offers as the page's fifty orders."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        chosen = str(value or "")
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            (
                (key, mark_safe(" selected") if key == chosen else "", label)
                for key, label in self.choices
            ),
        )
        attributes = flatatt({**self.attrs, **(attrs or {}), "name": name})
        return format_html("<select{}>{}</select>", attributes, options)


class Day(forms.DateInput):
    """An <input type="date">, written at once as well."""

    input_type = "date"

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        shown = self.format_value(value)
        given = {**self.attrs, **(attrs or {}), "name": name, "type": "date", "value": shown or ""}
        return format_html("<input{}>", flatatt(given))


class DayField(forms.DateField):
    widget = Day(format="%Y-%m-%d")
    default_validators = [MinValueValidator(EARLIEST), MaxValueValidator(LATEST)]


class Sieve(forms.Form):
    """What a list is filtered by: nothing of it has to be said, and what is wrong is left out."""

    fields: dict[str, Any]
    use_required_attribute = False

    def clean(self) -> dict[str, Any]:
        """Days the wrong way round name nothing: both stay in the form, and neither is used."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", _later_than(since))
            del self.cleaned_data["since"]
        return self.cleaned_data

    def chosen(self) -> dict[str, Any]:
        """What was understood, by field; whatever is wrong or empty is left out."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    def asked(self, without: str = "") -> dict[str, str]:
        """What was understood, as the query string said it; `chosen` comes first."""
        return {
            name: said
            for name in self.cleaned_data
            if name != without and (said := self.data.get(name))
        }


class Filters(Sieve):
    """`agent` also takes "free", for orders that nobody has."""

    q = forms.CharField(label=_("Search"), max_length=200, required=False)
    since = DayField(label=_("Created from"), required=False)
    until = DayField(label=_("Created until"), required=False)
    offer = forms.ChoiceField(label=_("Offer"), required=False, widget=Choice)
    partner = forms.ChoiceField(label=_("Partner"), required=False, widget=Choice)
    agent = forms.ChoiceField(label=_("Agent"), required=False, widget=Choice)
    stopped = forms.ChoiceField(
        label=_("Stopped by clause P2"),
        choices=[("", _("any")), ("yes", _("yes"))],
        required=False,
        widget=Choice,
    )

    imported = forms.UUIDField(
        label=_("Import"),
        required=False,
        widget=forms.HiddenInput,
        error_messages={"invalid": _("There is no such import; the orders of all are shown.")},
    )

    def __init__(self, data: Any, choices: Choices) -> None:
        super().__init__(data)
        if not choices.agents:  # a partner, who is not told
            del self.fields["stopped"]
        agents = [("free", _("free")), *choices.agents] if choices.agents else []
        for name, offered in (
            ("offer", choices.offers), ("partner", choices.partners), ("agent", agents),
        ):  # fmt: skip
            if offered:
                self.fields[name].choices = [
                    ("", _("any")), *((str(identifier), label) for identifier, label in offered)
                ]  # fmt: skip
            else:
                del self.fields[name]

    @classmethod
    def used_in(cls, data: Any) -> bool:
        """Whether anything is searched or filtered for, understood or not."""
        return any(data.get(name) for name in cls.base_fields)


def _later_than(since: date) -> str:
    day = date_format(since, "DATE_FORMAT")
    return gettext("Choose %(day)s or a later day, or an earlier first day.") % {"day": day}


def conditions(chosen: dict[str, Any], by: Entry) -> list[Condition]:
    """What was chosen beside the search, as conditions on orders. A day is a day in the company's
    time zone."""
    zone = zone_of(by)
    found = []
    if since := chosen.get("since"):
        found.append(Condition("o.created_at >= %s", [beginning(since, zone)]))
    if until := chosen.get("until"):
        tomorrow = beginning(until + timedelta(days=1), zone)
        found.append(Condition("o.created_at < %s", [tomorrow]))
    if "stopped" in chosen:
        found.append(stopped(Jurisdiction.objects.prohibited()))
    if "imported" in chosen:
        found.append(Condition("o.import_id = %s", [chosen["imported"]]))
    for name in ("offer", "partner", "agent"):
        if chosen.get(name) == "free":
            found.append(Condition("o.agent_id IS NULL"))
        elif name in chosen:
            found.append(Condition(f"o.{name}_id = %s", [uuid.UUID(chosen[name])]))
    return found


def beginning(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)
