"""Names in the order in which readers look for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

_FIGURES = re.compile(r"(\d+)")

Key = TypeVar("Key")


def by_name(choices: Iterable[tuple[Key, str]]) -> list[tuple[Key, str]]:
    """Pairs of something and its name: capitals among the others, and wm2 before wm10. A database
    sorts otherwise."""
    return sorted(choices, key=lambda choice: natural(choice[1]))


def natural(name: str) -> list[str | int]:
    """What to sort a name by: its words and its numbers by turns."""
    parts: list[str | int] = [*_FIGURES.split(name.casefold())]
    parts[1::2] = map(int, parts[1::2])
    return parts
