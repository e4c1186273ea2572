"""Orders as lines of the list: words and figures, ready to be rendered by the fifty."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext as _

from orders import statuses
from orders.keys import Keys
from orders.lists import Row
from orders.money import format_amount
from orders.persons import Person

NOBODY: Final = Person()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

Shown = dict[str, Any]


class Lines:
    """Turns rows into what templates/jinja2/orders/rows.html shows.

    `held` opens the buyers; a reader without keys (a partner) sees no buyer, and of the status only
    the phase.
    """

    def __init__(self, held: Keys | None, *, phases: bool, now: datetime) -> None:
        self._held = held
        self._now = now
        self._phases = phases
        self._statuses = {key: badge(key, phases=phases) for key in statuses.STATUSES}
        self._folder = reverse("orders:list")
        self._words = {MINUTE: _("%d min"), HOUR: _("%d h"), DAY: _("%d d")}
        self._ahead = _("in %s")

    def of(self, rows: Iterable[Row]) -> list[Shown]:
        return [self._line(row) for row in rows]

    def words(self) -> dict[str, str]:
        """The template's own words."""
        nobody = "" if self._phases else _("No name")
        return {
            "no_name": nobody or "—",
            "free": _("free") if not self._phases else "—",
            "late": _("late"),
            "recall": _("call at"),
            "attempts": _("attempts"),
        }

    def _line(self, row: Row) -> Shown:
        person = self._held.open_person(row.person, row.id) if self._held else NOBODY
        return {
            "url": f"{self._folder}{row.id}/",
            "number": row.number,
            "status": self._statuses[row.status],
            "attempts": 0 if self._phases else row.attempts,
            "name": person.name,
            "city": person.city,
            "phone": person.masked_phone,
            "offer": row.offer,
            "agent": row.agent,
            "total": format_amount(row.total, row.currency),
            **self._due(row),
        }

    def _due(self, row: Row) -> Shown:
        """When to call, where that was agreed on; how old the order is otherwise."""
        if row.recall_at is None or self._phases:
            age = self._spelled(self._now - row.created_at)
            return {"due": age, "due_at": row.created_at.isoformat()}
        late = row.recall_at < self._now
        away = self._spelled(abs(row.recall_at - self._now))
        return {"due": away if late else self._ahead % away, "late": late, "recall": True}

    def _spelled(self, span: timedelta) -> str:
        unit = DAY if span >= DAY else HOUR if span >= HOUR else MINUTE
        return self._words[unit] % max(span // unit, 0)


def badge(status: str, *, phases: bool = False) -> Shown:
    """A status as templates show it: key, label, icon, tone. For a partner it tells the phase."""
    known = statuses.STATUSES[status]
    if phases:
        known = next(first for first in statuses.STATUSES.values() if first.phase == known.phase)
        return {"key": known.phase, "label": str(statuses.PHASES[known.phase]),
                "icon": known.icon, "tone": known.tone}  # fmt: skip
    return {"key": status, "label": str(known.label), "icon": known.icon, "tone": known.tone}
