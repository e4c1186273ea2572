"""What the worker runs for orders."""

from __future__ import annotations

import logging
import uuid

from django.db import OperationalError
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from accounts import gate, jobpasses
from orders import imports

ACCEPTED_BY_NOW = 15  # seconds between looks whether the policy has been accepted
DATABASE_BACK = 3  # seconds until the database may be back
ATTEMPTS = 100  # as long as the database is away

log = logging.getLogger(__name__)


class Patience(BaseRetryStrategy):
    """Wait for an acceptance until the pass is over, and for a database that restarts. What was
    overtaken by a change of rights asks again, and learns what stands now."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, imports.NotAccepted) or sqlstate(exception) == "CV001":
            return RetryDecision(retry_in={"seconds": ACCEPTED_BY_NOW}, queue=imports.UNACCEPTED)
        passing = isinstance(exception, OperationalError) or gate.taken_back(exception)
        if passing and job.attempts < ATTEMPTS:
            return RetryDecision(retry_in={"seconds": DATABASE_BACK}, queue=imports.QUEUE)
        return None


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
