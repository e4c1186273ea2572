"""Access links: the verbs of those who let support in, and of support (clause T4).

Each deed is one function of the gate, which makes its entry in the company's audit by itself; that
a link is made a trigger tells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import gate
from accounts.gate import Entry
from accounts.models import Grant, User

LASTING: Final = timedelta(hours=1)
LONGEST: Final = timedelta(hours=24)  # as the database has it


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
