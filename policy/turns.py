"""What the database refuses because its turn has not come, or is over, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, transaction


class NotInTurn(Exception):
    """A deed that another has to precede, or that something has ended. Its text says which."""


@contextmanager
def in_turn(reasons: Mapping[str, Any]) -> Iterator[None]:
    """What stands inside, or nothing of it. `reasons` are the names of constraints, in words.
    Raises NotInTurn for those, and whatever else the database raises."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError as error:
        for name, reason in reasons.items():
            if name in str(error):
                raise NotInTurn(reason) from error
        raise
