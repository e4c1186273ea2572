"""A buyer asks: what a company holds about one person is found, and erased everywhere.

Orders are found in the request, by keyed hash. A worker reads through what no hash finds
(`orders.mentions`), under a pass of whoever asked; so does the one that erases. Both go a step at a
time, each step a transaction that also counts it: a worker may be killed at any moment, and the
next reads again what is left. An erasure ends in the transaction that finds no order any more,
forgets whom it was about, and tells the audit how much there was, and nothing of whom.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils import timezone

from accounts import audit, gate, jobpasses
from accounts.gate import Entry, JobState
from accounts.jobpasses import PassEnded
from orders import imports, keys, mentions
from orders.buyers import Buyer
from orders.erasure import AT_ONCE, REACH
from orders.intake import Prohibited
from orders.keys import Keys
from orders.mentions import Source
from orders.models import Comment, Import, Inquiry, Order
from orders.models.orders import OrderQuerySet
from policy.jurisdictions import Verdict, judge
from policy.prohibitions import Jurisdiction

LASTING: Final = timedelta(days=1)
LOOKING: Final = "orders.inquiry"
ERASING: Final = "orders.inquiry.erasure"
QUEUE: Final = "inquiries"
SEALED: Final = "inquiry.buyer"


class NotToKeep(Exception):
    """An order that was to stay is not the buyer's any more, or must be erased (clause P2)."""


# In the request


def begin(*, by: Entry, buyer: Buyer) -> Inquiry:
    """Ask what the company holds about this buyer. Raises PermissionDenied; and Prohibited for a
    number of which clause P2 lets nothing be kept, not even the question, unless orders have it:
    by a declared citizenship, or since before the list grew."""
    _refuse_others("buyers.answer", by)
    held = keys.provided(by)
    verdict = _prohibition_of(buyer)
    if verdict and not Order.objects.of(buyer, held).exists():
        raise Prohibited(verdict)
    run = Inquiry(
        company_id=by.company_id, author_id=by.user_id, expires_at=timezone.now() + LASTING
    )
    with transaction.atomic():
        run.buyer = sealed(buyer, run, held)
        run.save(force_insert=True)
        audit.record(by=by, action="buyer.looked_up", of=run)
        hand_over(run, LOOKING, by=by)
    return run


def erase(run: Inquiry, *, by: Entry, kept: Collection[uuid.UUID] = (), ground: str = "") -> bool:
    """Have the buyer erased, everywhere but in the orders `kept`, on a ground of `erasure.GROUNDS`;
    or go on where that stands still. False where it is being done, or is done. Raises
    PermissionDenied and NotToKeep."""
    _refuse_others("orders.erase", by)
    with transaction.atomic():
        run.refresh_from_db(from_queryset=Inquiry.objects.select_for_update())
        if run.erased_at or (run.erasing_at and waits(job_of(run))):
            return False
        if run.erasing_at is None:
            run.kept, run.ground = _left_out(run, kept, ground, by=by), ground
            run.erasing_at = timezone.now()
            run.save(update_fields=["kept", "ground", "erasing_at"])
        hand_over(run, ERASING, by=by)
    return True


def _left_out(run: Inquiry, kept: Collection[uuid.UUID], ground: str, *, by: Entry) -> list[str]:
    """The ids of the orders to keep, each told in its order's history."""
    if not kept:
        return []
    held = keys.provided(by)
    orders = Order.objects.of(opened(run, held), held).unstopped().filter(id__in=kept)
    for order in orders:
        audit.record(by=by, action="order.kept", of=order, ground=ground)
    if len(orders) < len(kept):
        raise NotToKeep
    return [str(order.id) for order in orders]


def _prohibition_of(buyer: Buyer) -> Verdict | None:
    listed = Jurisdiction.objects.prohibited()
    verdicts = (judge(phone=phone, prohibited=listed) for phone in buyer.phones)
    return next((verdict for verdict in verdicts if verdict.prohibited), None)


def _refuse_others(permission: str, by: Entry) -> None:
    if not by.may(permission):
        raise PermissionDenied("Owners and admins answer buyers.")


def hand_over(run: Inquiry, task: str, *, by: Entry) -> None:
    """Queue the job, in the transaction that is under way."""
    secret = gate.open_job_pass(by, reach=REACH, lasting=LASTING)
    jobpasses.queue(task, secret, queue=QUEUE, name=job_name(run.id), inquiry_id=str(run.id))


def job_of(run: Inquiry) -> JobState | None:
    """Of its last job, whatever became of it."""
    return gate.job_state(job_name(run.id))


def waits(job: JobState | None) -> bool:
    return job is not None and job.status in ("todo", "doing")


def job_name(inquiry_id: uuid.UUID) -> str:
    return f"inquiry {inquiry_id}"


def sealed(buyer: Buyer, run: Inquiry, held: Keys) -> bytes:
    return held.seal(buyer.to_bytes(), row_id=run.id, purpose=SEALED)


def opened(run: Inquiry, held: Keys) -> Buyer:
    """Whom it is about; nobody, once they are erased."""
    if run.buyer is None:
        return Buyer()
    return Buyer.from_bytes(held.open(bytes(run.buyer), row_id=run.id, purpose=SEALED))


def sweep() -> int:
    """Delete the inquiries whose day is over; how many there were."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.sweep_inquiries()")
        return int(cursor.fetchone()[0])


# In the worker


def look(inquiry_id: uuid.UUID, secret: str) -> None:
    """Note which sealed rows name the buyer, from the beginning. Raises PassEnded."""
    with working_for(secret, inquiry_id) as (by, _held, run):
        run.read, run.found = 0, {}
        run.total = sum(source.rows(by.company_id).count() for source in mentions.SOURCES)
        run.save(update_fields=["read", "found", "total"])
    read_through(inquiry_id, secret, note)
    with working_for(secret, inquiry_id) as (_by, _held, run):
        run.read_at = timezone.now()
        run.save(update_fields=["read_at"])
        gate.end_pass(secret)


def forget(inquiry_id: uuid.UUID, secret: str) -> None:
    """Erase the buyer everywhere. What waits to become orders goes first, so that none comes
    after; what stands on others' orders last, since most comments go with the buyer's own. Raises
    PassEnded."""
    ended = False
    while not ended:
        with working_for(secret, inquiry_id) as (by, _held, _run):
            files = files_of(by)
        read_through(inquiry_id, secret, forget_mentions, mentions.OF_FILES)
        while erase_some_orders(inquiry_id, secret):
            pass
        read_through(inquiry_id, secret, forget_mentions, mentions.ON_ORDERS, at_once=AT_ONCE)
        ended = finish(inquiry_id, secret, files)


Deal = Callable[[Entry, Keys, Inquiry, Source, list[Any], Buyer], None]


def read_through(
    inquiry_id: uuid.UUID,
    secret: str,
    deal: Deal,
    sources: Sequence[Source] = mentions.SOURCES,
    at_once: int | None = None,
) -> None:
    """Give `deal` the rows of each step that name the buyer, within the step's transaction:
    `at_once` of them at most, where each takes its time."""
    for source in sources:
        after: uuid.UUID | None = None
        while True:
            with working_for(secret, inquiry_id) as (by, held, run):
                page = source.page(by.company_id, after)
                buyer = opened(run, held)
                naming = source.naming(buyer, page, held)
                some = naming[:at_once]
                run.read += len(page)
                deal(by, held, run, source, some, buyer)
            if len(some) == len(naming) and len(page) < source.many:
                break
            after = (page if len(some) == len(naming) else some)[-1].id


def note(
    by: Entry, held: Keys, run: Inquiry, source: Source, naming: list[Any], buyer: Buyer
) -> None:
    run.found[source.name] = run.found.get(source.name, []) + [str(row.id) for row in naming]
    run.save(update_fields=["read", "found"])


def forget_mentions(
    by: Entry, held: Keys, run: Inquiry, source: Source, naming: list[Any], buyer: Buyer
) -> None:
    """What is said on an order that stays, stays with it."""
    goes = [row for row in naming if str(source.order_of(row)) not in run.kept]
    if goes:
        count(run, **{source.name: source.forget(by, held, goes, buyer)})


def erase_some_orders(inquiry_id: uuid.UUID, secret: str) -> bool:
    """False where none is left."""
    with working_for(secret, inquiry_id) as (by, held, run):
        buyer, orders = opened(run, held), list(to_erase(run, held)[:AT_ONCE])
        ids = [order.id for order in orders]
        comments = Comment.objects.filter(company_id=by.company_id, order_id__in=ids).count()
        for order in orders:
            order.erase(by=by, because="request", known_by=buyer)
        count(run, orders=len(orders), comments=comments)
    return bool(orders)


def to_erase(run: Inquiry, held: Keys) -> OrderQuerySet:
    return Order.objects.of(opened(run, held), held).exclude(id__in=run.kept)


def files_of(by: Entry) -> int:
    """How many the company has ever imported."""
    return Import.objects.filter(company_id=by.company_id).count()


def finish(inquiry_id: uuid.UUID, secret: str, files: int) -> bool:
    """False where an order of theirs has come meanwhile, or a file beyond those that were read.
    With the entry in the audit go the archives that the company's owners have not loaded yet: they
    hold the buyer, too (0024)."""
    with working_for(secret, inquiry_id) as (by, held, run):
        if to_erase(run, held).exists() or files_of(by) != files:
            return False
        forget_questions(opened(run, held), run, held)
        run.buyer, run.found, run.erased_at = None, {}, timezone.now()
        run.save(update_fields=["buyer", "found", "erased_at"])
        left: dict[str, Any] = {"kept": len(run.kept), "ground": run.ground} if run.kept else {}
        audit.record(by=by, action="buyer.erased", of=run, **run.erased, **left)
        gate.end_pass(secret)
    return True


def forget_questions(buyer: Buyer, run: Inquiry, held: Keys) -> None:
    """What else was asked about them in this company."""
    others = Inquiry.objects.filter(company_id=run.company_id).exclude(id=run.id)
    same = [other.id for other in others if opened(other, held).shares_with(buyer)]
    Inquiry.objects.filter(company_id=run.company_id, id__in=same).delete()


def count(run: Inquiry, **gone: int) -> None:
    for name, more in gone.items():
        run.erased[name] = run.erased.get(name, 0) + more
    run.save(update_fields=["erased"])


@contextmanager
def working_for(secret: str, inquiry_id: uuid.UUID) -> Iterator[tuple[Entry, Keys, Inquiry]]:
    """One step: nobody else takes one of this inquiry, or imports into this company, meanwhile."""
    with jobpasses.working(secret, "buyers.answer") as by:
        imports.take_turns(by)
        found = Inquiry.objects.select_for_update().filter(
            company_id=by.company_id, id=inquiry_id, erased_at=None
        )
        run = found.first()
        if run is None:
            raise PassEnded
        yield by, keys.provided(by), run
