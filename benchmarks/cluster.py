"""The throw-away cluster and its two databases: ours, and the usual page's without row rules.

Both are in one cluster, so that memory, caches and settings are the same for both sides.
"""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from crmsite import embedded
from crmsite.development import new_master_key

ROOT = Path(__file__).parent.parent
USUAL = "usual"  # the other database's name, and its owner's
TUNED = {
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "maintenance_work_mem": "512MB",
    "random_page_cost": "1.1",
}


@dataclass(frozen=True)
class Servers:
    """URLs: `superuser` of our database, `usual` of the other one as its owner."""

    var: Path
    superuser: str
    usual: str


@contextmanager
def running() -> Iterator[Servers]:
    var = Path(tempfile.mkdtemp(prefix="covenant-bench-"))
    try:
        superuser = embedded.start(var, throwaway=True).superuser
        with psycopg.connect(superuser, autocommit=True) as connection:
            for name, value in TUNED.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            password = secrets.token_urlsafe(16)
            connection.execute(f"CREATE ROLE {USUAL} LOGIN PASSWORD '{password}'")
            connection.execute(f"CREATE DATABASE {USUAL} OWNER {USUAL}")
        embedded.stop(var)
        addresses = embedded.start(var, throwaway=True)
        at = addresses.superuser.rpartition("@")[2].partition("/")[0]
        yield Servers(
            var=var,
            superuser=f"{addresses.superuser.rpartition('/')[0]}/{embedded.DATABASE}",
            usual=f"postgresql://{USUAL}:{password}@{at}/{USUAL}",
        )
    finally:
        embedded.remove(var)


def prepare(servers: Servers) -> None:
    """Migrate both, as in production (DEBUG would keep every statement), and set Django up here."""
    web, owner = embedded.addresses(servers.var)
    os.environ.update(
        VAR=str(servers.var), DEBUG="0", DATABASE_URL=web, OWNER_DATABASE_URL=owner,
        USUAL_DATABASE_URL=servers.usual, SECRET_KEY=secrets.token_urlsafe(48),
        MASTER_KEY=new_master_key(), ALLOWED_HOSTS="127.0.0.1",
        DJANGO_SETTINGS_MODULE="benchmarks.settings",
    )  # fmt: skip
    manage("migrate", "--verbosity=0")
    manage("publish_bundled")
    manage("collectstatic", "--noinput", "--verbosity=0")
    manage(
        "migrate", "--run-syncdb", "--database=default", "--verbosity=0",
        settings="benchmarks.usual.settings",
    )  # fmt: skip
    import django

    django.setup()


def manage(*command: str, settings: str = "benchmarks.settings") -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": settings}
    subprocess.run(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
