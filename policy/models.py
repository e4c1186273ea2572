"""Policies: what the platform and each company promise, in versions, and who accepted which.

A policy here is always promised text; the database's own are "row rules". Numbers, moments and
hashes are set by triggers (migration 0002), which also refuse every later change, to the tables'
owner too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.gate import Entry
from accounts.identifiers import uuid7
from accounts.models import Company, User
from policy.disclosures import Disclosure, DisclosureEvent, DisclosurePackage
from policy.drafts import AHEAD, Approval, Draft
from policy.prohibitions import Jurisdiction
from policy.proofruns import ProofResult, ProofRun
from policy.refusals import Refusal
from policy.revisions import refuse_unchanged
from policy.visits import Counter, Visits

__all__ = [
    "Acceptance",
    "Announcement",
    "Approval",
    "Capacity",
    "Counter",
    "Disclosure",
    "DisclosureEvent",
    "DisclosurePackage",
    "Draft",
    "Jurisdiction",
    "Kind",
    "Policy",
    "PolicyText",
    "PolicyVersion",
    "ProofResult",
    "ProofRun",
    "Refusal",
    "Visits",
]


class Kind(models.TextChoices):
    SITE = "site", _("Policy of this site")
    CRM = "crm", _("Policy of the CRM")
    COMPANY = "company", _("Company's policy")


class PolicyQuerySet(models.QuerySet["Policy"]):
    def of_platform(self, kind: str) -> Policy:
        """The site's or the CRM's policy, made on first asking by whoever may publish it."""
        return self.get_or_create(kind=kind, company=None)[0]

    def of_company(self, company_id: int) -> Policy:
        return self.get_or_create(kind=Kind.COMPANY, company_id=company_id)[0]


class Policy(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, null=True, related_name="+")

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "policies"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(Q(kind="company") & Q(company__isnull=False))
                | (Q(kind__in=("site", "crm")) & Q(company__isnull=True)),
                name="policy_policy_of_platform_or_company",
            ),
            models.UniqueConstraint(
                "kind", condition=Q(company__isnull=True), name="policy_policy_once_per_kind"
            ),
            models.UniqueConstraint("company", name="policy_policy_once_per_company"),
        ]

    def __str__(self) -> str:
        return self.company.name if self.company else str(Kind(self.kind).label)

    @property
    def latest(self) -> PolicyVersion | None:
        """The version published last, in force or not."""
        return self.versions.order_by("-number").first()

    def publish(
        self,
        *,
        by: Entry | None,
        texts: dict[str, str],
        material: bool = True,
        effective_at: datetime | None = None,
        summary: dict[str, str] | None = None,
        countries: Iterable[str] = (),
        bundled: bool = False,
    ) -> PolicyVersion:
        """A new version, in force from `effective_at` (now, if that is empty or past).

        `texts` is Markdown by language; `summary` says by language what changed. A `material`
        version asks everybody again; the first is always material. `countries` are the alpha-2
        codes of those that a company's covers. `by` is None for the owner role's commands. Raises
        NotNew, and DatabaseError where the row rules refuse, or where another operator has not
        approved the draft of exactly this.
        """
        latest, declared = self.latest, sorted(set(countries))
        if latest is None or latest.countries == declared:
            refuse_unchanged(texts, latest.bodies if latest else {})
        with transaction.atomic(using=self._state.db):
            version = self.versions.create(
                published_by_id=by.user_id if by else None,
                material=material,
                effective_at=effective_at or timezone.now(),
                bundled=bundled,
                countries=declared,
                hashes={language: text_hash(body, declared) for language, body in texts.items()},
            )
            for language, body in texts.items():
                version.texts.create(
                    language=language, body=body, summary=(summary or {}).get(language, "")
                )
            version.refresh_from_db()  # its number, moment and company are the triggers' word
            if by and self.company_id:
                audit.record(by=by, action="policy.published", of=version)
        return version


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def of(self, kind: str, slug: str | None = None) -> PolicyVersionQuerySet:
        """The versions of the platform's policy of this kind, or of the company with this slug."""
        return self.filter(kind=kind, company__slug=slug).select_related("company")

    def in_force(self) -> PolicyVersionQuerySet:
        """Of each policy the greatest number whose moment has come."""
        newest = (
            PolicyVersion.objects.using(self.db)
            .filter(policy=OuterRef("policy"), effective_at__lte=Now())
            .order_by("-number")
        )
        return self.filter(pk=Subquery(newest.values("pk")[:1]))

    def waiting_for(self, user_id: int, company_id: int | None) -> PolicyVersionQuerySet:
        """What `user_id` has yet to accept to work in `company_id`, the CRM's policy first. Open
        to the person, and to whoever publishes the company's policy."""
        return self.filter(
            pk__in=[document["id"] for document in missing(user_id, company_id)]
        ).order_by(F("company_id").asc(nulls_first=True))


def missing(user_id: int, company_id: int | None) -> list[dict[str, Any]]:
    """The database's own answer: see gate.missing_policies in migration 0002."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gate.waiting_for(%s, %s)", [user_id, company_id])
        found: list[dict[str, Any]] = json.loads(cursor.fetchone()[0] or "[]")
    return found


class PolicyVersion(models.Model):
    """Published for good. `required` is the number of the last material version up to this one:
    whoever accepted that or a later one need not be asked. `kind`, `company`: the policy's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    policy = models.ForeignKey(
        Policy, on_delete=models.PROTECT, related_name="versions", db_index=False
    )
    kind = models.CharField(max_length=8, choices=Kind, db_default="", editable=False)
    company = models.ForeignKey(
        Company, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    number = models.PositiveIntegerField(db_default=0)
    required = models.PositiveIntegerField(db_default=0)
    material = models.BooleanField(_("asks everybody again"), default=True)
    bundled = models.BooleanField(default=False)
    effective_at = models.DateTimeField(_("in force from"))
    published_at = models.DateTimeField(db_default=Now())
    published_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    # Which other operator approved it, and the seal of the draft that was approved; the triggers'.
    approved_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, editable=False
    )
    seal = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001  # unique
    hashes = models.JSONField()
    # Alpha-2 codes that a company's covers (clause P1), each once and in order.
    countries = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField()), editable=False
    )

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("policy", "number", name="policy_version_number_once"),
            models.UniqueConstraint("seal", name="policy_version_sealed_once"),
            models.CheckConstraint(
                condition=Q(effective_at__lte=F("published_at") + AHEAD),
                name="policy_version_ahead",
            ),
        ]
        indexes: ClassVar = [  # the gate's two questions, at every statement
            models.Index("number", condition=Q(kind="crm"), name="policy_version_of_crm"),
            models.Index(
                "company", "number", condition=Q(kind="company"), name="policy_version_of_company"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy}, {self.number}"

    def get_absolute_url(self) -> str:
        return self._address("version")

    @property
    def bodies(self) -> dict[str, str]:
        """Its Markdown by language."""
        return dict(self.texts.values_list("language", "body"))

    @property
    def upcoming(self) -> bool:
        return self.effective_at > timezone.now()

    def text_in(self, language: str) -> PolicyText:
        """The text in this language, or else in the site's first that it was published in."""
        texts = {text.language: text for text in self.texts.all()}
        order = [language, *(code for code, _name in settings.LANGUAGES), *sorted(texts)]
        return next(texts[code] for code in order if code in texts)

    def siblings(self) -> PolicyVersionQuerySet:
        """All versions of the same policy, this one too, the newest first."""
        return (
            PolicyVersion.objects.filter(policy=self.policy_id)
            .select_related("company")
            .order_by("-number")
        )

    def accept(
        self, *, by: Entry, language: str, shown_at: datetime, capacity: str | None = None
    ) -> Acceptance:
        """Record that `by` accepts the text in `language` that was shown at `shown_at`. Accepting
        twice changes nothing. Raises ProgrammingError where the row rules refuse: for another
        person, or a version that was not in force when it was shown."""
        assert by.user_id is not None
        company_id = self.company_id
        with transaction.atomic():
            acceptance, fresh = Acceptance.objects.get_or_create(
                user_id=by.user_id,
                version=self,
                defaults={
                    "company_id": company_id,
                    "language": language,
                    "text_hash": self.hashes[language],
                    "shown_at": shown_at,
                    "capacity": capacity or Capacity.of(by.role),
                },
            )
            if fresh and company_id:
                audit.record(by=by, action="policy.accepted", of=self)
        return acceptance

    def diff_url(self, since: int | None = None) -> str:
        """Where its difference to `since`, or the version before, is shown; "" for the first."""
        if self.number == 1:
            return ""
        return self._address("diff") + (f"?since={since}" if since else "")

    def _address(self, page: str) -> str:
        match self.kind:
            case Kind.COMPANY if self.company:
                return reverse(f"policy:company_{page}", args=[self.company.slug, self.number])
            case Kind.SITE:
                return reverse(f"policy:site_{page}", args=[self.number])
        return reverse(f"policy:{page}", args=[self.number])


class Announcement(models.Model):
    """How far the letters are that tell people ahead of a version (`policy.announcements`). The
    database writes it: to whom it was handed out, in the order of their numbers."""

    version = models.OneToOneField(PolicyVersion, on_delete=models.PROTECT, primary_key=True)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, null=True, related_name="+")
    people = models.PositiveIntegerField()
    last_user = models.BigIntegerField()
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.version}, to {self.people}"


class PolicyText(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(
        PolicyVersion, on_delete=models.PROTECT, related_name="texts", db_index=False
    )
    language = models.CharField(max_length=8)
    body = models.TextField()
    summary = models.TextField(blank=True, default="")
    hash = models.CharField(max_length=64, db_default="", editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("version", "language", name="policy_text_once_per_language"),
        ]

    @property
    def sealed(self) -> str:
        """What its hash is taken over."""
        return sealed(self.body, self.version.countries)


class Capacity(models.TextChoices):
    MEMBER = "member", _("member")
    PARTNER = "partner", _("partner")
    KEY_HOLDER = "key holder", _("key holder")

    @classmethod
    def of(cls, role: str | None) -> Capacity:
        return cls.PARTNER if role == "partner" else cls.MEMBER


class Acceptance(models.Model):
    """Evidence, and no more: no address, no browser's name (clause K2).

    The CRM's policy is accepted once by a person, for all companies, and `company` is empty; a
    company's own is accepted for that company. Each acceptance carries the hash of the same
    person's one before, so that none can be taken out unnoticed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="acceptances", db_index=False
    )
    company = models.ForeignKey(Company, on_delete=models.PROTECT, null=True, related_name="+")
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="acceptances")
    version_number = models.PositiveIntegerField(db_default=0)
    language = models.CharField(max_length=8)
    text_hash = models.CharField(max_length=64)
    capacity = models.CharField(max_length=12, choices=Capacity)
    shown_at = models.DateTimeField()
    accepted_at = models.DateTimeField(db_default=Now())
    number = models.PositiveIntegerField(db_default=0)
    previous_hash = models.CharField(max_length=64, db_default="")
    hash = models.CharField(max_length=64, db_default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("user", "version", name="policy_acceptance_once"),
            models.UniqueConstraint("user", "number", name="policy_acceptance_chain"),
            models.CheckConstraint(
                condition=Q(capacity__in=Capacity.values), name="policy_acceptance_capacity_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index("user", "company", "version_number", name="policy_acceptance_satisfies"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.version}"


def sealed(body: str, countries: Sequence[str]) -> str:
    """The text as it is sealed: the countries that its version declares follow it in a line of
    their own (gate.declaration)."""
    return f"{body}\n\nCountries: {', '.join(countries)}\n" if countries else body


def text_hash(body: str, countries: Sequence[str] = ()) -> str:
    """SHA-256 of the sealed text in UTF-8, as 64 hex digits."""
    return hashlib.sha256(sealed(body, countries).encode()).hexdigest()
