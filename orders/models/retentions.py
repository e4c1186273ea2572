"""How long a company keeps the persons in orders that have ended."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models
from django.utils import timezone

from accounts.models import Company, CompanyOwned, User
from orders import statuses

LINES: Final = "lines"  # that imports refused
WAITING: Final = "waiting"  # orders of an import that stands still
KINDS: Final = (*statuses.ENDED, LINES, WAITING)


class Retention(models.Model):
    """A company's period for one kind of what it keeps (`KINDS`), in days, and who
    set it."""

    pk = models.CompositePrimaryKey("company_id", "kind")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=16)
    days = models.PositiveIntegerField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(days__gte=1), name="orders_retention_days"),
            models.CheckConstraint(
                condition=models.Q(kind__in=KINDS), name="orders_retention_kind"
            ),
        ]


class RetentionRun(CompanyOwned):
    """What was erased by itself, on one day."""

    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    erased = models.JSONField(default=dict)  # kind -> how many

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d}"
