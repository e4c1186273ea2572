"""Access links: the verbs of those who let support in, and of support (clause T4).

Each deed is one function of the gate, which makes its entry in the company's audit by itself; that
a link is made a trigger tells.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from accounts import gate, sqlstates
from accounts.access import Deed, Elsewhere, LastOpened, LetterDue
from accounts.gate import Entry, ask, ask_all, key_for
from accounts.models import Grant, User

LASTING: Final = timedelta(hours=1)
LONGEST: Final = timedelta(hours=24)  # as the database has it


class OneAtATime(Exception):
    """This person of support has another link in hand, in this session or another."""


def make(
    *,
    by: Entry,
    reason: str,
    orders: Collection[UUID] | None = None,
    fields: Collection[str] = (),
    moves: Collection[str] = (),
    lasting: timedelta = LASTING,
    staff: User | None = None,
) -> tuple[Grant, str]:
    """A grant, and the secret of its link, which is kept nowhere. `orders` lists those that it is
    for, None for all that its maker sees; `staff` is let in without being confirmed.

    Raises ProgrammingError without a fresh proof, or for who may let nobody in.
    """
    secret = gate.new_secret()
    with transaction.atomic():
        grant = Grant.objects.create(
            company_id=by.company_id,
            hash=hashlib.sha256(secret.encode()).digest(),
            made_by_id=by.user_id,
            for_staff=staff,
            orders=None if orders is None else list(orders),
            fields=list(fields),
            moves=list(moves),
            reason=reason,
            expires_at=timezone.now() + min(lasting, LONGEST),
        )
    return grant, secret


def ask_with_link(secret: str, *, another: str) -> UUID | None:
    """Ask to be let in, with an access link's secret: the grant, or None for one that does not open
    to this person, for whatever reason. The session goes on under the secret `another`. Raises
    OneAtATime, and leaves everything as it was."""
    asked = "SELECT gate.ask_with_link(%s, %s, %s)"
    try:
        with transaction.atomic(), connection.wrap_database_errors:
            return ask(asked, (key_for("issue"), secret, another))[0]
    except OperationalError as error:
        if sqlstates.sqlstate(error) == sqlstates.ONE_AT_A_TIME:
            raise OneAtATime from error
        raise


def confirm(grant_id: UUID, *, staff_id: int) -> bool:
    return ask("SELECT gate.confirm_grant(%s, %s, %s)", (key_for("issue"), grant_id, staff_id))[0]


def revoke(grant_id: UUID) -> bool:
    return ask("SELECT gate.revoke_grant(%s, %s)", (key_for("issue"), grant_id))[0]


def look(deed: str, *, order_id: UUID | None = None, **said: Any) -> None:
    """Tell in the company's audit what is about to be looked at under the grant in hand, which
    opens the transaction to it. Raises ProgrammingError where no grant is open any more."""
    with connection.wrap_database_errors:
        ask("SELECT gate.look(%s, %s, %s)", (deed, order_id, Jsonb(said)))


def end(*, another: str) -> bool:
    """End the grant that the pass works under, or asks for. The session goes on without it, under
    the secret `another`."""
    return ask("SELECT gate.end_access(%s, %s)", (key_for("issue"), another))[0]


def elsewhere() -> Elsewhere | None:
    """What the holder of the pass has in hand in another session."""
    found = ask("SELECT * FROM gate.grant_elsewhere()", ())
    return Elsewhere._make(found) if found else None


def end_elsewhere() -> bool:
    """End that. Its session is told so by its next page."""
    return ask("SELECT gate.end_access_elsewhere(%s)", (key_for("issue"),))[0]


def deeds_under(grant_id: UUID, *, before: datetime | None = None, most: int) -> list[Deed]:
    """The newest first, of those before a moment; none for who may not follow this grant."""
    found = ask_all("SELECT * FROM gate.deeds_under(%s, %s, %s)", (grant_id, before, most))
    return [Deed._make((*row[:5], json.loads(row[5]))) for row in found]


def last_opened() -> LastOpened | None:
    """When support last looked at something by one of the holder's links, by the audit's entries;
    None for never."""
    found = ask("SELECT * FROM gate.last_opened()", ())
    return LastOpened._make(found) if found else None


def letter_about_access(*, but: list[UUID]) -> LetterDue | None:
    """The next letter to write, of other grants but these; written it is, unless the transaction is
    undone."""
    found = ask("SELECT * FROM gate.letter_about_access(%s, %s)", (key_for("issue"), but))
    return LetterDue._make((*found[:6], json.loads(found[6]))) if found else None
