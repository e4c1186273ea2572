"""Real worker processes, killed and in each other's way: every order once, none lost."""

import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from orders.models import Order
from tests.databases import ROOT
from tests.orders.uploading import (
    STATUSES,
    ZAKAZY,
    as_it_stands,
    begun,
    chunks_left,
    imported,
    many,
    orders_of,
)
from tests.people import adam, as_
from tests.remains import every_row

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 90  # seconds, on a machine that does much else
PROHIBITED = ("Дьячков", "Теймуразович", "548055151", "Ефимова", "985 812", "9858123333")


@contextmanager
def worker(log=subprocess.DEVNULL):
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(run, reached):
    """The import, once `reached`."""
    deadline = time.monotonic() + PATIENCE
    while not reached(found := as_it_stands(run)):
        assert time.monotonic() < deadline, f"{found.created} of {found.drafts} orders"
        time.sleep(0.02)
    return found


def finished(run):
    return run.finished_at is not None


def test_a_worker_killed_midway_loses_nothing_and_doubles_nothing():
    run = begun(many(3_000, statuses=list(STATUSES)))
    for _ in range(2):
        made = as_it_stands(run).created
        with worker() as process:
            until(run, lambda run, made=made: run.created > made)
            process.kill()
        assert not finished(as_it_stands(run))
        assert as_it_stands(run).created == len(orders_of("R")) > made
    with worker():
        done = until(run, finished)
    assert (done.created, done.refused, chunks_left(run)) == (3_000, 0, 0)
    assert orders_of("R") == sorted(f"R{n}" for n in range(1, 3_001))
    with as_(adam):
        statuses = Order.objects.filter(import_id=run.id).values_list("status", flat=True)
        assert Counter(statuses) == dict.fromkeys(STATUSES.values(), 1_000)


def test_two_workers_share_imports_without_getting_in_each_others_way():
    runs = [begun(many(600)), begun(many(600, first=301))]
    with worker(), worker():
        first, second = (until(run, finished) for run in runs)
    assert first.created + second.created == 900
    assert first.refused + second.refused == 300
    assert len(orders_of("R")) == 900


def test_a_worker_that_comes_back_says_nothing_of_anybody(tmp_path):
    log = tmp_path / "log"
    run = begun(ZAKAZY)
    with log.open("wb") as out, worker(out):
        until(run, finished)
    said = log.read_text()
    assert not [word for word in (*PROHIBITED, "Васильева", "+7747") if word in said]


def test_prohibited_persons_are_in_no_table(superuser_url):
    assert imported(ZAKAZY).prohibited == 2
    for text in every_row(superuser_url):
        assert not [word for word in PROHIBITED if word in text]
