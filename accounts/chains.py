"""The chains of the companies' audits, read to be checked, one company's at a time.

As the database's owner: row rules bind him too, but for this (migration 0029). What is checked, and
how, says `verify_audit`, which an owner of a company runs by himself on what he has taken along.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Exists, F, OuterRef

from accounts import heads as signed_heads
from accounts import verify_audit
from accounts.founding import OWNER
from accounts.models import AuditChain, AuditEntry, AuditHead, Company
from accounts.verify_audit import Heads

# What stands in the export's file beside the chain's own columns, and where it comes from.
TAKEN_ALONG: Final = {
    **{name: f"entry__{name}" for name in verify_audit.SAID if name != "company_id"},
    "actor_name": "entry__actor_as__name",
    "actor_salt": "entry__actor_as__salt",
    "person_name": "entry__person_as__name",
    "person_salt": "entry__person_as__salt",
}
AT_ONCE: Final = 2_000  # rows
END: Final = "SELECT number, hash FROM gate.chain_end WHERE company_id = %s AND number > 0"


def problems(company: Company, heads: Heads) -> Iterator[str]:
    """What is wrong with the company's audit; `heads` are hashes known from elsewhere."""
    with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
        cursor.execute("SELECT set_config('gate.company', %s, true)", [str(company.pk)])
        cursor.execute(END, [company.pk])
        end = dict(cursor.fetchall())
        kept = list(AuditHead.objects.using(OWNER).filter(company=company).order_by("id"))
        known = end | signed_heads.known(kept) | heads
        yield from verify_audit.problems(entries(company), known)
        yield from signed_heads.problems(kept)
        yield from (f"entry {each}: put in past the chain" for each in unchained(company))


def entries(company: Company) -> Iterator[verify_audit.Entry]:
    """In the order of their numbers, in the form of the export's file."""
    chain = AuditChain.objects.using(OWNER).filter(company=company).order_by("number")
    taken = {name: F(lookup) for name, lookup in TAKEN_ALONG.items()}
    rows = chain.values("company_id", "number", "previous_hash", "hash", **taken)
    for row in rows.iterator(chunk_size=AT_ONCE):
        yield {name: _as_text(value) for name, value in row.items()}


def unchained(company: Company) -> list[UUID]:
    """The first entries, up to a hundred, that have no place in the chain."""
    links = AuditChain.objects.filter(company=OuterRef("company"), entry_id=OuterRef("id"))
    loose = AuditEntry.objects.using(OWNER).filter(~Exists(links), company=company)
    return list(loose.order_by("id").values_list("id", flat=True)[:100])


def _as_text(value: Any) -> Any:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
    return value
