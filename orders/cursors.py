"""Where a list goes on that is read by moments: a place in it, as text for an address."""

from __future__ import annotations

import base64
import struct
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils.dateparse import parse_datetime

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
PLACE: Final = struct.Struct(">q16s")  # microseconds since the epoch, id


class NoPlace(ValueError):
    """Neither a cursor of ours nor a moment."""


def write(at: datetime, row_id: UUID) -> str:
    """The place of the row of this id, which changed at this moment."""
    micros = (at - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(PLACE.pack(micros, row_id.bytes)).decode()


def read(text: str) -> tuple[datetime, UUID]:
    """A cursor's place, or that behind all of a moment (RFC 3339; in UTC where it names no zone).
    Raises NoPlace."""
    try:
        micros, row_id = PLACE.unpack(base64.b64decode(text, b"-_", validate=True))
        return EPOCH + timedelta(microseconds=micros), UUID(bytes=row_id)
    except (ValueError, struct.error, OverflowError):
        return _moment(text), UUID(int=2**128 - 1)


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text.replace(" ", "+"))  # a plus that nobody escaped
        if moment is None:
            raise NoPlace
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # which in UTC is in no year of Python's, neither
        raise NoPlace from None
