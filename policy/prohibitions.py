"""The operator's list of prohibited jurisdictions (clause P2), kept as the decisions that made it.

A country is on the list while the last decision about it says so. Decisions are only ever added to:
the list's history is the list. When one was taken, and whether it decides anything, is the
database's to say (migration 0003); who may take one is a row rule.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from accounts.gate import Entry
from accounts.identifiers import uuid7


class NothingDecided(Exception):
    """The list says so already."""


class JurisdictionQuerySet(models.QuerySet["Jurisdiction"]):
    def in_force(self) -> JurisdictionQuerySet:
        """The decisions by which countries are on the list now, in order of their codes."""
        later = self.model._default_manager.filter(code=OuterRef("code")).order_by("-decided_at")
        last = Subquery(later.values("pk")[:1])
        return self.filter(prohibited=True, pk=last).order_by("code")

    def prohibited(self) -> frozenset[str]:
        """The countries on the list, as alpha-2 codes: one statement."""
        return frozenset(self.in_force().values_list("code", flat=True))

    def prohibit(self, code: str, *, by: Entry, reason: str) -> Jurisdiction:
        """Put a country on the list. Raises NothingDecided where it is on it."""
        return self._decide(code, by=by, reason=reason, prohibited=True)

    def lift(self, code: str, *, by: Entry, reason: str) -> Jurisdiction:
        """Take a country off the list. Raises NothingDecided where it is not on it."""
        return self._decide(code, by=by, reason=reason, prohibited=False)

    def _decide(self, code: str, *, by: Entry, reason: str, prohibited: bool) -> Jurisdiction:
        try:
            with transaction.atomic():
                return self.create(
                    code=code, prohibited=prohibited, reason=reason, decided_by_id=by.user_id
                )
        except IntegrityError as error:
            if "policy_jurisdiction_decides" in str(error):
                raise NothingDecided from error
            raise


class Jurisdiction(models.Model):
    """A decision: from its moment on a country's citizens are prohibited here, or no longer."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(_lazy("country"), max_length=2)  # ISO 3166-1 alpha-2
    prohibited = models.BooleanField()
    reason = models.CharField(_lazy("reason"), max_length=500, blank=True)
    decided_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(  # empty: it came with the software
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )

    objects = JurisdictionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("code", "decided_at", name="policy_jurisdiction_last"),
            models.CheckConstraint(
                condition=Q(code__regex="^[A-Z]{2}$"), name="policy_jurisdiction_code"
            ),
            models.CheckConstraint(
                condition=~Q(reason="") | Q(decided_by__isnull=True),
                name="policy_jurisdiction_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def because(self) -> str:
        """The reason; of the decision that came with the software, in the reader's language."""
        return self.reason or _(
            "The server is outside this country, and the country's law has the personal data of "
            "its citizens kept inside."
        )
