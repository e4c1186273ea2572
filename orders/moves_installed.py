"""The tables of moves and phases as the database keeps them, where SQL cannot go past them."""

from __future__ import annotations

from typing import Any, Final

from django.db import connections, transaction

from orders import erasure, statuses

ERASURE: Final = "erasure"  # in place of a role: whoever may erase (orders.erase)


def allowed() -> set[tuple[str, str, str]]:
    """From, to, and the role that may."""
    moves = {(move.frm, move.to, role) for move in statuses.MOVES for role in move.roles}
    return moves | {(status, "trash", ERASURE) for status in erasure.STILL_HERE}


def install(using: str, **_: Any) -> None:
    """After a migration, as the owner."""
    with transaction.atomic(using), connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass('gate.phase') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return
        cursor.execute("DELETE FROM gate.move")
        cursor.executemany("INSERT INTO gate.move VALUES (%s, %s, %s)", sorted(allowed()))
        cursor.execute("DELETE FROM gate.phase")
        phases = [(status.key, status.phase) for status in statuses.STATUSES.values()]
        cursor.executemany("INSERT INTO gate.phase VALUES (%s, %s)", phases)
