"""Identifiers that sort by the time of their making: UUID version 7 (RFC 9562)."""

import secrets
import threading
import time
import uuid
from datetime import UTC, datetime

_TAIL_BITS = 74
_VERSION = 7 << 76
_VARIANT = 0b10 << 62

_lock = threading.Lock()
_last = (0, 0)


def uuid7() -> uuid.UUID:
    """Return a UUIDv7 greater than every one this process has made before.

    Within one millisecond, or after the clock was set back, the random tail of the one before is
    counted up by a random step (RFC 9562, 6.2, method 2), so that neighbours stay unguessable.
    """
    global _last
    with _lock:
        _last = _following(*_last, now=time.time_ns() // 1_000_000)
        milliseconds, tail = _last
    high, low = tail >> 62, tail & (1 << 62) - 1
    return uuid.UUID(int=milliseconds << 80 | _VERSION | high << 64 | _VARIANT | low)


def made_at(identifier: uuid.UUID) -> datetime:
    """Return when a UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


def _following(milliseconds: int, tail: int, *, now: int) -> tuple[int, int]:
    """Return the time and tail that come after the given ones."""
    if now > milliseconds:
        return now, _fresh_tail()
    tail += 1 + secrets.randbits(32)
    if tail >> _TAIL_BITS:  # counted past the end: borrow the next millisecond
        return milliseconds + 1, _fresh_tail()
    return milliseconds, tail


def _fresh_tail() -> int:
    """Return a random tail whose top bit is free, as room for counting up."""
    return secrets.randbits(_TAIL_BITS - 1)
