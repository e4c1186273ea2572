"""Clause P1: which countries a company's policy in force declares, and what it leaves out.

A strict company refuses what is left out; the database does so by itself (migration 0007), whatever
stands here. Any other company sees it at once on its page of coverage.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import Count

from accounts import audit
from accounts.gate import Entry
from accounts.models import Membership
from policy.jurisdictions import Verdict
from policy.models import PolicyVersion


@dataclass(frozen=True)
class Coverage:
    """`declared` are alpha-2 codes, none where no policy is in force."""

    declared: frozenset[str] = frozenset()
    strict: bool = False

    def refusal(self, *, citizenship: str, country: str = "") -> Verdict | None:
        """The verdict that refuses a person of these countries; None where they are covered, or
        the company is not strict."""
        if self.strict:
            if citizenship and citizenship not in self.declared:
                return Verdict("uncovered", "citizenship", citizenship)
            if country and country not in self.declared:
                return Verdict("uncovered", "country", country)
        return None


NOTHING_ASKED: Final = Coverage()


def of(by: Entry) -> Coverage:
    """That of the company that `by` works in: one statement."""
    found = (
        PolicyVersion.objects.filter(kind="company", company=by.company_id)
        .in_force()
        .values_list("countries", "company__strict")
        .first()
    )
    return Coverage(frozenset(found[0]), found[1]) if found else NOTHING_ASKED


def members_by_country(by: Entry) -> Counter[str]:
    """Country -> how many members of the company declared to be its citizens; "" for those who
    declared nothing. Open to whoever may read the company's people."""
    members = Membership.objects.living().filter(company_id=by.company_id)
    return Counter(dict(members.values_list("citizenship").annotate(Count("id")).order_by()))


def declare_citizenship(code: str, *, by: Entry) -> None:
    """Say of which country one is a citizen, or with "" that one does not say. The record holds
    that it was said, and not what. The database refuses what the company does (CVP01, CVP02)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.declare_citizenship(%s)", [code])
    audit.record(by=by, action="person.citizenship")
