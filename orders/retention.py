"""Persons are erased by themselves, once the time to keep them is over.

A company sets for each status in which an order ends, for the lines that imports refused, and for
the orders of an import that stands still, how many days after the last change, or work on the
import, that is. Every night a worker erases what is due, under a pass of
whoever set it, or else of somebody who runs the company: who does it is who answers for it. While
nobody of them has accepted the policies in force nothing is erased, as nothing else is done then.

Each step is a transaction that also counts: a worker may be killed at any moment.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit, gate, jobpasses
from accounts.gate import Entry
from accounts.identifiers import made_at, uuid7
from orders import imports, statuses
from orders.erasure import AT_ONCE, REACH
from orders.models import Import, ImportChunk, ImportRefusal, Order, Retention, RetentionRun
from orders.models.retentions import LINES, WAITING

KINDS: Final[dict[str, Any]] = {
    **{key: statuses.STATUSES[key].label for key in statuses.ENDED},
    LINES: _("Refused lines of files"),
    WAITING: _("Orders of imports that stand still"),
}
MOST_DAYS: Final = 36_500
LASTING: Final = timedelta(days=1)
TASK: Final = "orders.retention"
QUEUE: Final = "retention"
LINES_AT_ONCE: Final = 2_000


# In the request


def periods(company_id: int) -> dict[str, int]:
    """Kind -> days, of those that are set."""
    found = Retention.objects.filter(company_id=company_id, kind__in=KINDS)
    return dict(found.values_list("kind", "days"))


def set_periods(days: Mapping[str, int], *, by: Entry) -> None:
    """From the next night on; what is not named is kept for ever. Raises PermissionDenied."""
    if not by.may("orders.erase"):
        raise PermissionDenied("Owners and admins say how long buyers are kept.")
    with transaction.atomic():
        Retention.objects.filter(company_id=by.company_id).delete()
        Retention.objects.bulk_create(
            Retention(company_id=by.company_id, kind=kind, days=days[kind], author_id=by.user_id)
            for kind in KINDS
            if kind in days
        )
        audit.record(by=by, action="retention.set", days=dict(days))


@dataclass(frozen=True, slots=True)
class Due:
    count: int
    oldest: datetime | None


def preview(days: Mapping[str, int], *, by: Entry) -> dict[str, Due]:
    """What these periods would erase at this moment. A statement for each."""
    return {kind: _counted(kind, days[kind], by) for kind in KINDS if kind in days}


def _counted(kind: str, days: int, by: Entry) -> Due:
    if kind == LINES:
        lines = due_lines(days, by)
        oldest = lines.order_by("id").values_list("id", flat=True).first()
        return Due(lines.count(), made_at(oldest) if oldest else None)
    if kind == WAITING:
        waiting = models.Sum(models.F("drafts") - models.F("created") - models.F("refused"))
        oldest_import = models.Min("touched_at")
        told = due_imports(days, by).aggregate(count=waiting, oldest=oldest_import)
        return Due(told["count"] or 0, told["oldest"])
    told = due(kind, days, by).aggregate(count=models.Count("id"), oldest=models.Min("updated_at"))
    return Due(told["count"], told["oldest"])


def due(status: str, days: int, by: Entry) -> models.QuerySet[Order]:
    """Orders of a status that nobody has changed for so many days, and that have a person."""
    until = timezone.now() - timedelta(days=days)
    return Order.objects.filter(
        company_id=by.company_id,
        status=status,
        status__in=statuses.ENDED,  # what the index says, so that it is used
        erased_at=None,
        updated_at__lt=until,
    )


def due_lines(days: int, by: Entry) -> models.QuerySet[ImportRefusal]:
    """Lines refused by imports which nobody has touched for so many days, ended or not."""
    untouched = _untouched(days, by).values("id")
    return ImportRefusal.objects.filter(company_id=by.company_id, import_id__in=untouched)


def due_imports(days: int, by: Entry) -> models.QuerySet[Import]:
    """Imports which nobody has touched for so many days, though orders of theirs still wait."""
    waits = ImportChunk.objects.filter(company_id=by.company_id, import_id=models.OuterRef("id"))
    return _untouched(days, by).filter(models.Exists(waits), finished_at=None)


def _untouched(days: int, by: Entry) -> models.QuerySet[Import]:
    until = timezone.now() - timedelta(days=days)
    return Import.objects.filter(company_id=by.company_id, touched_at__lt=until)


# By the clock


def begin_everywhere() -> int:
    """Have each company's due erased; in how many. Asked by the application, on nobody's behalf."""
    found = gate.retaining()
    for company_id, user_id in found:
        hand_over(company_id, user_id)
    return len(found)


def hand_over(company_id: int, user_id: int) -> None:
    run_id = uuid7()
    whose = Entry(user_id=user_id, company_id=company_id)
    secret = gate.open_job_pass(whose, reach=REACH, lasting=LASTING)
    jobpasses.queue(TASK, secret, queue=QUEUE, name=job_name(run_id), run_id=str(run_id))


def job_name(run_id: uuid.UUID) -> str:
    return f"retention {run_id}"


# In the worker


def work_through(run_id: uuid.UUID, secret: str) -> None:
    """Erase all that is due. Raises PassEnded."""
    while erase_some(run_id, secret):
        pass


def erase_some(run_id: uuid.UUID, secret: str) -> bool:
    """False where nothing is left."""
    with working_for(secret) as by:
        run, _new = RetentionRun.objects.get_or_create(company_id=by.company_id, id=run_id)
        if run.finished_at:
            return False
        for kind, days in periods(by.company_id).items():
            if gone := _erase_of(kind, days, by):
                run.erased[kind] = run.erased.get(kind, 0) + gone
                run.save(update_fields=["erased"])
                return True
        run.finished_at = timezone.now()
        run.save(update_fields=["finished_at"])
        if run.erased:
            audit.record(by=by, action="retention.kept", of=run, **run.erased)
        gate.end_pass(secret)
        return False


def _erase_of(kind: str, days: int, by: Entry) -> int:
    if kind == LINES:
        some = list(due_lines(days, by).values_list("id", flat=True)[:LINES_AT_ONCE])
        ImportRefusal.objects.filter(company_id=by.company_id, id__in=some).delete()
        return len(some)
    if kind == WAITING:
        imports.take_turns(by)
        run = due_imports(days, by).order_by("touched_at").first()
        return imports.expire(run, by=by) if run else 0
    locked = due(kind, days, by).select_for_update(skip_locked=True)
    orders = list(locked.order_by("updated_at")[:AT_ONCE])
    for order in orders:
        order.erase(by=by, because="retention")
    return len(orders)


def working_for(secret: str) -> AbstractContextManager[Entry]:
    return jobpasses.working(secret, "orders.erase")
