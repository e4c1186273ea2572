"""People and the companies they work for.

Writes are verbs with a keyword-only ``by=``. Which rows a request may touch is decided by the row
rules in the migrations; what stands here would only be a wish without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import access, audit, gate
from accounts.identifiers import uuid7


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    LEAD = "lead", _("Team lead")
    AGENT = "agent", _("Agent")
    PARTNER = "partner", _("Partner")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """As the owner role, which alone may set every field."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db, force_insert=True)
        return user

    def join(self, email: str, password: str, *, name: str, language: str) -> User:
        """Register somebody who was invited. Raises IntegrityError for an e-mail that is taken."""
        added = gate.add_person(
            email=email.strip().lower(),
            name=name,
            language=language,
            password=make_password(password),
        )
        return self.get(pk=added)

    def language_of(self, email: str) -> str:
        """The one to write to this address in: the person's own, or for strangers the writer's."""
        known = self.filter(email=email.lower()).values_list("language", flat=True)
        return known.first() or get_language() or settings.LANGUAGE_CODE

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person who signs in. The three flags are the owner role's to set: see migration 0002."""

    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=120)
    language = models.CharField(_("language"), max_length=8, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_support = models.BooleanField(default=False)
    is_superuser = models.BooleanField(default=False)
    date_joined = models.DateTimeField(auto_now_add=True)
    last_login = None  # who signs in when is nobody's business (clause K2)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="accounts_user_email_lower"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def save(self, *args: Any, **options: Any) -> None:
        """Django saves a new password, or an old one hashed anew, by itself: the web role may not
        write it, and goes through the gate (migration 0002)."""
        if options.get("update_fields") == ["password"] and not options.get("using"):
            gate.set_password(self.pk, self.password)
        else:
            super().save(*args, **options)

    def delete_account(self, *, by: gate.Entry) -> None:
        """Go for good: what names the person is gone, and evidence refers to "Person N". Nothing
        need be accepted for that. Raises LastOwner where a company would be left without one."""
        with keeping_an_owner():
            if by.company_id:
                audit.record(by=by, action="person.left")
            gate.delete_account()

    @property
    def is_staff(self) -> bool:
        return self.is_support or self.is_superuser

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Never: rights come from a membership's role, and no flag opens anything."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False


class Company(models.Model):
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    created_at = models.DateTimeField(auto_now_add=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    strict = models.BooleanField(db_default=False)  # refuses countries that its policy leaves out
    closed_at = models.DateTimeField(null=True, editable=False, blank=True)  # for good

    class Meta:
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def country_of(cls, company_id: int) -> str:
        """Its country (alpha-2), where it is at home; "" where it has not said."""
        return cls.objects.values_list("country", flat=True).get(pk=company_id)

    @classmethod
    def be_strict(cls, strict: bool, *, by: gate.Entry) -> None:
        """Refuse from now on, or only show, what the policy of the company of `by` does not cover
        (clause P1). Raises PermissionDenied."""
        with transaction.atomic():
            if not cls.objects.filter(pk=by.company_id).update(strict=strict):
                raise PermissionDenied
            audit.record(by=by, action="company.strictness", strict=strict)


class CompanyOwned(models.Model):
    """A row of one company: its key leads with the company, and so does whatever refers to it."""

    pk = models.CompositePrimaryKey("company_id", "id")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+", db_index=False)
    id = models.UUIDField(default=uuid7, editable=False)

    class Meta:
        abstract = True


Owned = TypeVar("Owned", bound=models.Model)


def neighbour(
    model: type[Owned], column: str, key: str = "id"
) -> models.ForeignObject[Owned | None, Owned | None]:
    """A row of the same company, or none; `column` holds its `key`. Joined by the company, too, so
    that no id leads to another's."""
    return models.ForeignObject(
        model,
        models.DO_NOTHING,
        from_fields=["company", column],
        to_fields=["company", key],
        related_name="+",
        null=True,
    )


class Team(CompanyOwned):
    name = models.CharField(_("name"), max_length=80)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "name", name="accounts_team_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Partner(CompanyOwned):
    """Who sends leads to a company: a webmaster or a network, with or without a sign-in."""

    name = models.CharField(_("name"), max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "name", name="accounts_partner_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class LastOwner(Exception):
    """A company keeps an owner: the trigger of migration 0003 refused."""


@contextmanager
def keeping_an_owner() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "accounts_membership_keeps_an_owner" in str(error):
            raise LastOwner from error
        raise


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
        return self.select_related("made_by", "for_staff", "staff").order_by("-id")


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
    told = ArrayField(models.CharField(max_length=16), default=list, editable=False)

    objects = GrantQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["hash"], name="accounts_grant_by_secret"),
            models.Index(fields=["id"], name="accounts_grant_by_id"),
        ]
        constraints: ClassVar = [
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
        ]

    def __str__(self) -> str:
        return self.reason

    @property
    def state(self) -> str:
        """A key of `accounts.access.STATES`."""
        if self.revoked_at:
            return "revoked"
        if self.ended_at:
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


class CompanyKey(models.Model):
    """A company's key for its sealed persons, itself wrapped by the operator's master key."""

    pk = models.CompositePrimaryKey("company_id", "version")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.PositiveSmallIntegerField()
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)


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
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+", db_index=False)
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
