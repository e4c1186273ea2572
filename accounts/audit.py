"""The audit: every deed, with its doer, in the transaction that does it.

An entry holds names, statuses and amounts, and nothing of a buyer's person: it outlives them.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import models
from django.utils import timezone

from accounts.models import AuditEntry, User

ACTIONS: Final[dict[str, Any]] = {}


def register(**labels: Any) -> None:
    """Name actions that may be recorded: ``register(**{"order.moved": _("moved the order")})``."""
    ACTIONS.update(labels)


def record(
    *,
    by: User,
    company_id: int,
    action: str,
    of: models.Model | None = None,
    **changes: Any,
) -> AuditEntry:
    """Add an entry. An action that nobody registered is a LookupError: the reader could not tell
    what it means."""
    if action not in ACTIONS:
        raise LookupError(f"{action} is not a registered audit action")
    return AuditEntry.objects.create(
        company_id=company_id,
        at=timezone.now(),
        actor=by,
        actor_name=str(by)[:120],
        action=action,
        object_type=of._meta.model_name if of else "",
        object_id=getattr(of, "id", None) if of else None,
        object_name=str(of)[:120] if of else "",
        changes=changes,
    )
