"""Keys with which partners' machines send leads: made, presented and counted (decision 19)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db import transaction

from accounts import audit, gate
from accounts.identifiers import uuid7
from accounts.models import ApiKey, Membership

BEGINNING: Final = "cov_"  # by which a secret that leaked is known for what it is


@dataclass(frozen=True)
class Sender:
    """Whose key a request presents. `by` is the member who answers for it, without any right of a
    member; `wait` is for how many seconds the key was used too often."""

    by: gate.Entry
    has_policy: bool
    wait: int


def make(
    *,
    by: gate.Entry,
    membership: Membership,
    name: str,
    payout: Decimal | None = None,
    until: datetime | None = None,
) -> str:
    """Make a key for a partner's member: its secret, which nobody can be told later. `payout` is
    what an approved lead earns, in the company's currency."""
    secret, key_id = BEGINNING + gate.new_secret(), uuid7()
    with transaction.atomic():
        gate.make_key(
            secret,
            key_id=key_id,
            name=name,
            membership_id=membership.id,
            payout=payout,
            until=until,
        )
        made = ApiKey(company_id=by.company_id, id=key_id, name=name)
        audit.record(by=by, action="key.made", of=made, for_whom=str(membership.user))
    return secret


def present(secret: str) -> Sender | None:
    """Whom the transaction under way asks for from here on; None for a key that opens nothing."""
    found = gate.enter_with_key(secret, a_minute=settings.API_REQUESTS_A_MINUTE)
    if found is None:
        return None
    by = gate.Entry(
        user_id=found["user_id"],
        company_id=found["company_id"],
        company_name=found["company_name"],
        company_slug=found["company_slug"],
        company_currency=found["company_currency"],
        membership_id=found["membership_id"],
        partner_id=found["partner_id"],
        missing=found["missing"],
    )
    return Sender(by, found["under_policy"], found["wait"])


def of_company(by: gate.Entry) -> Iterable[ApiKey]:
    """The keys of the company of `by`, the newest first, with their members and partners."""
    return (
        ApiKey.objects.filter(company_id=by.company_id)
        .select_related("membership__user", "membership__partner")
        .order_by("-id")
    )
