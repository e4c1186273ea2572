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
from orders import closure, exports, imports, inquiries, retention

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
        if isinstance(exception, imports.NotAccepted) or sqlstate(exception) == "CV001":
            return RetryDecision(retry_in={"seconds": ACCEPTED_BY_NOW}, queue=imports.UNACCEPTED)
        again = super().get_retry_decision(exception=exception, job=job)
        return again and RetryDecision(retry_at=again.retry_at, queue=imports.QUEUE)


def sqlstate(exception: BaseException) -> str | None:
    return getattr(exception.__cause__, "sqlstate", None)


@app.task(name=imports.TASK, retry=Patience())
def work_through_import(import_id: str, sealed_pass: str) -> None:
    try:
        run_id = uuid.UUID(import_id)
        secret = jobpasses.unseal(sealed_pass, job=imports.job_name(run_id))
        imports.work_through(run_id, secret)
    except (imports.PassEnded, jobpasses.PassLost):
        log.warning("The pass of import %s has ended; it waits for somebody's.", import_id)


@app.task(name=exports.TASK, retry=Persistence())
def build_export(export_id: str, sealed_pass: str) -> None:
    try:
        run_id = uuid.UUID(export_id)
        exports.build(run_id, jobpasses.unseal(sealed_pass, job=exports.job_name(run_id)))
    except (exports.PassEnded, jobpasses.PassLost):
        log.warning("The pass of export %s has ended; it is not built.", export_id)


@app.task(name=closure.TASK, retry=Persistence())
def work_through_closure(company_id: int, sealed_pass: str) -> None:
    closure.work_through(jobpasses.unseal(sealed_pass, job=closure.job_name(company_id)))


@app.task(name=inquiries.LOOKING, retry=Persistence())
def look_for_a_buyer(inquiry_id: str, sealed_pass: str) -> None:
    _work_on_inquiry(inquiries.look, inquiry_id, sealed_pass)


@app.task(name=inquiries.ERASING, retry=Persistence())
def erase_a_buyer(inquiry_id: str, sealed_pass: str) -> None:
    _work_on_inquiry(inquiries.forget, inquiry_id, sealed_pass)


def _work_on_inquiry(
    work: Callable[[uuid.UUID, str], None], inquiry_id: str, sealed_pass: str
) -> None:
    try:
        run_id = uuid.UUID(inquiry_id)
        work(run_id, jobpasses.unseal(sealed_pass, job=inquiries.job_name(run_id)))
    except (inquiries.PassEnded, jobpasses.PassLost):
        log.warning("The pass of inquiry %s has ended; it waits for somebody's.", inquiry_id)


@app.task(name=retention.TASK, retry=Persistence())
def erase_what_is_due(run_id: str, sealed_pass: str) -> None:
    try:
        run = uuid.UUID(run_id)
        retention.work_through(run, jobpasses.unseal(sealed_pass, job=retention.job_name(run)))
    except (retention.PassEnded, jobpasses.PassLost):
        log.warning("The pass of retention %s has ended; the next night has its own.", run_id)


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
