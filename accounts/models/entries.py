"""The audit: its entries, the names in them, and the chain that they are links of."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models.companies import Company, CompanyOwned, neighbour
from accounts.models.users import User


class AuditName(models.Model):
    """Somebody's name as it was when an entry was made. Entries carry only its salted hash, the
    seal: with the account the name goes, and what was sealed still holds."""

    pk = models.CompositePrimaryKey("company_id", "seal")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+", db_index=False)
    seal = models.CharField(max_length=64)  # SHA-256 of salt and name, as hex
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=254)
    salt = models.CharField(max_length=72)


class AuditEntries(models.Manager["AuditEntry"]):
    """With the names that they carry the seals of: without them an entry says little."""

    def get_queryset(self) -> models.QuerySet[AuditEntry]:
        return super().get_queryset().select_related("actor_as", "person_as")


class AuditEntry(CompanyOwned):
    """Who did what, when, and to whom: added to, never changed. Names are copied, to outlive their
    rows. What is not editable is the database's word (migration 0029)."""

    at = models.DateTimeField()
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    actor_seal = models.CharField(max_length=64, default="", editable=False)
    person = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    person_seal = models.CharField(max_length=64, default="", editable=False)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40, blank=True, default="")
    object_id = models.UUIDField(null=True, blank=True)
    object_name = models.CharField(max_length=120, blank=True, default="")
    changes = models.JSONField(default=dict)
    grant_id = models.UUIDField(null=True, editable=False)  # under which access link it was done

    actor_as = neighbour(AuditName, "actor_seal", "seal")
    person_as = neighbour(AuditName, "person_seal", "seal")

    objects = AuditEntries()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes: ClassVar = [
            models.Index("company", "object_id", "id", name="accounts_audit_of_object"),
            models.Index("company", "at", "id", name="accounts_audit_by_time"),
            models.Index("company", "actor", "at", "id", name="accounts_audit_by_actor"),
            models.Index("company", "action", "at", "id", name="accounts_audit_by_action"),
            models.Index(
                fields=["company", "person", "at", "id"],
                name="accounts_audit_by_person",
                condition=models.Q(person__isnull=False),
            ),
        ]

    @property
    def actor_name(self) -> str:
        return self._named("actor")

    @property
    def person_name(self) -> str:
        """Whom it was done to; "" for what was done to nobody."""
        return self._named("person") if self.person_seal else ""

    def _named(self, role: str) -> str:
        try:
            known = getattr(self, f"{role}_as")
        except AuditName.DoesNotExist:
            known = None
        return known.name if known else f"Person {getattr(self, f'{role}_id') or ''}".strip()


class AuditChain(models.Model):
    """An entry's place in its company's chain, given at the commit: see `accounts.verify_audit`."""

    pk = models.CompositePrimaryKey("company_id", "number")
    company = models.ForeignKey(  # the entry refers to it
        Company, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    number = models.PositiveBigIntegerField()  # 1, 2, 3 …
    entry_id = models.UUIDField()
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    entry = neighbour(AuditEntry, "entry_id")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "entry_id", name="accounts_auditchain_entry_once"),
        ]


class AuditHead(CompanyOwned):
    """Where a company's chain ended one day, signed by the operator: see `accounts.heads`."""

    number = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)
    at = models.DateTimeField()
    key = models.CharField(max_length=8)  # the name of the operator's, which is not here
    signature = models.CharField(max_length=64)
