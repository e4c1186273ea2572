"""A system to sabotage: the worker's own database, served by a thread, and copied anew afterwards.

Django's transactional tests would empty the owner's tables at the end, which refuse that.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.test import override_settings
from django.test.utils import modify_settings
from pytest_django.live_server_helper import LiveServer
from pytest_django.plugin import DjangoDbBlocker

from accounts.proving import BROKEN, COPY, KEPT, Outcome, System, every_proof
from tests.conftest import copy_anew
from tests.proofs import sabotage

Serve = Callable[..., System]
QUICK = "django.contrib.auth.hashers.MD5PasswordHasher"


@pytest.fixture(autouse=True)
def database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), override_settings(PASSWORD_HASHERS=[QUICK]):
        yield
        copy_anew()


@pytest.fixture
def system(superuser_url: str, tmp_path: Path) -> System:
    """The database, and the folder in which the sabotage writes down what it should not."""
    return System(folders=(tmp_path,), superuser_url=superuser_url)


@pytest.fixture
def serve(superuser_url: str, tmp_path: Path) -> Iterator[Serve]:
    """Serves the system, with the middleware of `tests.proofs.sabotage` that is named."""
    begun = []

    def begin(*saboteurs: type, without: tuple[str, ...] = (), **settings: object) -> System:
        names = [f"{sabotage.__name__}.{saboteur.__name__}" for saboteur in saboteurs]
        changes = [
            modify_settings(MIDDLEWARE={"prepend": names, "remove": list(without)}),
            modify_settings(ALLOWED_HOSTS={"append": "127.0.0.1"}),
            override_settings(**settings),
        ]
        for change in changes:
            change.enable()
        os.environ["SABOTAGE"] = str(tmp_path / "log")
        server = LiveServer("127.0.0.1")
        begun.append((server, changes))
        return System(server.url, (tmp_path,), superuser_url)

    yield begin
    for server, changes in begun:
        server.stop()
        for change in reversed(changes):
            change.disable()


def carry_out(name: str, system: System) -> Outcome:
    return every_proof()[name].carry_out(system, COPY)


def holds(name: str, system: System) -> None:
    outcome = carry_out(name, system)
    assert (outcome.outcome, outcome.said) == (KEPT, "")


def is_seen_broken(name: str, system: System, *, saying: str) -> None:
    outcome = carry_out(name, system)
    assert outcome.outcome == BROKEN
    assert saying in outcome.said


def rewrite(owner: psycopg.Connection, function: str, before: str, after: str) -> None:
    """Make the database's function over, as somebody with its owner's password could."""
    found = owner.execute("SELECT pg_get_functiondef(%s::regproc)", [function]).fetchone()
    assert found and before in found[0]
    owner.execute(found[0].replace(before, after))
