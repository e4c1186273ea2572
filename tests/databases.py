"""The databases a test run works on: one cluster, one migrated template, a copy for each worker.

Django's own test databases are not used: they are made by the role that tests connect with, and
ours may not make anything. Tests connect as the web role, as the site does.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
from psycopg import sql

from crmsite import embedded, roles

FOLDER = "covenant-tests-"
ROOT = Path(__file__).parent.parent


class TestCluster:
    """Where the run's databases are: a throw-away cluster, or TEST_DATABASE's server.

    Everything needed to find it is in the environment, so that xdist's workers do.
    """

    __test__ = False

    def __init__(self) -> None:
        self.superuser_url = os.environ["TEST_SUPERUSER_URL"]
        self.owner = os.environ["TEST_OWNER_ROLE"]
        self.web = os.environ["TEST_WEB_ROLE"]
        self.prefix = os.environ["TEST_DATABASE_PREFIX"]

    @property
    def template(self) -> str:
        return f"{self.prefix}_template"

    def database(self, worker: str) -> str:
        return f"{self.prefix}_{worker}"

    def url(self, role: str, database: str) -> str:
        server = urlsplit(self.superuser_url)
        password = os.environ["TEST_PASSWORD"]
        at = server.netloc.rpartition("@")[2]
        return urlunsplit(
            ("postgresql", f"{role}:{password}@{at}", f"/{database}", server.query, "")
        )

    def superuser(self) -> psycopg.Connection:
        return psycopg.connect(self.superuser_url, autocommit=True)

    def migrate_template(self) -> None:
        with self.superuser() as superuser:
            password = os.environ["TEST_PASSWORD"]
            roles.provide(superuser, self.template, {self.owner: password, self.web: password})
        self.point_at(self.template)
        commands = (
            ["migrate", "--verbosity=0"],
            ["publish_bundled"],
            ["shell", "-v0", "-c", "from tests.population import populate; populate()"],
        )
        for command in commands:
            done = subprocess.run(
                [sys.executable, "manage.py", *command], cwd=ROOT, capture_output=True, text=True
            )
            if done.returncode:
                raise RuntimeError(
                    f"manage.py {command[0]} on the test template:\n{done.stdout}{done.stderr}"
                )

    def copy(self, worker: str) -> None:
        """Make the worker's database anew from the template, whoever uses the old one."""
        names = {
            "copy": sql.Identifier(self.database(worker)),
            "template": sql.Identifier(self.template),
            "owner": sql.Identifier(self.owner),
        }
        with self.superuser() as superuser:
            superuser.execute(
                sql.SQL("DROP DATABASE IF EXISTS {copy} WITH (FORCE)").format(**names)
            )
            superuser.execute(
                sql.SQL("CREATE DATABASE {copy} TEMPLATE {template} OWNER {owner}").format(**names)
            )
            roles.let_in(superuser, self.database(worker), self.web)

    def use_copy(self, worker: str) -> None:
        self.copy(worker)
        self.point_at(self.database(worker))

    def point_at(self, database: str) -> None:
        """Have settings that load from here on, here and in subprocesses, use this database."""
        os.environ["DATABASE_URL"] = self.url(self.web, database)
        os.environ["OWNER_DATABASE_URL"] = self.url(self.owner, database)

    def remove(self) -> None:
        with self.superuser() as superuser:
            found = superuser.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)",
                [f"{self.prefix}_"],
            ).fetchall()
            for (name,) in found:
                superuser.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                )
            for role in (self.web, self.owner):
                superuser.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def begin() -> Path:
    """Have a cluster running and the environment say where; returns the data folder."""
    sweep()
    var = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
    token = secrets.token_hex(4)
    os.environ.update(DEBUG="1", VAR=str(var), TEST_PASSWORD=secrets.token_urlsafe(16))
    if given := os.environ.get("TEST_DATABASE"):
        os.environ.update(TEST_SUPERUSER_URL=given, TEST_DATABASE_PREFIX=f"covenant_test_{token}")
    else:
        superuser_url = embedded.start(var, throwaway=True).superuser
        os.environ.update(TEST_SUPERUSER_URL=superuser_url, TEST_DATABASE_PREFIX="covenant_test")
    prefix = os.environ["TEST_DATABASE_PREFIX"]
    os.environ.update(TEST_OWNER_ROLE=f"{prefix}_owner", TEST_WEB_ROLE=f"{prefix}_web")
    return var


def sweep() -> None:
    """Remove the clusters of runs that were killed before they could, unless another run does."""
    for var in Path(tempfile.gettempdir()).glob(f"{FOLDER}*-*"):
        pid = int(var.name.removeprefix(FOLDER).partition("-")[0])
        if os.access(var, os.W_OK) and not psutil.pid_exists(pid):
            with suppress(FileNotFoundError):
                embedded.remove(var)


def end(var: Path) -> None:
    if os.environ.get("TEST_DATABASE"):
        TestCluster().remove()
        shutil.rmtree(var)
    else:
        embedded.remove(var)
