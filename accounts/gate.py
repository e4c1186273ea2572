"""The application's side of the gate: presenting a pass, and making passes.

What is allowed is decided in the database (migration 0002, design section 1). Secrets travel as
bound parameters, never inside a statement's text: roles that share a database user can read one
another's statements in ``pg_stat_activity``.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import timezone
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row, tuple_row
from psycopg.types.json import Jsonb

from accounts import permissions, sqlstates
from accounts.access import Access, Over
from accounts.identifiers import uuid7


@dataclass(frozen=True)
class Entry:
    """What the gate knows of whoever holds the presented pass; all empty without a living pass.

    What is `Any` is None only where no company, or nobody, is: behind the guard it never is.
    """

    user_id: Any = None
    user_name: Any = None
    user_email: Any = None
    user_language: str | None = None
    companies: int = 0  # how many the person is a member of
    company_id: Any = None
    company_name: Any = None
    company_slug: Any = None
    company_currency: Any = None
    company_time_zone: Any = None
    role: str | None = None
    membership_id: Any = None
    team_id: Any = None
    partner_id: Any = None
    data: str | None = None
    missing: list[dict[str, Any]] = field(default_factory=list)
    coming: list[dict[str, Any]] = field(default_factory=list)  # announced, and to be accepted then
    verified: bool = False  # ahead (decision 4)
    proven_at: datetime | None = None  # when the holder last proved himself, by whatever
    factor_at: datetime | None = None  # by a second factor
    access: Access | None = None  # by which support works, or asks to
    over: Over | None = None  # by which it did, until it was shut out

    @property
    def found(self) -> bool:
        """Whether there is such a pass; a session before sign-in has one without a user."""
        return self.data is not None

    @property
    def own_company_id(self) -> int | None:
        """The company that the pass itself works in."""
        return None if self.under else self.company_id

    @property
    def acting_role(self) -> str:
        """By which orders are moved: one's own, or that of the grant's maker."""
        return (self.under.role if self.under else self.role) or ""

    @property
    def under(self) -> Access | None:
        """The grant that opens the company to support; None for its own people, and for others."""
        return self.access if self.access and self.access.open else None

    def scope(self, permission: str) -> str | None:
        if self.under:
            return self.under.scopes.get(permission)
        return permissions.scope(self.role, permission) if self.role else None

    def may(self, permission: str) -> bool:
        """Whether the role holds the permission: for what a page offers. The row rules decide."""
        return self.scope(permission) is not None


@cache
def key_for(purpose: str) -> str:
    """The application's own key for `purpose`, one of PURPOSES: 256 bits as hex."""
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=f"covenant gate {purpose}".encode())
    return derived.derive(settings.SECRET_KEY.encode()).hex()


def ask(sql: str, parameters: tuple[Any, ...], row_factory: Any = tuple_row) -> Any:
    """One statement with its parameters bound by the server; its first row, or None."""
    return next(iter(ask_all(sql, parameters, row_factory)), None)


def ask_all(sql: str, parameters: tuple[Any, ...], row_factory: Any = tuple_row) -> list[Any]:
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection, row_factory=row_factory) as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def failed() -> bool:
    """Whether the transaction under way was refused something, and now takes no more statements."""
    return connection.connection.info.transaction_status == TransactionStatus.INERROR


PURPOSES = ("vouch", "issue", "work")
SETTINGS = ("gate.app", "gate.pass", "gate.key", "gate.company", "gate.under")


@contextmanager
def carrying(secret: str | None, *, verifying: bool = False) -> Iterator[Entry]:
    """One transaction in which everything is asked for with the pass `secret`; `verifying` where
    it changes nothing, so that the pass is verified ahead, after it, for those to come.

    Inside another transaction (as tests are) what that one presented comes back at the end.
    """
    nested = connection.in_atomic_block
    with transaction.atomic():
        before = nested and ask(
            "SELECT " + ", ".join("current_setting(%s, true)" for _ in SETTINGS), SETTINGS
        )
        entry = enter(secret)
        yield entry
        if failed():
            transaction.set_rollback(True)
        elif before:
            _present(dict(zip(SETTINGS, before, strict=True)))
    if secret and verifying and entry.company_id and not (entry.verified or entry.missing):
        verify(secret)


def enter(secret: str | None) -> Entry:
    """Present the pass to the transaction that is under way, and learn whose it is."""
    found = ask("SELECT * FROM gate.enter(%s, %s)", (key_for("vouch"), secret), dict_row)
    if found is None:
        return Entry()
    policies = {name: json.loads(found[name] or "[]") for name in ("missing", "coming")}
    told = json.loads(found["access"] or "null")
    entry = Entry(**{**found, **policies, "access": None})
    return _with_access(entry, told) if told else entry


def _with_access(entry: Entry, told: dict[str, Any]) -> Entry:
    """Of somebody of support, who works in no company but perhaps in one that let him in."""
    if told["over"]:
        return replace(entry, over=Over(told["company_name"], told["maker"], told["over"]))
    access = Access.told(told)
    names = ("id", "name", "slug", "currency", "time_zone") if access.open else ()
    return replace(entry, access=access, **{f"company_{n}": told[f"company_{n}"] for n in names})


def verify(secret: str) -> None:
    """Verify a session's pass ahead (decision 4), where nothing that it rests on is being changed.
    A revocation waits for the transaction that does this, which so does nothing else."""
    ask("SELECT gate.verify(%s, %s)", (key_for("issue"), secret))


def vouching() -> Any:
    """One transaction in which the application asks by itself, on nobody's behalf: no company."""
    return carrying(None)


def taken_back(error: BaseException) -> bool:
    """Whether the database refused to commit, because the right to it was taken back meanwhile."""
    return sqlstates.sqlstate(error) == sqlstates.TAKEN_BACK


async def vouch(connection: psycopg.AsyncConnection) -> None:
    """Present the worker's key, which opens the jobs and nothing else, for as long as the
    connection lives. Only for a worker's own connections to them: no request ever gets one."""
    await connection.execute("SELECT set_config('gate.app', %s, false)", (key_for("work"),))
    await connection.commit()


def _present(values: dict[str, str | None]) -> None:
    ask(
        "SELECT " + ", ".join("set_config(%s, %s, true)" for _ in values),
        tuple(part for name, value in values.items() for part in (name, value or "")),
    )


def new_secret() -> str:
    """256 random bits, in the alphabet of cookies and addresses (43 characters)."""
    return secrets.token_urlsafe(32)


def open_pass(
    secret: str,
    *,
    kind: str,
    user_id: int | None,
    company_id: int | None = None,
    reach: list[str] | None = None,
    data: str = "",
    until: datetime,
) -> None:
    """Make a pass of `kind` ("session", "job"). Without a company, a user's only one is chosen;
    `reach` narrows the holder's rights to these permissions."""
    ask(
        "SELECT gate.open_pass(%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            key_for("issue"), secret, kind, user_id, company_id,
            None if reach is None else Jsonb(reach), data, until,
        ),
    )  # fmt: skip


def open_job_pass(entry: Entry, *, reach: list[str], lasting: timedelta) -> str:
    """A pass for a background job on behalf of the holder of `entry`: its secret."""
    secret = new_secret()
    open_pass(
        secret,
        kind="job",
        user_id=entry.user_id,
        company_id=entry.company_id,
        reach=reach,
        until=timezone.now() + lasting,
    )
    return secret


def open_export(secret: str, *, of_company: bool, entry_id: UUID, until: datetime) -> None:
    """Make the pass of an export: of what is the holder's own and, for an owner, of the company's,
    with an entry of that id in its audit. It reads within read-only transactions alone."""
    ask(
        "SELECT gate.open_export(%s, %s, %s, %s, %s)",
        (key_for("issue"), secret, of_company, entry_id, until),
    )


def make_key(
    secret: str,
    *,
    key_id: UUID,
    name: str,
    membership_id: UUID,
    payout: Decimal | None,
    until: datetime | None,
) -> None:
    """Make the key of a partner's member, in the company of the pass."""
    with connection.wrap_database_errors:
        ask(
            "SELECT gate.make_key(%s, %s, %s, %s, %s, %s, %s)",
            (key_for("issue"), key_id, secret, name, membership_id, payout, until),
        )


def enter_with_key(secret: str, *, a_minute: int) -> dict[str, Any] | None:
    """Present a sender's key to the transaction under way, in place of any pass, and count it: what
    `gate.enter_with_key` tells of it; None for one that opens nothing."""
    found = ask(
        "SELECT * FROM gate.enter_with_key(%s, %s, %s)",
        (key_for("issue"), secret, a_minute),
        dict_row,
    )
    return found and {**found, "missing": json.loads(found["missing"] or "[]")}


def sealing_keys(first: bytes | None = None) -> list[tuple[int, bytes]]:
    """Of the company that the key presented sends to: (version, wrapped). `first` becomes the first
    where there is none."""
    return ask_all(
        "SELECT version, wrapped FROM gate.sealing_keys(%s, %s)", (key_for("issue"), first)
    )


class StoredLead(NamedTuple):
    id: UUID
    digest: bytes | None
    added: bool


def add_lead(lead: dict[str, Any], *sealed: Any) -> StoredLead:
    """Store a lead for the sender of the key presented, or find the one that is there already under
    its `external_id`. `sealed`: person, hash of the telephone, digest of the body, search words."""
    with connection.wrap_database_errors:
        found = ask(
            "SELECT id, digest, added FROM gate.add_lead(%s, %s, %s, %s, %s, %s)",
            (key_for("issue"), Jsonb(lead), *sealed),
        )
    return StoredLead(*found)


def count_refused_lead(sign: str, jurisdiction: str) -> None:
    """That clause P2 refused a lead, in the company that the key presented sends to."""
    ask("SELECT gate.count_refused_lead(%s, %s, %s)", (key_for("issue"), sign, jurisdiction))


def delete_account() -> None:
    """Delete the holder's own. Raises IntegrityError for a company's last owner."""
    with connection.wrap_database_errors:
        ask("SELECT gate.delete_account(%s)", (key_for("issue"),))


def close_company(secret: str, *, until: datetime) -> int:
    """Close the holder's company for good: its keys are destroyed and its doors shut. `secret`
    becomes the pass that empties it; returns the company's id."""
    return ask("SELECT gate.close_company(%s, %s, %s)", (key_for("issue"), secret, until))[0]


def clear_company(many: int) -> bool:
    """Delete so many rows of the company that the pass is closing; False once none is left."""
    return ask("SELECT gate.clear_company(%s)", (many,))[0]


class JobState(NamedTuple):
    """`status` is "todo", "doing", or how it ended."""

    status: str
    queue: str


def queue_job(task: str, *, queue: str = "default", name: str | None = None, **told: Any) -> None:
    """Have a worker carry out `task`, told these, if the transaction under way is committed. Jobs
    of one `name` run one after another; one that still waits gives way to the new one."""
    ask(
        "SELECT gate.queue_job(%s, %s, %s, %s, %s)",
        (key_for("issue"), task, queue, name, Jsonb(told)),
    )


def job_state(name: str) -> JobState | None:
    """Of the last job of that name that is not done and forgotten."""
    found = ask("SELECT status, queue FROM gate.job_state(%s, %s)", (key_for("issue"), name))
    return JobState(*found) if found else None


def job_counts() -> list[tuple[str, str, int]]:
    """How many jobs there are, by task and status."""
    return ask_all("SELECT task, status, number FROM gate.job_counts(%s)", (key_for("issue"),))


def retaining() -> list[tuple[int, int]]:
    """Of each company that erases by the clock its id, and that of whoever answers for it."""
    return ask_all("SELECT company_id, user_id FROM gate.retaining(%s)", (key_for("issue"),))


def telling() -> list[tuple[int, int]]:
    """Of each company with a webhook to be called now its id, and that of who answers for it."""
    return ask_all("SELECT company_id, user_id FROM gate.telling(%s)", (key_for("issue"),))


class CompanyToTell(NamedTuple):
    """`readers` are dicts of "email" and "language", which may be ""."""

    disclosure: UUID
    company: str
    readers: list[dict[str, str]]


def company_to_tell(*, after: UUID) -> CompanyToTell | None:
    """Of the next request of an authority of which its company may know and has not been told.
    Until the transaction ends it is nobody else's to tell."""
    found = ask(
        "SELECT disclosure, company, readers FROM gate.company_to_tell(%s, %s)",
        (key_for("issue"), after),
    )
    return CompanyToTell(found[0], found[1], json.loads(found[2])) if found else None


def note_told(disclosure_id: UUID) -> None:
    """That the company was written to of the request."""
    ask("SELECT gate.note_told(%s, %s)", (key_for("issue"), disclosure_id))


class Told(NamedTuple):
    """Who is written to next of an announced version: users' ids, none where nobody is left."""

    version: UUID
    people: list[int]


def announce(*, at_once: int) -> Told | None:
    """The next of those who are to be told ahead of a version, `at_once` at most, noted as told if
    the transaction is committed; None once no version is left to be told of."""
    found = ask("SELECT version, people FROM gate.announce(%s, %s)", (key_for("issue"), at_once))
    return Told(*found) if found else None


def heads_due(key: str) -> list[dict[str, Any]]:
    """Of every company whose last head is not where its chain ends, or not signed with `key`:
    "company_id", "company", "number", "hash", and "readers" as JSON."""
    return ask_all("SELECT * FROM gate.heads_due(%s, %s)", (key_for("issue"), key), dict_row)


def keep_head(
    company_id: int, number: int, hash: str, at: datetime, key: str, signature: str
) -> None:
    ask(
        "SELECT gate.keep_head(%s, %s, %s, %s, %s, %s, %s, %s)",
        (key_for("issue"), company_id, uuid7(), number, hash, at, key, signature),
    )


def read_only() -> None:
    """The transaction under way writes nothing from here on."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")


def add_person(*, email: str, name: str, language: str, password: str) -> int:
    """Register a person with the hash `password`; the id. Raises IntegrityError for an e-mail that
    somebody has."""
    with connection.wrap_database_errors:
        return ask(
            "SELECT gate.add_person(%s, %s, %s, %s, %s)",
            (key_for("issue"), email, name, language, password),
        )[0]


def set_password(user_id: int, password: str, *, is_another: bool) -> None:
    """Store the hash `password`; every pass of that person ends with it. Told in the audits of
    their companies where it `is_another`, and not the old password hashed anew."""
    ask(
        "SELECT gate.set_password(%s, %s, %s, %s)",
        (key_for("issue"), user_id, password, is_another),
    )


def tell_of_refusal(user_id: int | None, proof: str) -> None:
    """Tell in the audits of that person's companies that somebody gave a wrong proof for theirs, a
    "password" or a "factor". None is nobody's, and is told nowhere, in the same time."""
    ask("SELECT gate.tell_of_refusal(%s, %s, %s)", (key_for("issue"), user_id, proof))


def password_stands(user_id: int, password: str) -> bool:
    """Whether that hash is still an active person's; a change of it waits until the commit."""
    return ask("SELECT gate.password_stands(%s, %s, %s)", (key_for("issue"), user_id, password))[0]


def prove_pass(secret: str, *, user_id: int, proof: str) -> None:
    """Note that the session's holder has just proven himself, by "password" or by that kind of
    second factor. Nothing for a session that is not this person's."""
    ask("SELECT gate.prove_pass(%s, %s, %s, %s)", (key_for("issue"), secret, user_id, proof))


def open_factors(user_id: int) -> bool:
    """Open this person's second factors to the rest of the transaction, and nobody else's; whether
    there is any (recovery codes are none)."""
    return ask("SELECT gate.open_factors(%s, %s)", (key_for("issue"), user_id))[0]


def keep_pass(secret: str, *, data: str, until: datetime) -> bool:
    """Keep a session and its data, for a fortnight at most; False where it has ended meanwhile."""
    return ask("SELECT gate.keep_pass(%s, %s, %s, %s)", (key_for("issue"), secret, data, until))[0]


def renew_pass(another: str) -> None:
    """Let the session presented go on under the secret `another`."""
    ask("SELECT gate.renew_pass(%s, %s)", (key_for("issue"), another))


def end_pass(secret: str) -> None:
    """End it; of a session this is signing out, and told in the company's audit."""
    with transaction.atomic(savepoint=False):
        ask("SELECT gate.end_pass(%s, %s)", (key_for("issue"), secret))


def sweep_passes() -> int:
    """Delete the passes that have expired; how many there were."""
    with transaction.atomic(savepoint=False):
        return ask("SELECT gate.sweep_passes()", ())[0]


def choose_company(company_id: int) -> bool:
    """Work in this company from now on; False where the pass's holder is no member of it."""
    return ask("SELECT gate.choose_company(%s, %s)", (key_for("issue"), company_id))[0]


def leave_company() -> bool:
    """End the holder's own membership in the company of the pass, and with it the pass. Raises
    IntegrityError for a last owner."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.leave_company()")
        return cursor.fetchone()[0]


def install(using: str, **_: Any) -> None:
    """After a migration, as the owner: the table of permissions and the hashes of our keys."""
    held = [
        (permission, role, scope)
        for permission, scopes in permissions.PERMISSIONS.items()
        for role, scope in scopes.items()
    ]
    keys = [(purpose, hashlib.sha256(key_for(purpose).encode()).digest()) for purpose in PURPOSES]
    with transaction.atomic(using), connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass('gate.permission') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return
        cursor.execute("SELECT gate.doubt(NULL, NULL)")
        cursor.execute("DELETE FROM gate.permission")
        cursor.executemany("INSERT INTO gate.permission VALUES (%s, %s, %s)", held)
        cursor.execute("DELETE FROM gate.application")
        cursor.executemany("INSERT INTO gate.application VALUES (%s, %s)", keys)
