"""The audit: every deed, with its doer, in the transaction that does it.

An entry holds names, statuses and amounts, and nothing of a buyer's person: it outlives them.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import Model

from accounts import models
from accounts.gate import Entry

ACTIONS: Final[dict[str, Any]] = {}


def register(**labels: Any) -> None:
    """Name actions that may be recorded: ``register(**{"order.moved": _("moved the order")})``."""
    ACTIONS.update(labels)


class Thing(NamedTuple):
    """What an entry is about, where its row is not at hand."""

    type: str = ""
    id: UUID | None = None
    name: str = ""

    @classmethod
    def of(cls, row: Model) -> Thing:
        return cls(row._meta.model_name or "", getattr(row, "id", None), str(row)[:120])


def record(
    *,
    by: Entry,
    action: str,
    of: Model | Thing | None = None,
    person_id: int | None = None,
    **changes: Any,
) -> models.AuditEntry:
    """Add an entry in the company that `by` works in. An action that nobody registered is a
    LookupError: the reader could not tell what it means. `person_id` is the user's to whom it was
    done; of memberships and invitations the database knows it. The time, the names and the place in
    the chain are the database's to write (migration 0029): `changes` holds no name of anybody's,
    and of numbers whole ones alone.
    """
    if action not in ACTIONS:
        raise LookupError(f"{action} is not a registered audit action")
    about = Thing.of(of) if isinstance(of, Model) else of or Thing()
    return models.AuditEntry.objects.create(
        company_id=by.company_id,
        actor_id=by.user_id,
        action=action,
        person_id=person_id,
        object_type=about.type,
        object_id=about.id,
        object_name=about.name,
        changes=changes,
    )
