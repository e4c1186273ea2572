"""What clause P2 refused: a number per company, day and rule, and nothing else of anybody.

A refusal is counted where its answer is made, never where it is raised: an exception takes back
what its savepoint wrote. The count is written by the gate alone, upwards and for the company of the
pass, so that SQL smuggled into a request can hide no refusal.

Rejected: a row for each refusal. Its key or its moment would tell one person's from another's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import connection, models
from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from accounts.models import Company
from policy.jurisdictions import Verdict


class Way(models.TextChoices):
    """How the refused came."""

    FORM = "form", _("form")
    EDIT = "edit", _("edit of an order")
    IMPORT = "import", _("import")
    API = "api", _("API")


class Sign(models.TextChoices):
    """What pointed to the prohibited country."""

    CITIZENSHIP = "citizenship", _("citizenship")
    COUNTRY = "country", _("country")
    PHONE = "phone", _("telephone")


class RefusalQuerySet(models.QuerySet["Refusal"]):
    def summed(self) -> dict[tuple[str, str], int]:
        """(jurisdiction, sign) -> how many."""
        sums = self.values_list("jurisdiction", "sign").annotate(Sum("count")).order_by()
        return {(jurisdiction, sign): count for jurisdiction, sign, count in sums}


class Refusal(models.Model):
    """How often a rule refused somebody in a company on a day (UTC)."""

    pk = models.CompositePrimaryKey("company_id", "day", "way", "sign", "jurisdiction")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField(_("day"))
    way = models.CharField(_("came by"), max_length=8, choices=Way)
    sign = models.CharField(_("sign"), max_length=12, choices=Sign)
    jurisdiction = models.CharField(_("country"), max_length=2)
    count = models.PositiveBigIntegerField(_("refused"))

    objects = RefusalQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(way__in=Way.values), name="policy_refusal_way"),
            models.CheckConstraint(condition=Q(sign__in=Sign.values), name="policy_refusal_sign"),
            models.CheckConstraint(
                condition=Q(jurisdiction__regex="^[A-Z]{2}$"), name="policy_refusal_jurisdiction"
            ),
        ]


def count(verdicts: Iterable[Verdict], *, way: Way) -> None:
    """Add the prohibited among these to the count of the company that the pass works in."""
    rules = Counter((v.sign, v.jurisdiction) for v in verdicts if v.prohibited)
    with connection.cursor() as cursor:
        for (sign, jurisdiction), number in sorted(rules.items()):
            cursor.execute(
                "SELECT gate.count_refusals(%s, %s, %s, %s)", [way, sign, jurisdiction, number]
            )


def totals() -> list[dict[str, Any]]:
    """For the operator: how often each rule refused somebody, over all companies and days."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT jurisdiction, sign, way, refused FROM gate.refusal_totals()")
        return [
            {"jurisdiction": code, "sign": Sign(sign).label, "way": Way(way).label, "count": count}
            for code, sign, way, count in cursor.fetchall()
        ]
