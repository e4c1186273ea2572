"""Where each company's chain ended, day by day: signed by the operator, kept, and mailed.

The chain itself can be written anew by whoever owns the database. A head cannot: it is signed with
a key of MASTER_KEY's, which the database never has. And whoever takes the heads away, too, is found
by any letter that an owner has kept (`verify_audit`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import gate
from accounts.letters import letter
from accounts.models import AuditHead
from accounts.verify_audit import Heads, microseconds

TASK: Final = "accounts.tell_head"


def keep() -> int:
    """Sign where every chain ends that has grown, or was signed with a former key, and have its
    owners told; how many there were."""
    newest = next(iter(_keys()))
    with gate.vouching():
        due = gate.heads_due(newest)
        for ended in due:
            at, readers = timezone.now(), json.loads(ended.pop("readers"))
            company_id, company = ended.pop("company_id"), ended.pop("company")
            signed = signature(newest, company_id, **ended, at=at)
            gate.keep_head(company_id, **ended, at=at, key=newest, signature=signed)
            for reader in readers:
                gate.queue_job(TASK, company=company, **ended, **reader)
    return len(due)


def tell(*, email: str, language: str, company: str, number: int, hash: str) -> None:
    letter(
        email,
        language=language,
        subject=_("Where the audit of %(company)s ends: entry %(number)s"),
        template="accounts/head.txt",
        company=company,
        number=number,
        line=f"{number}:{hash}",
    ).send()


def signature(key: str, company_id: int, number: int, hash: str, at: datetime) -> str:
    """HMAC-SHA256 as hex; `key` names one at hand. Raises KeyError for another."""
    said = json.dumps([company_id, number, hash, microseconds(at.isoformat())])
    return hmac.new(_keys()[key], said.encode(), hashlib.sha256).hexdigest()


def known(heads: Iterable[AuditHead]) -> Heads:
    """Those that the operator signed with a key at hand: number -> hash."""
    return {head.number: head.hash for head in heads if head.key in _keys() and is_signed(head)}


def problems(heads: list[AuditHead]) -> Iterator[str]:
    """Heads whose signature is not the operator's; and that none of them can be checked."""
    for head in heads:
        if head.key in _keys() and not is_signed(head):
            yield f"head {head.number}: not signed by the operator"
    if heads and not any(head.key in _keys() for head in heads):
        yield "heads: none is signed with a key at hand"


def is_signed(head: AuditHead) -> bool:
    expected = signature(head.key, head.company_id, head.number, head.hash, head.at)
    return hmac.compare_digest(expected, head.signature)


@cache
def _keys() -> dict[str, bytes]:
    """The audit's keys, the newest first, each by the name that heads carry."""
    derived = [
        HKDF(hashes.SHA256(), 32, salt=None, info=b"covenant audit head").derive(master)
        for master in settings.MASTER_KEYS
    ]
    return {hashlib.sha256(key).hexdigest()[:8]: key for key in derived}
