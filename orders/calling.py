"""When buyers may be rung: by day, as the company's clock has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.gate import Entry

EARLIEST, LATEST = time(9), time(20)
AFTER_NO_ANSWER: Final = timedelta(hours=2)
MORNING, EVENING = time(10), time(18)


class Proposal(NamedTuple):
    at: datetime
    label: str


def zone_of(by: Entry) -> ZoneInfo:
    """The clock of the company that `by` works in."""
    return ZoneInfo(by.company_time_zone or "UTC")


def after_no_answer(now: datetime, zone: ZoneInfo) -> datetime:
    """When to try again whom nobody reached: in two hours, or in the morning after the night."""
    return by_day((now + AFTER_NO_ANSWER).astimezone(zone))


def by_day(moment: datetime) -> datetime:
    """The moment itself, or the first after it at which calls begin."""
    if EARLIEST <= moment.time() <= LATEST:
        return moment
    day = moment.date() + timedelta(days=moment.time() > LATEST)
    return datetime.combine(day, EARLIEST, moment.tzinfo)


def proposals(now: datetime, zone: ZoneInfo) -> Iterator[Proposal]:
    """What a buyer often asks for, as far as it is still to come and by day."""
    here = now.astimezone(zone)
    soon = here + timedelta(hours=1)
    if by_day(soon) == soon:
        yield Proposal(soon, _("in 1 hour"))
    for days, at, label in (
        (0, MORNING, _("today")),
        (0, EVENING, _("this evening")),
        (1, MORNING, _("tomorrow")),
    ):
        moment = datetime.combine(here.date() + timedelta(days=days), at, zone)
        if moment > soon:
            yield Proposal(moment, label)
