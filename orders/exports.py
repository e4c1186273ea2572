"""What somebody takes along: all that is his and, for an owner, all that is the company's.

Nothing need be accepted for that (clause R1). A worker builds the archive under a pass of its own
kind, which reads within read-only transactions and nothing else (accounts/migrations/0011), from
what `accounts.records` says is taken along. It is kept sealed, under a key of its own that the
operator's wraps, for its maker and for a day.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import slugify

from accounts import gate, jobpasses, verify_audit
from accounts.gate import Entry, JobState
from accounts.identifiers import uuid7
from accounts.jobpasses import PassEnded
from accounts.records import Record, every_record
from orders import archives, keys
from orders.keys import Keys
from orders.models import Export, ExportChunk
from orders.sealing import CompanyKey, MasterKey

LASTING: Final = timedelta(days=1)
PAGE: Final = 1_000  # rows in one transaction
TASK: Final = "orders.export"
QUEUE: Final = "exports"
SEALED: Final = "export.chunk"
FORMS: Final = (archives.write_json, archives.write_csv)
VERIFIER: Final = "company/verify_audit.py"
ABOUT: Final = """\
Each of these is there twice, as .json and as .csv. What the system keeps sealed is open in here,
but for the documents of authorities. Left out are the secrets of keys, webhooks and access links,
and hashes: of passwords, and those that find orders.

"""


# In the request


def begin(*, by: Entry, of_company: bool) -> Export:
    """Have a worker build an archive. Raises PermissionDenied, where of a company, for all but its
    owners."""
    if of_company and not by.may("company.export"):
        raise PermissionDenied("An owner alone takes the company's data along.")
    until = timezone.now() + LASTING
    run = Export(
        user_id=by.user_id,
        company_id=by.company_id if of_company else None,
        key=CompanyKey.generate().wrap(MasterKey.from_settings(), by.user_id),
        expires_at=until,
    )
    secret = gate.new_secret()
    with transaction.atomic():
        run.save(force_insert=True)
        gate.open_export(secret, of_company=of_company, entry_id=uuid7(), until=until)
        jobpasses.queue(TASK, secret, queue=QUEUE, name=job_name(run.id), export_id=str(run.id))
    return run


def job_of(run: Export) -> JobState | None:
    """Of the job that builds it, until it has."""
    return gate.job_state(job_name(run.id))


def job_name(export_id: uuid.UUID) -> str:
    return f"export {export_id}"


def read(run: Export) -> bytes:
    """The archive, opened. A ZIP."""
    held = keys_of(run)
    return b"".join(opened(chunk, held) for chunk in run.chunks.order_by("position"))


def loaded(run: Export, secret: str) -> Iterator[bytes]:
    """The same in pieces, each asked for with the pass of this secret when it is its turn: whoever
    loses the archive while it loads gets no further. Raises PassEnded then."""
    return _loaded(run, run.chunks.count(), secret)


def _loaded(run: Export, pieces: int, secret: str) -> Iterator[bytes]:
    held = keys_of(run)
    for position in range(pieces):
        with gate.carrying(secret):
            chunk = run.chunks.filter(position=position).first()
        if chunk is None:
            raise PassEnded
        yield opened(chunk, held)


def opened(chunk: ExportChunk, held: Keys) -> bytes:
    return held.open(bytes(chunk.body), row_id=chunk.id, purpose=SEALED)


def file_name(run: Export, by: Entry) -> str:
    of = by.company_slug if run.company_id == by.company_id and by.company_slug else ""
    return f"covenant-{slugify(of) or 'my-data'}-{run.started_at:%Y-%m-%d}.zip"


def sweep() -> int:
    """Delete the archives whose day is over; how many there were."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.sweep_exports()")
        return int(cursor.fetchone()[0])


# In the worker


def build(export_id: uuid.UUID, secret: str) -> None:
    """Write the archive, from its beginning: what a killed worker left is thrown away."""
    with gate.carrying(secret):
        run = begun_anew(export_id)
        held = keys_of(run)
    kept = Keeper(run, held, secret, total=len(FORMS) * rows_there_are(run, secret))
    with archives.archive(kept.keep) as opened:
        for part in parts(run):
            for write in FORMS:
                write(opened, part.name, kept.counted(rows(part, run, secret)))
        if run.company_id is not None:
            opened.write(verify_audit.__file__, VERIFIER)
        opened.writestr("README.txt", contents(run))
    kept.finish()


def begun_anew(export_id: uuid.UUID) -> Export:
    run = Export.objects.filter(id=export_id).first()
    if run is None:
        raise PassEnded
    run.chunks.all().delete()
    return run


def keys_of(run: Export) -> Keys:
    key = CompanyKey.unwrap(bytes(run.key), MasterKey.from_settings(), run.user_id)
    return Keys(run.user_id, {1: key})


@dataclass(frozen=True)
class Part:
    """The rows of one table that somebody takes along, and in which folder."""

    folder: str
    record: Record
    lookup: str
    whose: int

    @property
    def name(self) -> str:
        return f"{self.folder}/{self.record.file_name}"

    @property
    def rows(self) -> QuerySet[Any]:
        return self.record.model._default_manager.filter(**{self.lookup: self.whose})


def parts(run: Export) -> list[Part]:
    records = list(every_record())
    found = [Part("yours", r, r.of_user, run.user_id) for r in records if r.of_user]
    if run.company_id is not None:
        found += [Part("company", r, r.of_company, run.company_id) for r in records if r.of_company]
    return found


def contents(run: Export) -> str:
    """What is in which file. The registry tells how the database holds it: here it is opened."""
    lines = [f"{part.name}: {part.record.holds}" for part in parts(run)]
    if run.company_id is not None:
        lines.append(f"{VERIFIER}: checks the audit, offline: python3 {VERIFIER} THIS_ARCHIVE.zip")
    return ABOUT + "\n".join(lines) + "\n"


def rows_there_are(run: Export, secret: str) -> int:
    with reading(secret, run):
        return sum(part.rows.count() for part in parts(run))


def rows(part: Part, run: Export, secret: str) -> Iterator[archives.Row]:
    """All of them; so many in each transaction, so that a right that ends meanwhile ends this
    too."""
    after: Any = None
    while True:
        with reading(secret, run) as by:
            page = page_of(part, after)
            opened = opened_rows(part.record, page, by)
        yield from opened
        if len(page) < PAGE:
            return
        after = page[-1]["pk"]


@contextmanager
def reading(secret: str, run: Export) -> Iterator[Entry]:
    with gate.carrying(secret) as by:
        gate.read_only()
        if not by.user_id or (run.company_id and not by.may("company.export")):
            raise PassEnded
        yield by


def page_of(part: Part, after: Any) -> Sequence[archives.Row]:
    found = part.rows if after is None else part.rows.filter(pk__gt=after)
    wanted = [*part.record.columns, *part.record.adds.values()]
    return list(found.order_by("pk").values("pk", *wanted)[:PAGE])


def opened_rows(record: Record, page: Iterable[archives.Row], by: Entry) -> list[archives.Row]:
    held = keys.held(by) if record.opens else None
    told = []
    for row in page:
        for name, opening in record.opens.items():
            row[name] = opening(held, bytes(row[name]), row["id"]) if row[name] is not None else ""
        for name, lookup in record.adds.items():
            row[name] = row.pop(lookup)
        told.append({name: value for name, value in row.items() if name != "pk"})
    return told


class Keeper:
    """Stores the archive's pieces, each in a transaction of its own, and how far it is."""

    def __init__(self, run: Export, held: Keys, secret: str, *, total: int) -> None:
        self.run, self.held, self.secret = run, held, secret
        self.position = self.done = 0
        with gate.carrying(secret):
            self._say(done=0, total=total)

    def counted(self, taken: Iterable[archives.Row]) -> Iterator[archives.Row]:
        for row in taken:
            self.done += 1
            yield row

    def keep(self, piece: bytes) -> None:
        chunk = ExportChunk(export_id=self.run.id, position=self.position)
        chunk.body = self.held.seal(piece, row_id=chunk.id, purpose=SEALED)
        self.position += 1
        with gate.carrying(self.secret):
            chunk.save(force_insert=True)
            self._say(done=self.done)

    def finish(self) -> None:
        with gate.carrying(self.secret):
            self._say(done=self.done, finished_at=timezone.now())
        gate.end_pass(self.secret)

    def _say(self, **values: Any) -> None:
        if not Export.objects.filter(id=self.run.id).update(**values):
            raise PassEnded
