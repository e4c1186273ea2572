"""What the database's refusals are called: PostgreSQL's SQLSTATEs, and our functions' own."""

from __future__ import annotations

from typing import Final

NO_RIGHT: Final = "42501"  # a row rule or a grant refused
NOT_ACCEPTED: Final = "CV001"  # gate.allows: a policy in force waits; the detail tells which
TAKEN_BACK: Final = "CV002"  # the right was lost before the commit (decision 9)
NOT_FRESH: Final = "CV003"  # a fresh second factor was not proven
NOT_COVERED: Final = "CVP01"  # clause P1, of a strict company
OUT_OF_BOUNDS: Final = "CVP02"  # clause P2, of an order
ONE_AT_A_TIME: Final = "55000"  # gate.ask_with_link: another link is in hand
NO_COPY: Final = "0A000"  # COPY, where a table has row rules


def sqlstate(error: BaseException) -> str:
    """Of psycopg's error, or of Django's around it; "" of any other."""
    return getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None) or ""
