"""What is being written of a policy's next version, and who of the operators approves it.

A policy has one draft, which those who may publish it share. Each keeping of it gets a seal, the
database's hash over all that it says; whoever writes over a draft, approves or publishes it names
the seal that he saw. Where there are two operators, the platform's policies are published with the
approval of another than the publisher, and exactly as approved (migration 0013); an operator counts
from his second factor on (migration 0021).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.db import IntegrityError, connection, models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from psycopg.errors import UniqueViolation

from accounts.gate import Entry
from accounts.identifiers import uuid7
from accounts.models import Company, User
from policy.turns import NotInTurn, in_turn

if TYPE_CHECKING:
    from policy.models import Policy, PolicyVersion

# How long ahead a version may be announced: none that comes after it is in force before it is, and
# none is taken back.
AHEAD: Final = timedelta(days=366)

# The errors and constraints of migration 0013, in words.
REASONS = {
    "policy_version_second": _("Another operator has to approve exactly this text first."),
    "policy_version_approved": _("This is not what was approved: approve it anew."),
    "policy_approval_seal": _("The draft was changed meanwhile: read it again."),
    "policy_approval_once": _("You have approved it already."),
    "policy_version_sealed_once": _("It has been published already."),
}
OVERTAKEN = _("Somebody else changed, published or discarded the draft meanwhile.")


@dataclass(frozen=True)
class Second:
    """Another operator; `seated` once he has set up a second factor, so that he can approve."""

    user: User
    seated: bool


def seconds() -> list[Second]:
    """The other active operators, as whoever's pass is presented, an operator, has to know them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, seated FROM gate.other_operators()")
        seated = dict(cursor.fetchall())
    users = User.objects.filter(pk__in=seated).order_by("name", "email") if seated else []
    return [Second(user, seated[user.pk]) for user in users]


class DraftQuerySet(models.QuerySet["Draft"]):
    def of(self, kind: str, company_id: int | None) -> Draft | None:
        """What is kept for this policy, with who wrote and who approved it."""
        found = self.filter(policy__kind=kind, policy__company=company_id)
        return (
            found.select_related("policy", "written_by").prefetch_related("approvals__by").first()
        )

    def keep(self, policy: Policy, *, seen: str, **written: Any) -> None:
        """Keep what was `written` (`Draft.WRITTEN`), where the draft is still the one `seen`: its
        seal, or "" for none. Raises NotInTurn, and keeps nothing, where it is another. To keep the
        same again changes nothing, and leaves its approvals."""
        if self.filter(policy=policy, seal=seen, **written).exists():
            return
        if seen:
            kept = self.filter(policy=policy, seal=seen).update(**written) == 1
        else:
            kept = self._begin(policy, written)
        if not kept:
            raise NotInTurn(OVERTAKEN)

    def discard(self, policy: Policy, *, seen: str) -> None:
        """Raises NotInTurn where it is no longer the one seen."""
        if not self.filter(policy=policy, seal=seen).delete()[0]:
            raise NotInTurn(OVERTAKEN)

    def _begin(self, policy: Policy, written: dict[str, Any]) -> bool:
        try:
            with transaction.atomic():
                self.create(policy=policy, **written)
        except IntegrityError as error:
            if isinstance(error.__cause__, UniqueViolation):  # somebody has begun one meanwhile
                return False
            raise
        return True


class Draft(models.Model):
    """`texts` is Markdown and `summaries` says what changed, both by language; without an
    `effective_at` it comes into force when it is published. The database fills in the rest."""

    WRITTEN: ClassVar = ("texts", "summaries", "material", "effective_at", "countries")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    policy = models.OneToOneField("policy.Policy", on_delete=models.PROTECT, related_name="draft")
    company = models.ForeignKey(
        Company, on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    texts = models.JSONField(default=dict)
    summaries = models.JSONField(default=dict)
    material = models.BooleanField(default=True)
    effective_at = models.DateTimeField(null=True)
    countries = models.JSONField(default=list)
    edition = models.PositiveIntegerField(db_default=0, editable=False)
    seal = models.CharField(max_length=64, db_default="", editable=False)
    written_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    written_at = models.DateTimeField(db_default=Now())

    objects = DraftQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(countries=[]) | models.Q(company__isnull=False),
                name="policy_draft_countries",
            ),
            models.CheckConstraint(
                condition=models.Q(effective_at__lte=models.F("written_at") + AHEAD),
                name="policy_draft_ahead",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy}, draft {self.edition}"

    @property
    def approvers(self) -> list[User]:
        """Who approves it as it is, the first one first."""
        return [approval.by for approval in self.approvals.all()]

    def approve(self, *, by: Entry) -> None:
        """With a fresh second factor, of which the database notes the kind. Raises NotInTurn where
        the draft is no longer as this object has it, or was approved by the same already."""
        with in_turn(REASONS):
            self.approvals.create(by_id=by.user_id, seal=self.seal)

    def withdraw(self, *, by: Entry) -> None:
        """Take one's own approval back."""
        self.approvals.filter(by=by.user_id).delete()

    def publish(self, *, by: Entry) -> PolicyVersion:
        """For good, as this object has it; the draft is gone then. Raises NotInTurn where it is
        overtaken or lacks an approval, NotNew where nothing has changed."""
        with in_turn(REASONS):
            version = self.policy.publish(
                by=by,
                texts=self.texts,
                summary=self.summaries,
                material=self.material,
                effective_at=self.effective_at,
                countries=self.countries,
            )
            Draft.objects.discard(self.policy, seen=self.seal)
        return version


class Approval(models.Model):
    """An operator's word that the draft with this seal may be published."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    draft = models.ForeignKey(Draft, on_delete=models.DO_NOTHING, related_name="approvals")
    seal = models.CharField(max_length=64)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(db_default=Now())
    proven = models.CharField(max_length=16)

    class Meta:
        ordering: ClassVar = ["at"]
        constraints: ClassVar = [
            models.UniqueConstraint("draft", "by", name="policy_approval_once"),
            models.CheckConstraint(condition=~models.Q(proven=""), name="policy_approval_proven"),
        ]

    def __str__(self) -> str:
        return f"{self.by}: {self.seal[:12]}"
