"""Who works for a company, and as what."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit, gate
from accounts.models.companies import (
    CompanyOwned,
    Partner,
    Team,
    keeping_an_owner,
    neighbour,
)
from accounts.models.users import User


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    LEAD = "lead", _("Team lead")
    AGENT = "agent", _("Agent")
    PARTNER = "partner", _("Partner")


class MembershipQuerySet(models.QuerySet["Membership"]):
    def living(self) -> MembershipQuerySet:
        return self.filter(left_at=None)


class Membership(CompanyOwned):
    """One person's place in one company, for as long as `left_at` is empty."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(_("role"), max_length=16, choices=Role)
    team_id = models.UUIDField(null=True, blank=True)
    partner_id = models.UUIDField(null=True, blank=True)
    citizenship = models.CharField(_("citizenship"), max_length=2, blank=True, db_default="")
    joined_at = models.DateTimeField(auto_now_add=True)
    left_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, editable=False)  # of policies that wait

    team = neighbour(Team, "team_id")
    partner = neighbour(Partner, "partner_id")

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "user", name="accounts_membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="accounts_membership_role_known"
            ),
            models.CheckConstraint(
                condition=models.Q(role="partner") ^ models.Q(partner_id__isnull=True),
                name="accounts_membership_partner_of_whom",
            ),
            models.CheckConstraint(
                condition=models.Q(citizenship__regex="^([A-Z]{2})?$"),
                name="accounts_membership_citizenship",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"

    def place(
        self, *, by: gate.Entry, role: str, team: Team | None = None, partner: Partner | None = None
    ) -> None:
        """Give the member this role, in this team, or for this partner.

        Raises PermissionDenied, LastOwner, or DoesNotExist where the member has left meanwhile.
        """
        self._ask_leave(by, Role.OWNER in (self.role, role))
        with keeping_an_owner():
            audit.record(by=by, action="person.placed", of=self, role=[self.role, role])
            self._write(role=role, team_id=team and team.id, partner_id=partner and partner.id)

    def end(self, *, by: gate.Entry) -> None:
        """Take the member out; the passes that work in the company end in the same moment.

        Raises PermissionDenied, LastOwner, or DoesNotExist where the member has left meanwhile.
        """
        self._ask_leave(by, self.role == Role.OWNER)
        with keeping_an_owner():
            audit.record(by=by, action="person.removed", of=self)
            self._write(left_at=timezone.now())

    def leave(self, *, by: gate.Entry) -> None:
        """Go of one's own will: nobody need allow it, and nothing be accepted. Raises LastOwner."""
        with keeping_an_owner():
            audit.record(by=by, action="person.left", of=self)
            gate.leave_company()

    @staticmethod
    def _ask_leave(by: gate.Entry, owners: bool) -> None:
        if not by.may("people.owners" if owners else "people.manage"):
            raise PermissionDenied(_("Only an owner changes owners, and only an admin people."))

    def _write(self, **values: Any) -> None:
        if not Membership.objects.living().filter(pk=self.pk).update(**values):
            raise Membership.DoesNotExist


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        return self.filter(
            redeemed_at=None, withdrawn_at=None, expires_at__gt=timezone.now()
        ).order_by("expires_at")


class Invitation(CompanyOwned):
    """A link that lets whoever holds it join; only the hash of its secret is kept."""

    email = models.EmailField(_("e-mail"), max_length=254)
    role = models.CharField(_("role"), max_length=16, choices=Role)
    partner_id = models.UUIDField(null=True, blank=True)
    hash = models.BinaryField(max_length=32, editable=False)
    invited_by = models.ForeignKey(  # empty: whoever founded the company on the server
        User, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    redeemed_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "hash", name="accounts_invitation_hash_once"),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.role})"

    def withdraw(self, *, by: gate.Entry) -> None:
        """Shut the link. Raises DoesNotExist where it was used or shut meanwhile."""
        with transaction.atomic():
            audit.record(by=by, action="invitation.withdrawn", of=self)
            if not Invitation.objects.open().filter(pk=self.pk).update(withdrawn_at=timezone.now()):
                raise Invitation.DoesNotExist
