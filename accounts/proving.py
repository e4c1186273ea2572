"""Proofs: attacks on the system, each registered under the clauses it shows to be kept.

They stand in each app's `proofs`, beside what they attack: one function per proof, and for each
a test in `tests/proofs/` that breaks the mechanism and sees the proof say so. An attack returns the
figures that its sentence `tried` names, or raises:

    @proves("T4", tried=_("Rows asked for by each of the staff: %(asked)d. Given: 0."))
    def staff_read_nothing(system: System) -> Figures: ...

What they prove are the policy's clauses, of which this app knows nothing: only their ids.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connection, transaction
from django.utils.module_loading import autodiscover_modules

Figures = dict[str, int]

# Where a proof is carried out. Whatever stays behind after it belongs on a copy: a system of its
# own, started for the purpose from the same code. What leaves nothing may attack the running one,
# and attacks the copy where none is running. A few only compare the running one with the copy.
COPY: Final = "copy"
EITHER: Final = "either"
RUNNING: Final = "running"

KEPT: Final = "kept"
BROKEN: Final = "broken"
UNTRIED: Final = "untried"


class Broken(Exception):
    """The attack got what nobody should. Says what was seen, and no value of anybody's."""


class Untried(Exception):
    """The attack needs something that is not here. Says what; the clause is not proven by it."""


@dataclass(frozen=True)
class System:
    """What is attacked: the database that the settings name, and where it is served.

    `folders` (its data, its logs) and `superuser_url` are known of a copy only. `guards` are the
    copy's, for whoever compares the running system with it.
    """

    url: str = ""
    folders: tuple[Path, ...] = ()
    superuser_url: str = ""
    guards: dict[str, str] = field(default_factory=dict)

    def superuser(self) -> psycopg.Connection:
        """A connection to the copy's database past every row rule, to look and to tamper."""
        database = connection.settings_dict["NAME"]
        url = urlsplit(self.superuser_url)._replace(path=f"/{database}")
        return psycopg.connect(urlunsplit(url), autocommit=True)


@dataclass(frozen=True)
class Outcome:
    """How a proof ended. `figures` belong into its sentence; `said` is what it saw if it did not
    hold, or lacked. Takes `seconds`."""

    proof: str
    outcome: str
    where: str
    figures: Figures = field(default_factory=dict)
    said: str = ""
    seconds: float = 0.0


Attack = Callable[[System], Figures | None]


@dataclass(frozen=True)
class Proof:
    name: str
    clauses: tuple[str, ...]
    tried: Any
    where: str
    attack: Attack

    def carry_out(self, system: System, where: str) -> Outcome:
        """Attack, and say how it ended. An attack that fails by itself has shown nothing, and is
        as loud as one that succeeded."""
        began = time.monotonic()
        outcome, figures, said = KEPT, {}, ""
        try:
            figures = self.attack(system) or {}
        except Untried as lacking:
            outcome, said = UNTRIED, str(lacking)
        except Broken as seen:
            outcome, said = BROKEN, str(seen)
        except Exception as failure:
            outcome, said = BROKEN, f"the attack itself failed: {type(failure).__name__}: {failure}"
        seconds = round(time.monotonic() - began, 2)
        return Outcome(self.name, outcome, where, figures, said, seconds)


PROOFS: Final[dict[str, Proof]] = {}


def proves(*clauses: str, tried: Any, where: str = COPY) -> Callable[[Attack], Attack]:
    """Register the function below as a proof of these clauses; `tried` is its translatable
    sentence, in the past tense, and `where` it may be carried out."""

    def register(attack: Attack) -> Attack:
        name = f"{attack.__module__.partition('.')[0]}.{attack.__name__}"
        PROOFS[name] = Proof(name, clauses, tried, where, attack)
        return attack

    return register


def every_proof() -> dict[str, Proof]:
    """The proofs of all apps, by name."""
    autodiscover_modules("proofs")
    return PROOFS


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside, by the web role, is undone at the end, however it ends."""
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)
