"""Nobody is rung at night, by the company's clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from orders.calling import after_no_answer, proposals

BUCHAREST = ZoneInfo("Europe/Bucharest")


def there(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=BUCHAREST)


@pytest.mark.parametrize(
    ("now", "again"),
    [
        ("11-22 12:30", "11-22 14:30"),
        ("11-22 00:54", "11-22 09:00"),
        ("11-22 18:00", "11-22 20:00"),
        ("11-22 18:01", "11-23 09:00"),
        ("11-30 23:10", "12-01 09:00"),
    ],
)
def test_whom_nobody_reached_is_tried_again_by_day(now, again):
    assert after_no_answer(there(now).astimezone(UTC), BUCHAREST) == there(again)


@pytest.mark.parametrize(
    ("now", "offered"),
    [
        ("11-22 12:30", ["11-22 13:30", "11-22 18:00", "11-23 10:00"]),
        ("11-22 00:54", ["11-22 10:00", "11-22 18:00", "11-23 10:00"]),
        ("11-22 18:40", ["11-22 19:40", "11-23 10:00"]),
        ("11-22 21:00", ["11-23 10:00"]),
    ],
)
def test_proposed_is_what_is_to_come_and_by_day(now, offered):
    assert [each.at for each in proposals(there(now), BUCHAREST)] == [*map(there, offered)]
