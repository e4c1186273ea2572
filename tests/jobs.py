"""The jobs that wait, as a worker sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import attacks, gate


@contextmanager
def as_the_worker() -> Iterator[None]:
    """One transaction that presents what a worker's own connections do."""
    with gate.vouching():
        attacks.present({"gate.app": gate.key_for("work")})
        yield


def job_called(name: str) -> ProcrastinateJob | None:
    """The last of that name."""
    with as_the_worker():
        return ProcrastinateJob.objects.filter(lock=name).order_by("id").last()


def forget(task: str) -> None:
    """A worker has done all of the task's jobs."""
    with as_the_worker(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = %s", [task])


def told(task: str) -> list[dict[str, object]]:
    """What each waiting job of the task was told, the oldest first."""
    with as_the_worker():
        found = ProcrastinateJob.objects.filter(task_name=task).order_by("id")
        return list(found.values_list("args", flat=True))
