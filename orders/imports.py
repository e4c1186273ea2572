"""An import: a file's orders, kept sealed until a worker has made each of them an order, once.

`begin` stores everything within the request that brought the file: what was refused, and chunks of
what was not. From then on a chunk is either there or its orders are: one transaction makes them,
counts them and deletes it. So a worker may be killed at any moment, and two may work at once.

The worker carries a pass of whoever started the import, for the few permissions that it takes.
Where that pass no longer opens anything the import stands still, and somebody who may import lets
it go on under a pass of their own. Partners that are new are made by `begin`, so that the worker's
pass need not reach them.

An order is "already there" where the company has one of its external number and telephone (every
shop begins to count at 1001, so the number alone says little); one without a number, where the same
telephone ordered for the same total at the same moment. So a file that is uploaded twice is refused
line by line, each with the number of the order that is there.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit, gate, jobpasses
from accounts.gate import Entry, JobState
from accounts.jobpasses import PassEnded
from accounts.models import Partner
from orders import keys, statuses
from orders.chunks import pack, unpack, with_partner
from orders.intake import NotAdmitted, OrderDraft, Prohibited
from orders.keys import Keys
from orders.models import Import, ImportChunk, ImportRefusal, Order, Source
from orders.models.moves import CALLED_AGAIN
from orders.persons import phone_hash
from orders.screening import Accepted, FileRow, Outcome, Reason, Refused, prohibited, uncovered
from policy import refusals
from policy.jurisdictions import Verdict
from policy.refusals import Way

CHUNK: Final = 200  # orders: a transaction of about half a second
LASTING: Final = timedelta(days=1)
REACH: Final = [
    "company.enter", "orders.import", "orders.read", "orders.create", "orders.write",
    "persons.open", "persons.write",
]  # fmt: skip
TASK: Final = "orders.import"
QUEUE: Final = "imports"
UNACCEPTED: Final = "imports waiting for an acceptance"

SEALED_CHUNK: Final = "import.chunk"
SEALED_REFUSAL: Final = "import.refusal"


class NotAccepted(Exception):
    """A policy in force waits for the acceptance of the pass's holder."""


# In the request


def begin(
    *, by: Entry, file_name: str, outcomes: Iterable[Outcome], preview: uuid.UUID | None = None
) -> Import:
    """Store what was read of a file, and have a worker make it orders: once for each `preview`. Of
    two clicks at the same moment the second waits for the first, and is given its import."""
    try:
        with transaction.atomic():
            return begin_anew(by=by, file_name=file_name, outcomes=outcomes, preview=preview)
    except IntegrityError:
        first = Import.objects.filter(company_id=by.company_id, preview=preview).first()
        if preview is None or first is None:
            raise
        return first


def begin_anew(
    *, by: Entry, file_name: str, outcomes: Iterable[Outcome], preview: uuid.UUID | None
) -> Import:
    outcomes = list(outcomes)
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    run = Import(
        company_id=by.company_id,
        author_id=by.user_id,
        file_name=file_name,
        rows=sum(len(outcome.rows) for outcome in outcomes),
        drafts=len(outcomes),
        refused=len(refused),
        prohibited=sum(outcome.prohibited for outcome in refused),
        preview=preview,
    )
    run.save(force_insert=True)
    held = keys.provided(by)
    refusals.count(verdicts_of(refused), way=Way.IMPORT)
    keep_refusals(run, refused, held)
    keep_chunks(run, accepted, held, by=by)
    tell_of(run, [each.order for each in accepted], by=by)
    if accepted:
        hand_over(run, by=by)
    else:
        finish(run, by=by)
    return run


def bring(drafts: Sequence[OrderDraft], *, by: Entry, file_name: str) -> list[Order]:
    """Add orders of any age and state at once, as an import of them all. Only an import tells of
    the past."""
    run = Import(
        company_id=by.company_id,
        author_id=by.user_id,
        file_name=file_name,
        rows=len(drafts),
        drafts=len(drafts),
        created=len(drafts),
    )
    brought = [replace(each, source=Source.IMPORT, import_id=run.id) for each in drafts]
    with transaction.atomic():
        run.save(force_insert=True)
        tell_of(run, drafts, by=by)
        orders = Order.objects.add_many(by=by, drafts=brought)
        finish(run, by=by)
    return orders


def tell_of(run: Import, drafts: Iterable[OrderDraft], *, by: Entry) -> None:
    """The entry for all of its orders, without which the database takes none of them."""
    brought = Counter(draft.status for draft in drafts)
    audit.record(by=by, action="import.started", of=run, orders=run.drafts, statuses=brought)


def go_on(run: Import, *, by: Entry) -> bool:
    """Let an import that stands still go on under a pass of `by`; False where it is not so."""
    with transaction.atomic():
        take_turns(by)
        job = job_of(run)
        if finished(run) or (job and job.status == "doing"):
            return False
        audit.record(by=by, action="import.resumed", of=run)
        run.touched_at = timezone.now()
        run.save(update_fields=["touched_at"])
        hand_over(run, by=by)
    return True


def hand_over(run: Import, *, by: Entry) -> None:
    """Queue the job, in the transaction that is under way."""
    secret = gate.open_job_pass(by, reach=REACH, lasting=LASTING)
    jobpasses.queue(TASK, secret, queue=QUEUE, name=job_name(run.id), import_id=str(run.id))


def job_of(run: Import) -> JobState | None:
    """Of the last job of the import, whatever became of it."""
    return gate.job_state(job_name(run.id))


def job_name(import_id: uuid.UUID) -> str:
    """Its jobs' lock, so that they run one after another, and what their passes are bound to."""
    return f"import {import_id}"


def finished(run: Import) -> bool:
    run.refresh_from_db(fields=["finished_at"])
    return run.finished_at is not None


def keep_chunks(run: Import, accepted: Sequence[Accepted], held: Keys, *, by: Entry) -> None:
    partners = partners_named((each.partner for each in accepted), by=by)
    chunks = []
    for position, start in enumerate(range(0, len(accepted), CHUNK)):
        part = [with_partner(each, partners) for each in accepted[start : start + CHUNK]]
        chunk = ImportChunk(
            company_id=run.company_id, import_id=run.id, position=position, drafts=len(part)
        )
        chunk.body = held.seal(pack(part), row_id=chunk.id, purpose=SEALED_CHUNK)
        chunks.append(chunk)
    ImportChunk.objects.bulk_create(chunks)


def partners_named(names: Iterable[str], *, by: Entry) -> dict[str, uuid.UUID]:
    """The ids of these partners, made where they are new."""
    wanted = sorted({name for name in names if name})
    Partner.objects.bulk_create(
        [Partner(company_id=by.company_id, name=name) for name in wanted], ignore_conflicts=True
    )
    found = Partner.objects.filter(company_id=by.company_id, name__in=wanted)
    return dict(found.values_list("name", "id"))


def keep_refusals(run: Import, refused: Iterable[Refused], held: Keys) -> None:
    """One for each line; for a prohibited person's none, since not even a line is kept of them."""
    kept = (each for each in refused if not each.prohibited)
    rows = [refusal_of(run, row, each.reasons, held) for each in kept for row in each.rows]
    ImportRefusal.objects.bulk_create(rows, batch_size=2_000)


def verdicts_of(refused: Iterable[Refused]) -> list[Verdict]:
    """The rule's on each prohibited person among these."""
    return [each.verdict for each in refused if each.verdict]


def keep_what_was_left_out(run: Import, incomplete: Iterable[Accepted], held: Keys) -> None:
    """One for each line, with those of its values that the order does without."""
    rows = [
        refusal_of(run, row, each.left_out, held, values_only=True)
        for each in incomplete
        for row in each.lost
    ]
    ImportRefusal.objects.bulk_create(rows, batch_size=2_000)


def refusal_of(
    run: Import, row: FileRow, reasons: list[Reason], held: Keys, *, values_only: bool = False
) -> ImportRefusal:
    refusal = ImportRefusal(
        company_id=run.company_id,
        import_id=run.id,
        line=row.line,
        reasons=reasons,
        values_only=values_only,
    )
    if row.values:
        body = json.dumps(row.values, ensure_ascii=False).encode()
        refusal.body = held.seal(body, row_id=refusal.id, purpose=SEALED_REFUSAL)
    return refusal


def refusals_of(
    run: Import, *, by: Entry, values_only: bool
) -> Iterator[tuple[int, list[Reason], dict[str, str]]]:
    """The refused lines, or those of which values alone were: number, reasons, and what the line's
    mapped columns, or these values, said."""
    held = keys.provided(by)
    kept = ImportRefusal.objects.filter(company_id=run.company_id, import_id=run.id)
    for refusal in kept.filter(values_only=values_only).order_by("line"):
        values: dict[str, str] = {}
        if refusal.body is not None:
            body = held.open(bytes(refusal.body), row_id=refusal.id, purpose=SEALED_REFUSAL)
            values = json.loads(body)
        yield refusal.line, [tuple(reason) for reason in refusal.reasons], values


# In the worker


def work_through(import_id: uuid.UUID, secret: str) -> None:
    """Make orders of all chunks that are left. Raises PassEnded, NotAccepted."""
    while work_off_a_chunk(import_id, secret):
        pass


def work_off_a_chunk(import_id: uuid.UUID, secret: str) -> bool:
    """Make orders of the next chunk, or end the import; False where nothing is left to do."""
    with working_for(secret) as by:
        take_turns(by)
        plan_anew()
        run = Import.objects.get(company_id=by.company_id, id=import_id)
        if run.finished_at:
            return False
        chunks = ImportChunk.objects.filter(company_id=by.company_id, import_id=import_id)
        chunk = chunks.order_by("position").first()
        if chunk is None:
            finish(run, by=by)
            gate.end_pass(secret)
            return False
        make_orders(run, chunk, by=by)
        chunks.filter(id=chunk.id).delete()
        return True


@contextmanager
def working_for(secret: str) -> Iterator[Entry]:
    with gate.carrying(secret) as by:
        if by.missing:
            raise NotAccepted
        if not by.may("orders.import"):
            raise PassEnded
        yield by


def take_turns(by: Entry) -> None:
    """Until the transaction ends nobody else works on an import of this company: two files that
    hold the same order make one of it, and two workers on one file different chunks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"imports of company {by.company_id}"],
        )


def plan_anew() -> None:
    """Forget what was planned when the tables were smaller: references are checked by plans that a
    connection keeps, and one made for ten orders reads all of ten thousand, for each word."""
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")


def make_orders(run: Import, chunk: ImportChunk, *, by: Entry) -> None:
    held = keys.provided(by)
    chunked = unpack(held.open(bytes(chunk.body), row_id=chunk.id, purpose=SEALED_CHUNK))
    waiting = [replace(each, order=as_brought(each.order, run)) for each in chunked]
    fresh, refused = new_among(waiting, held, by=by)
    made, unstored = stored(fresh, by=by)
    refused += unstored
    incomplete = [each for each in made if each.left_out]
    refusals.count(verdicts_of(refused), way=Way.IMPORT)
    keep_refusals(run, refused, held)
    keep_what_was_left_out(run, incomplete, held)
    Import.objects.filter(company_id=run.company_id, id=run.id).update(
        created=F("created") + len(made),
        incomplete=F("incomplete") + len(incomplete),
        refused=F("refused") + len(refused),
        prohibited=F("prohibited") + sum(each.prohibited for each in refused),
        touched_at=timezone.now(),
    )


def as_brought(order: OrderDraft, run: Import) -> OrderDraft:
    """The order with what its status asks for and no file says: a reason that owns up to it, and a
    call that is due at once."""
    return replace(
        order,
        source=Source.IMPORT,
        import_id=run.id,
        reason=next(iter(statuses.BROUGHT)) if order.status in statuses.REASONS else "",
        recall_at=run.started_at if order.status in CALLED_AGAIN else None,
    )


def stored(waiting: list[Accepted], *, by: Entry) -> tuple[list[Accepted], list[Refused]]:
    """Make these orders: those that were made, and the others, which do not hold them up."""
    if not waiting:
        return [], []
    try:
        with transaction.atomic():
            Order.objects.add_many(by=by, drafts=[each.order for each in waiting])
    except (NotAdmitted, DataError, IntegrityError) as error:
        if len(waiting) > 1:
            return stored_one_by_one(waiting, by=by)
        rows = waiting[0].rows
        if isinstance(error, Prohibited):  # the operator's list has grown meanwhile
            return [], [prohibited((row.line for row in rows), error.verdict)]
        if isinstance(error, NotAdmitted) and error.verdict.outcome == "uncovered":
            return [], [Refused(rows, [uncovered(error.verdict, rows[0].line)])]
        return [], [Refused(rows, [("row", "not_storable", 0, "")])]
    return waiting, []


def stored_one_by_one(
    waiting: Iterable[Accepted], *, by: Entry
) -> tuple[list[Accepted], list[Refused]]:
    made: list[Accepted] = []
    refused: list[Refused] = []
    for each in waiting:
        its_made, its_refused = stored([each], by=by)
        made += its_made
        refused += its_refused
    return made, refused


def new_among(
    waiting: Iterable[Accepted], held: Keys, *, by: Entry
) -> tuple[list[Accepted], list[Refused]]:
    """Those that the company does not have yet, and the others, refused."""
    waiting = list(waiting)
    known = already_there([each.order for each in waiting], held, by=by)
    fresh: list[Accepted] = []
    refused: list[Refused] = []
    for each in waiting:
        identity = identity_of(each.order, held)
        if identity in known:
            reason = ("row", "already_there", 0, known[identity])
            refused.append(Refused(each.rows, [reason]))
        else:
            known[identity] = ""
            fresh.append(each)
    return fresh, refused


Identity = tuple[Any, ...]


def identity_of(order: OrderDraft, held: Keys) -> Identity:
    phone = phone_hash(order.person.phone, held.index_key)
    if order.external_id:
        return phone, order.external_id
    return phone, order.created_at, order.total


def already_there(orders: Iterable[OrderDraft], held: Keys, *, by: Entry) -> dict[Identity, str]:
    """The numbers, as "№ 12", of the orders that the company has of these. One statement."""
    identities = {identity_of(order, held) for order in orders}
    ours = Order.objects.filter(
        company_id=by.company_id, phone_hash__in={phone for phone, *_rest in identities}
    )
    known: dict[Identity, str] = {}
    for phone, external_id, created_at, total, number in ours.values_list(
        "phone_hash", "external_id", "created_at", "total", "number"
    ):
        rest = (external_id,) if external_id else (created_at, total)
        known[(bytes(phone or b""), *rest)] = f"№ {number}"
    return {identity: known[identity] for identity in identities & known.keys()}


def not_there(orders: Sequence[OrderDraft], *, by: Entry) -> list[OrderDraft]:
    """Those of these that the company does not have. One statement, or none."""
    if not orders:
        return []
    held = keys.provided(by)
    known = already_there(orders, held, by=by)
    return [order for order in orders if identity_of(order, held) not in known]


def finish(run: Import, *, by: Entry) -> None:
    run.finished_at = run.touched_at = timezone.now()
    run.save(update_fields=["finished_at", "touched_at"])
    audit.record(
        by=by,
        action="import.finished",
        of=run,
        created=run.created,
        refused=run.refused,
        prohibited=run.prohibited,
    )


def expire(run: Import, *, by: Entry) -> int:
    """End an import that stands still by erasing its orders that wait, all of them: how many. Those
    that are stored stay, and nothing goes on with it any more."""
    ImportChunk.objects.filter(company_id=by.company_id, import_id=run.id).delete()
    run.expired, run.finished_at = run.waiting, timezone.now()
    run.save(update_fields=["expired", "finished_at"])
    audit.record(by=by, action="import.expired", of=run, orders=run.expired)
    return run.expired
