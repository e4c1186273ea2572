"""Orders as lines of the list: words and figures, ready to be rendered by the fifty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Final, NamedTuple
from uuid import UUID

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from orders import statuses
from orders.keys import Keys
from orders.lists import Row
from orders.money import format_amount, readers_locale
from orders.persons import Person
from orders.sealing import SealBroken

NOBODY: Final = Person()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Badge(NamedTuple):
    """A status as it is shown; to a partner, its phase."""

    key: str
    label: str
    icon: str
    tone: str


class Line(NamedTuple):
    """What templates/jinja2/orders/rows.html shows of an order. `due` is when to call, where that
    was agreed on (`recall`), and how old the order is otherwise."""

    url: str
    number: int
    status: Badge
    attempts: int
    name: str
    city: str
    phone: str
    offer: str | None
    agent: str | None
    total: str
    due: str
    due_at: str
    late: bool = False
    recall: bool = False


class Lines:
    """Turns rows into lines. `held` opens the buyers: a reader without keys, a partner, sees none
    of them, and of the statuses only the phases. `names` are the offers' and the agents'."""

    def __init__(
        self, held: Keys | None, *, phases: bool, now: datetime, names: Mapping[UUID | None, str]
    ) -> None:
        self._held = held
        self._now = now
        self._names = names
        self._phases = phases
        self._locale = readers_locale()
        self._badges = _badges(get_language(), phases=phases)
        self._folder = reverse("orders:list")
        self._units = {MINUTE: _("%d min"), HOUR: _("%d h"), DAY: _("%d d")}
        self._ahead = _("in %s")
        self._taken = _("taken")
        self._broken = Person(name=_("The seal is broken"))

    def of(self, rows: Iterable[Row]) -> list[Line]:
        return [self._line(row) for row in rows]

    def words(self) -> dict[str, str]:
        """The template's own words."""
        return {
            "no_name": _("No name"),
            "free": _("free"),
            "late": _("late"),
            "recall": _("call at"),
            "attempts": _("attempts"),
        }

    def _line(self, row: Row) -> Line:
        person = self._person(row)
        return Line(
            f"{self._folder}{row.id}/",
            row.number,
            self._badges[row.status],
            0 if self._phases else row.attempts,
            person.name,
            person.city,
            person.masked_phone,
            self._names.get(row.offer_id or row.id),
            self._names.get(row.agent_id, self._taken) if row.agent_id else None,
            format_amount(row.total, row.currency, self._locale),
            *self._due(row),
        )

    def _person(self, row: Row) -> Person:
        """One whose seal is broken is said to be so: the others' lines are none the worse."""
        try:
            return self._held.open_person(row.person, row.id) if self._held else NOBODY
        except (SealBroken, ValueError):
            return self._broken

    def _due(self, row: Row) -> tuple[str, str, bool, bool]:
        if row.recall_at is None or self._phases:
            return self._span(self._now - row.created_at), row.created_at.isoformat(), False, False
        late = row.recall_at < self._now
        away = self._span(abs(row.recall_at - self._now))
        return away if late else self._ahead % away, row.recall_at.isoformat(), late, True

    def _span(self, span: timedelta) -> str:
        unit = DAY if span >= DAY else HOUR if span >= HOUR else MINUTE
        return self._units[unit] % max(span // unit, 0)


@cache
def _badges(language: str, *, phases: bool) -> dict[str, Badge]:
    """By status; `language` is the one that is active."""
    return {key: _badge(known, phases=phases) for key, known in statuses.STATUSES.items()}


def _badge(known: statuses.Status, *, phases: bool) -> Badge:
    if not phases:
        return Badge(known.key, str(known.label), known.icon, known.tone)
    known = next(first for first in statuses.STATUSES.values() if first.phase == known.phase)
    return Badge(known.phase, str(statuses.PHASES[known.phase]), known.icon, known.tone)
