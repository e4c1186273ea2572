"""Jobs are the worker's: no request sees or disturbs one, or queues one without the issuing key."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator

import psycopg
import pytest
from procrastinate.contrib.django import app
from procrastinate.manager import JobManager

from accounts import gate
from crmsite.management.commands import worker
from tests import people
from tests.jobs import told

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
    """One row in each table, as the worker puts it there."""
    with web.transaction():
        present(web, "work")
        for command in WRITES[:3]:
            web.execute(command)
    assert rows(web) == [0, 0, 0, 0]


def present(connection: psycopg.Connection, purpose: str) -> None:
    connection.execute("SELECT set_config('gate.app', %s, true)", [gate.key_for(purpose)])


# What somebody brings along who is no worker; to be called within a transaction.
INTRUDERS: dict[str, Callable[[psycopg.Connection], object]] = {
    "the password alone": lambda web: None,
    "the application's key": lambda web: present(web, "vouch"),
    "the issuing key, where no setting takes it": lambda web: present(web, "issue"),
    "an agent's request": lambda web: web.execute(
        "SELECT gate.enter(%s, %s)", [gate.key_for("vouch"), people.pass_of(people.gus)]
    ),
    "an owner's request": lambda web: web.execute(
        "SELECT gate.enter(%s, %s)", [gate.key_for("vouch"), people.pass_of(people.ann)]
    ),
}


@pytest.fixture(params=INTRUDERS)
def intruder(request: pytest.FixtureRequest) -> Callable[[psycopg.Connection], object]:
    return INTRUDERS[request.param]


def rows(connection: psycopg.Connection) -> list[int]:
    return [connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in TABLES]


def everything(owner: psycopg.Connection) -> list[list[tuple[object, ...]]]:
    return [owner.execute(f"SELECT * FROM {t} ORDER BY id").fetchall() for t in TABLES]


def test_who_is_no_worker_adds_no_job(web, intruder, owner) -> None:
    before = everything(owner)
    for command in WRITES:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), web.transaction():
            intruder(web)
            web.execute(command)
    assert everything(owner) == before


def test_who_is_no_worker_sees_and_disturbs_no_job(web, intruder, owner) -> None:
    before = everything(owner)
    assert [] not in before
    for command in DISTURBANCES:
        with web.transaction():
            intruder(web)
            assert rows(web) == [0, 0, 0, 0]
            assert web.execute(command).fetchall() == [], command
    with pytest.raises(psycopg.errors.RaiseException, match="not found"), web.transaction():
        intruder(web)
        web.execute("SELECT procrastinate_finish_job_v1(1, 'failed', true)")
    assert everything(owner) == before


def test_the_worker_would_reach_a_row_with_each_of_these(web: psycopg.Connection) -> None:
    for command in DISTURBANCES:
        with web.transaction(force_rollback=True):
            present(web, "work")
            assert web.execute(command).fetchall(), command


@pytest.mark.parametrize(
    "call",
    [
        "gate.queue_job(%s, 'policy.remind', 'default', NULL, '{}')",
        "gate.job_state(%s, 'closure 2')",
        "gate.job_counts(%s)",
    ],
)
def test_the_gate_speaks_of_jobs_to_the_issuing_key_alone(web, intruder, owner, call) -> None:
    before = everything(owner)
    for key in (gate.key_for("vouch"), gate.key_for("work"), "made up", "", None):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), web.transaction():
            intruder(web)
            web.execute(f"SELECT {call}", [key])
    assert everything(owner) == before


def test_the_workers_key_opens_nothing_but_jobs(web: psycopg.Connection) -> None:
    with web.transaction():
        present(web, "work")
        assert web.execute("SELECT gate.vouched(), gate.user_id()").fetchone() == (False, None)
        for table in ("accounts_user", "accounts_company", "orders_order"):
            assert web.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_job_that_waits_gives_way_to_the_next_of_its_name() -> None:
    for company_id in (1, 2):
        with gate.vouching():
            gate.queue_job("orders.closure", queue="closures", name="n", company_id=company_id)
            assert gate.job_state("n") == ("todo", "closures")
    assert told("orders.closure") == [{"company_id": 2}]
    assert gate.job_state("of no job") is None


def test_what_is_undone_queues_nothing() -> None:
    with pytest.raises(RuntimeError), gate.vouching():
        gate.queue_job("orders.closure", name="n")
        raise RuntimeError
    assert told("orders.closure") == []


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
