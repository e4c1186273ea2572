"""What the worker runs for orders."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

from django.db import OperationalError
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from accounts import gate, jobpasses
from accounts.sqlstates import NOT_ACCEPTED, sqlstate
from orders import (
    access_letters,
    closure,
    exports,
    imports,
    inquiries,
    retention,
    webhooks,
)

ACCEPTED_BY_NOW = 15  # seconds between looks whether the policy has been accepted
DATABASE_BACK = 3  # seconds until the database may be back
ATTEMPTS = 100  # as long as the database is away

log = logging.getLogger(__name__)


class Persistence(BaseRetryStrategy):
    """Wait for a database that restarts. What was overtaken by a change of rights asks again, and
    learns what stands now."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        passing = isinstance(exception, OperationalError) or gate.taken_back(exception)
        if passing and job.attempts < ATTEMPTS:
            return RetryDecision(retry_in={"seconds": DATABASE_BACK})
        return None


class Patience(Persistence):
    """Wait for an acceptance, too, until the pass is over."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, imports.NotAccepted) or sqlstate(exception) == NOT_ACCEPTED:
            return RetryDecision(retry_in={"seconds": ACCEPTED_BY_NOW}, queue=imports.UNACCEPTED)
        again = super().get_retry_decision(exception=exception, job=job)
        return again and RetryDecision(retry_at=again.retry_at, queue=imports.QUEUE)


def under_its_pass(
    work: Callable[[uuid.UUID, str], None],
    name_of: Callable[[uuid.UUID], str],
    identifier: str,
    sealed_pass: str,
    *,
    otherwise: str,
) -> None:
    """Do the work with the secret of the job's pass; where that has ended, log what becomes of it
    `otherwise`."""
    name = name_of(uuid.UUID(identifier))
    try:
        work(uuid.UUID(identifier), jobpasses.unseal(sealed_pass, job=name))
    except jobpasses.PassEnded:
        log.warning("The pass of %s has ended; %s.", name, otherwise)


SOMEBODYS = "it waits for somebody's"


@app.task(name=imports.TASK, retry=Patience())
def work_through_import(import_id: str, sealed_pass: str) -> None:
    under_its_pass(
        imports.work_through, imports.job_name, import_id, sealed_pass, otherwise=SOMEBODYS
    )


@app.task(name=exports.TASK, retry=Persistence())
def build_export(export_id: str, sealed_pass: str) -> None:
    under_its_pass(
        exports.build, exports.job_name, export_id, sealed_pass, otherwise="it is not built"
    )


@app.task(name=closure.TASK, retry=Persistence())
def work_through_closure(company_id: int, sealed_pass: str) -> None:
    closure.work_through(jobpasses.unseal(sealed_pass, job=closure.job_name(company_id)))


@app.task(name=inquiries.LOOKING, retry=Persistence())
def look_for_a_buyer(inquiry_id: str, sealed_pass: str) -> None:
    under_its_pass(inquiries.look, inquiries.job_name, inquiry_id, sealed_pass, otherwise=SOMEBODYS)


@app.task(name=inquiries.ERASING, retry=Persistence())
def erase_a_buyer(inquiry_id: str, sealed_pass: str) -> None:
    under_its_pass(
        inquiries.forget, inquiries.job_name, inquiry_id, sealed_pass, otherwise=SOMEBODYS
    )


@app.task(name=retention.TASK, retry=Persistence())
def erase_what_is_due(run_id: str, sealed_pass: str) -> None:
    under_its_pass(
        retention.work_through, retention.job_name, run_id, sealed_pass,
        otherwise="the next night has its own",
    )  # fmt: skip


@app.task(name=webhooks.TASK, retry=Persistence())
def tell_partners(company_id: int, sealed_pass: str) -> None:
    name = webhooks.job_name(company_id)
    try:
        webhooks.work_through(jobpasses.unseal(sealed_pass, job=name))
    except jobpasses.PassEnded:
        log.warning("The pass of %s has ended; the next second has its own.", name)


@app.periodic(cron="41 2 * * *")
@app.task(name="orders.retain", lock="orders.retain")
def erase_what_is_due_everywhere(timestamp: int) -> None:
    with gate.vouching():
        retention.begin_everywhere()


@app.periodic(cron="27 * * * *")
@app.task(name="orders.sweep", lock="orders.sweep")
def sweep_exports(timestamp: int) -> None:
    """An archive is there for a day, and so is what was asked about a buyer."""
    exports.sweep()
    inquiries.sweep()


@app.periodic(cron="* * * * *")
@app.task(name=access_letters.TASK, lock=access_letters.TASK)
def tell_of_access(timestamp: int = 0) -> None:
    """Whoever let support in is told of it within the minute, and again until a letter goes out."""
    access_letters.tell_all()
