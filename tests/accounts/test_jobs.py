"""The tables of jobs open to the application's key, and to the web role's password alone not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import psycopg
import pytest
from procrastinate.contrib.django import app
from procrastinate.manager import JobManager

from accounts import gate
from crmsite.management.commands import worker
from tests import people

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = (
    "procrastinate_jobs",
    "procrastinate_events",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
)
A_JOB = "ROW('q', 'accounts.sweep', 0, NULL, NULL, '{}', NULL)::procrastinate_job_to_defer_v1"
WRITES = (
    f"SELECT procrastinate_defer_jobs_v1(ARRAY[{A_JOB}])",
    "SELECT procrastinate_defer_periodic_job_v2('q', NULL, NULL, 'x', 0, '', 17, '{}')",
    "SELECT procrastinate_register_worker_v1()",
    "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('q', 'accounts.sweep')",
    "INSERT INTO procrastinate_events (job_id, type) SELECT 1, 'failed'",
)
DISTURBANCES = (
    "SELECT id FROM procrastinate_fetch_job_v2(NULL, 1) WHERE id IS NOT NULL",
    "SELECT procrastinate_cancel_job_v1(1, true, true) FROM procrastinate_jobs",
    "SELECT procrastinate_prune_stalled_workers_v1(0)",
    "UPDATE procrastinate_jobs SET task_name = 'mine' RETURNING id",
    "UPDATE procrastinate_workers SET last_heartbeat = now() RETURNING id",
    "DELETE FROM procrastinate_periodic_defers RETURNING id",
    "DELETE FROM procrastinate_events RETURNING id",
    "DELETE FROM procrastinate_jobs RETURNING id",
)


@pytest.fixture
def web() -> Iterator[psycopg.Connection]:
    """The web role, with its password and nothing else."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture(autouse=True)
def waiting(web: psycopg.Connection) -> None:
    """One row in each table, as the application puts it there."""
    with web.transaction():
        vouch(web)
        for command in WRITES[:3]:
            web.execute(command)
    assert rows(web) == [0, 0, 0, 0]


def vouch(connection: psycopg.Connection) -> None:
    connection.execute("SELECT set_config('gate.app', %s, true)", [gate._key("vouch")])


def rows(connection: psycopg.Connection) -> list[int]:
    return [connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in TABLES]


def rows_there_are(web: psycopg.Connection) -> list[int]:
    with web.transaction():
        vouch(web)
        return rows(web)


def test_the_password_alone_adds_no_job(web: psycopg.Connection) -> None:
    before = rows_there_are(web)
    for command in WRITES:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute(command)
    assert rows_there_are(web) == before


def test_the_password_alone_sees_and_disturbs_no_job(web: psycopg.Connection) -> None:
    before = rows_there_are(web)
    assert 0 not in before
    for command in DISTURBANCES:
        assert web.execute(command).fetchall() == [], command
    with pytest.raises(psycopg.errors.RaiseException, match="not found"):
        web.execute("SELECT procrastinate_finish_job_v1(1, 'failed', true)")
    assert rows_there_are(web) == before


def test_with_the_key_each_of_these_would_reach_a_row(web: psycopg.Connection) -> None:
    for command in DISTURBANCES:
        with web.transaction(force_rollback=True):
            vouch(web)
            assert web.execute(command).fetchall(), command


def test_a_key_somebody_made_up_opens_nothing(web: psycopg.Connection) -> None:
    with web.transaction():
        web.execute("SELECT set_config('gate.app', 'made up', true)")
        assert rows(web) == [0, 0, 0, 0]


def test_the_worker_queues_the_sweep_by_the_clock_and_does_it(owner: psycopg.Connection) -> None:
    people.pass_of(people.ann, lasting=-1)
    asyncio.run(sweep_once())
    expired = owner.execute("SELECT count(*) FROM accounts_pass WHERE expires_at < now()")
    assert expired.fetchone() == (0,)


async def sweep_once() -> None:
    with app.replace_connector(worker.vouched()) as ours:
        async with ours.open_async():
            await queue_by_the_clock(ours.job_manager)
            await ours.run_worker_async(wait=False, listen_notify=False)


async def queue_by_the_clock(jobs: JobManager) -> None:
    sweep = app.tasks["accounts.sweep"].configure(task_kwargs={"timestamp": 1}).job
    assert await jobs.defer_periodic_job(job=sweep, periodic_id="", defer_timestamp=1)
