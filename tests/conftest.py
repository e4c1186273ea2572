"""What every test stands on: a database of its worker's own, used as the web role."""

import os
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
import pytest

from tests import databases
from tests.browser import chromium


def pytest_configure(config: pytest.Config) -> None:
    """The cluster and its template, a copy for this process, and only then the settings.

    The process that only hands out tests to xdist's workers loads no settings: its workers would
    inherit the choice, and read theirs before they have a database.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        var = databases.begin()
        config.add_cleanup(lambda: databases.end(var))
        databases.TestCluster().migrate_template()
    if worker or config.getoption("dist", "no") == "no":
        databases.TestCluster().use_copy(worker or "main")
        os.environ["DJANGO_SETTINGS_MODULE"] = "crmsite.settings"
        django.setup()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    chromium.say_if_missing(terminalreporter)
    for report in terminalreporter.getreports(""):
        for name, said in report.user_properties:
            terminalreporter.write_line(f"{name}: {said}")
    if not shutil.which("caddy"):
        terminalreporter.section("caddy is missing: tests/test_tls.py tried nothing of the proxy")


@pytest.fixture(scope="session")
def cluster() -> databases.TestCluster:
    return databases.TestCluster()


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """Replaces pytest-django's, which would have Django create a database: ours is there."""


@pytest.fixture(autouse=True)
def _database_as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test that commits, copy the template anew: truncating would lose the policies."""
    yield
    if "transactional_db" in request.fixturenames or commits(request.node):
        copy_anew()


def commits(test: pytest.Item) -> bool:
    marker = test.get_closest_marker("django_db")
    return bool(marker and marker.kwargs.get("transaction"))


def copy_anew() -> None:
    from django.db import connections

    for connection in connections.all():
        connection.close()
        connection.close_pool()
    databases.TestCluster().copy(os.environ.get("PYTEST_XDIST_WORKER", "main"))


@pytest.fixture
def owner() -> Iterator[psycopg.Connection]:
    """A connection as the database's owner, committing each statement: for transactional tests."""
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture
def superuser_url() -> str:
    return os.environ["TEST_SUPERUSER_URL"]


@pytest.fixture
def superuser(superuser_url: str) -> Iterator[psycopg.Connection]:
    """Sees every row of this worker's database."""
    ours = urlsplit(os.environ["DATABASE_URL"]).path
    url = urlunsplit(urlsplit(superuser_url)._replace(path=ours))
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
