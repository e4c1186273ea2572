"""What opens a company's rows: passes, and the keys and access links that make them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import access, audit, gate
from accounts.models.companies import Company, CompanyOwned, neighbour
from accounts.models.memberships import Membership
from accounts.models.users import User


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def living(self) -> ApiKeyQuerySet:
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        return self.filter(unexpired, revoked_at=None)


class ApiKey(CompanyOwned):
    """What a partner's machine sends leads with (decision 19). Only the hash of its secret is kept,
    and the member whose key it is answers for it: without them, and without their acceptance of
    every policy in force, it opens nothing."""

    name = models.CharField(_("name"), max_length=80)
    membership_id = models.UUIDField()
    hash = models.BinaryField(max_length=32, editable=False)
    payout = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    minute_began = models.DateTimeField(null=True)  # in which `uses` are counted
    uses = models.PositiveIntegerField(default=0)

    membership = neighbour(Membership, "membership_id")

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "hash", name="accounts_apikey_hash_once"),
            models.CheckConstraint(
                condition=models.Q(payout=None) | models.Q(payout__gte=0),
                name="accounts_apikey_payout",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def revoke(self, *, by: gate.Entry) -> None:
        """End the key for good, from its next request on. Raises DoesNotExist where it is over."""
        with transaction.atomic():
            audit.record(by=by, action="key.revoked", of=self)
            ended = ApiKey.objects.filter(pk=self.pk, revoked_at=None)
            if not ended.update(revoked_at=timezone.now()):
                raise ApiKey.DoesNotExist


class Pass(models.Model):
    """What opens a company's rows: a random secret, of which only the SHA-256 is stored.

    The web role has no right to this table: it is written and read by the functions of the schema
    `gate` alone. A browser's session is a pass, and so is what a background job carries.
    """

    hash = models.BinaryField(primary_key=True, max_length=32)
    kind = models.CharField(max_length=8)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, null=True, related_name="+")
    reach = models.JSONField(null=True)
    data = models.TextField(default="")
    scopes = models.JSONField(null=True)  # what its holder may, as long as it is verified
    verified_until = models.DateTimeField(null=True)
    password_at = models.DateTimeField(null=True)  # when its holder last proved himself by it
    factor_at = models.DateTimeField(null=True)  # likewise, by a second factor
    factor = models.CharField(max_length=16, db_default="")  # of which kind that was
    grant_id = models.UUIDField(null=True)  # under which support works, or asks to
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "passes"


class GrantQuerySet(models.QuerySet["Grant"]):
    def newest(self) -> GrantQuerySet:
        return self.select_related("made_by", "for_staff", "staff", "revoked_by").order_by("-id")


class Grant(CompanyOwned):
    """What an access link lets support see and do, on behalf of whoever made it (clause T4).

    Made under its row rule, and changed by functions of the gate alone (`accounts.grants`). The
    `orders` are those listed, NULL for all that its maker sees; `fields` are of
    `accounts.access.FIELDS`; `moves` the statuses that an order may be moved to, none for reading.
    """

    hash = models.BinaryField(max_length=32, editable=False)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    for_staff = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    orders = ArrayField(models.UUIDField(), null=True)
    fields = ArrayField(models.CharField(max_length=16), default=list)
    moves = ArrayField(models.CharField(max_length=16), default=list)
    reason = models.CharField(_("reason"), max_length=300)
    made_at = models.DateTimeField(auto_now_add=True)  # of the database's clock, by trigger
    expires_at = models.DateTimeField()
    staff = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    asked_at = models.DateTimeField(null=True, editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    revoked_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    cause = models.CharField(max_length=16, db_default="", editable=False)  # of `access.CAUSES`

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["hash"], name="accounts_grant_secret_once"),
            models.UniqueConstraint(fields=["id"], name="accounts_grant_id_once"),
            models.UniqueConstraint(  # of all companies and sessions
                fields=["staff"],
                condition=models.Q(ended_at=None, revoked_at=None),
                name="accounts_grant_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(fields__contained_by=list(access.FIELDS)),
                name="accounts_grant_fields",
            ),
            models.CheckConstraint(
                condition=models.Q(orders=None) | models.Q(orders__len__range=(1, 100)),
                name="accounts_grant_orders",
            ),
            models.CheckConstraint(
                condition=~models.Q(reason=""), name="accounts_grant_has_a_reason"
            ),
            models.CheckConstraint(
                condition=~models.Q(reason__regex=access.CONTACT),
                name="accounts_grant_names_nobody",
            ),
        ]

    def __str__(self) -> str:
        return self.reason

    @property
    def state(self) -> str:
        """A key of `accounts.access.STATES`."""
        if self.revoked_at:
            return "refused" if self.asked_at and not self.confirmed_at else "revoked"
        if self.ended_at and self.cause != "expired":
            return "ended"
        if self.expires_at <= timezone.now():
            return "expired"
        return "open" if self.confirmed_at else "asked" if self.asked_at else "waiting"

    @property
    def over_at(self) -> datetime | None:
        """Since when it opens nothing; None while it does, or may."""
        expired_at = self.expires_at if self.expires_at <= timezone.now() else None
        return self.revoked_at or self.ended_at or expired_at


class Attempt(models.Model):
    """How often something was tried lately: see `accounts.attempts`, which alone uses it."""

    hash = models.BinaryField(primary_key=True, max_length=32)
    value = models.JSONField()
    expires_at = models.DateTimeField(db_index=True)
