"""The end of a company, by its owner's will and without anything accepted (clause R1).

In the request its keys are destroyed and its doors shut (`gate.close_company`, migration 0014); a
worker then deletes its rows, under a pass that can do nothing else. What stays is evidence, and
names nobody: `accounts.records` says what.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts import gate, jobpasses
from accounts.gate import Entry

LASTING: Final = timedelta(days=30)
MANY: Final = 2_000  # rows of a table in one transaction: a second or less
TASK: Final = "orders.closure"
QUEUE: Final = "closures"


def begin(*, by: Entry) -> int:
    """Close the company that `by` works in, for good; returns its id. Raises PermissionDenied."""
    if not by.may("company.close"):
        raise PermissionDenied("An owner alone closes a company.")
    secret = gate.new_secret()
    with transaction.atomic():
        company_id = gate.close_company(secret, until=timezone.now() + LASTING)
        name = job_name(company_id)
        jobpasses.queue(TASK, secret, queue=QUEUE, name=name, company_id=company_id)
    return company_id


def job_name(company_id: int) -> str:
    return f"closure {company_id}"


def work_through(secret: str) -> None:
    """Delete all that is left. A worker may be killed at any moment: the next goes on."""
    while clear_some(secret):
        pass


def clear_some(secret: str) -> bool:
    with gate.carrying(secret) as by:
        return by.user_id is not None and gate.clear_company(MANY)
