"""A start that would not be safe stops, and says why: tried by really starting."""

import os
import secrets
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from crmsite.development import mail_folder, new_master_key
from tests.databases import ROOT, TestCluster

SERVE = ("-c", "import crmsite.wsgi")
WORK = ("manage.py", "worker")


def started(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start with this process's environment changed so; an empty value is none."""
    changed = {name: value for name, value in (os.environ | environment).items() if value}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=changed,
        capture_output=True,
        text=True,
        timeout=30,
    )


def production(**environment: str) -> dict[str, str]:
    return {
        "DEBUG": "",
        "SECRET_KEY": secrets.token_urlsafe(40),
        "MASTER_KEY": new_master_key(),
        "ALLOWED_HOSTS": "covenant.example",
    } | environment


def test_production_starts_when_it_is_given_all_it_needs():
    done = started(*SERVE, **production())
    assert done.returncode == 0, done.stderr


def test_production_starts_with_several_master_keys_while_they_are_rotated():
    done = started(*SERVE, **production(MASTER_KEY=f"{new_master_key()}, {new_master_key()}"))
    assert done.returncode == 0, done.stderr


def test_production_without_its_secrets_names_all_that_are_missing():
    done = started(*SERVE, **production(SECRET_KEY="", MASTER_KEY="", ALLOWED_HOSTS=""))
    assert done.returncode != 0
    for name in ("SECRET_KEY", "MASTER_KEY", "ALLOWED_HOSTS"):
        assert f"{name}: " in done.stderr


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (production(SECRET_KEY=""), "SECRET_KEY: "),
        (production(ALLOWED_HOSTS="covenant.example,*"), "Name the hosts."),
        (production(MASTER_KEY="c2hvcnQ="), "MASTER_KEY must be 32 bytes"),
        (production(MASTER_KEY=f"{new_master_key()},not base64!"), "number 2 of 2 is not"),
        (
            {"DEBUG": "1", "ALLOWED_HOSTS": "covenant.example"},
            "'covenant.example' in ALLOWED_HOSTS",
        ),
        ({"DEBUG": "1", "ALLOWED_HOSTS": "*"}, "'*' in ALLOWED_HOSTS"),
        (
            {"DEBUG": "1", "DATABASE_URL": "postgresql://web@db.example/covenant"},
            "DATABASE_URL at 'db.example'",
        ),
    ],
)
def test_an_unsafe_environment_stops_the_start(changed: dict[str, str], reason: str):
    done = started(*SERVE, **changed)
    assert done.returncode != 0
    assert reason in done.stderr


def test_letters_that_are_kept_in_place_of_being_sent_are_nobody_elses_to_read(tmp_path: Path):
    folder = mail_folder(tmp_path / "var")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    assert stat.S_IMODE(mail_folder(tmp_path / "var").stat().st_mode) == 0o700


def test_migrate_without_the_owner_says_what_is_missing():
    done = started("manage.py", "migrate", OWNER_DATABASE_URL="")
    assert done.returncode != 0
    assert "OWNER_DATABASE_URL is missing" in done.stderr


# Roles that row rules would not hold.


@pytest.fixture
def new_role(cluster: TestCluster) -> Iterator[Callable[[str], str]]:
    """Makes a role that may sign in, changed by further SQL in which {role} stands for it."""
    role = f"{cluster.prefix}_{secrets.token_hex(4)}"
    with psycopg.connect(database_of_this_worker(cluster), autocommit=True) as superuser:

        def make(change: str) -> str:
            password = sql.Literal(os.environ["TEST_PASSWORD"])
            names = {"role": sql.Identifier(role), "owner": sql.Identifier(cluster.owner)}
            superuser.execute(
                sql.SQL("CREATE ROLE {role} LOGIN PASSWORD {password}").format(
                    password=password, **names
                )
            )
            superuser.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {database} TO {role}").format(
                    database=sql.Identifier(superuser.info.dbname), **names
                )
            )
            superuser.execute(sql.SQL(change).format(**names))
            return cluster.url(role, superuser.info.dbname)

        yield make
        superuser.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
        superuser.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def database_of_this_worker(cluster: TestCluster) -> str:
    database = urlsplit(os.environ["DATABASE_URL"]).path
    return urlsplit(cluster.superuser_url)._replace(path=database).geturl()


@pytest.mark.parametrize(
    ("change", "power"),
    [
        ("ALTER ROLE {role} SUPERUSER", "is a superuser"),
        ("ALTER ROLE {role} BYPASSRLS", "bypasses row rules"),
        ("ALTER ROLE {role} CREATEROLE", "may make roles"),
        ("ALTER ROLE {role} REPLICATION", "may copy the whole server"),
        ("GRANT {owner} TO {role}", "is a member of "),
        ("GRANT pg_read_all_data TO {role}", "is a member of pg_read_all_data"),
        ("CREATE SCHEMA its AUTHORIZATION {role}", "owns the schema its"),
        (
            "CREATE TABLE its_table (); ALTER TABLE its_table OWNER TO {role}",
            "owns the table its_table",
        ),
        (
            "CREATE FUNCTION its_function() RETURNS int LANGUAGE sql AS 'SELECT 1';"
            "ALTER FUNCTION its_function() OWNER TO {role}",
            "owns the function its_function()",
        ),
    ],
)
def test_a_web_role_that_row_rules_would_not_hold_is_refused(
    new_role: Callable[[str], str], change: str, power: str
):
    done = started(*SERVE, DATABASE_URL=new_role(change))
    assert done.returncode != 0
    assert power in done.stderr


def test_the_owner_is_refused_as_the_web_role():
    done = started(*SERVE, DATABASE_URL=os.environ["OWNER_DATABASE_URL"])
    assert done.returncode != 0
    assert "owns the database" in done.stderr


def test_the_worker_refuses_the_same():
    done = started(*WORK, DATABASE_URL=os.environ["OWNER_DATABASE_URL"])
    assert done.returncode != 0
    assert "owns the database" in done.stderr
