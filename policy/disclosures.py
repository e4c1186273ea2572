"""The register of what authorities asked for (clause T1): the one way for an order to leave by the
operator's hand.

A request names a company and the exact numbers of its orders, and does not change; what becomes
of it are events, only ever added. Two different operators approve it, or one refuses it with a
reason; then one of the two has its package made, once (`orders.disclosures`). The company is told
at once, or on the day its secrecy ends. The database enforces all of that (migration 0009).
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts import gate
from accounts.freshness import PROOFS
from accounts.gate import Entry
from accounts.identifiers import uuid7
from accounts.letters import letter
from accounts.models import Company, User
from policy.turns import in_turn

TELLING = "policy.tell_companies"
MOST_ORDERS = 1_000  # in one request; its package is made while the operator waits


log = logging.getLogger(__name__)


class Deed(models.TextChoices):
    APPROVED = "approved", _("approved")
    REFUSED = "refused", _("refused")
    PACKAGED = "packaged", _("package made")
    TAKEN = "taken", _("package taken")
    TOLD = "told", _("company told")


# The constraints and errors of migration 0009, in words.
REASONS = {
    "policy_disclosure_twice": _("You have approved it already: somebody else has to."),
    "policy_disclosure_over": _("It is refused, or its package is made: nothing more is done."),
    "policy_disclosure_two": _("Two different operators have to approve it first."),
    "policy_disclosure_approver": _("This is for one of the two who approved it."),
    "policy_disclosure_once": _("The package has been taken already."),
}


class DisclosureQuerySet(models.QuerySet["Disclosure"]):
    def listed(self) -> DisclosureQuerySet:
        """The newest first, with what became of them, and without the documents."""
        return (
            self.defer("document", "key")
            .select_related("company", "received_by")
            .prefetch_related("events__by")
            .order_by("-received_at")
        )


class Disclosure(models.Model):
    """A request of an authority. `numbers` are those of the company's orders; the document is
    sealed under `key`, which the master key wraps."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField(db_default=Now())
    received_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    authority = models.CharField(_("authority"), max_length=200)
    legal_basis = models.CharField(_("legal basis"), max_length=500)
    numbers = models.JSONField(_("orders"))
    document = models.BinaryField()
    document_hash = models.CharField(max_length=64)
    key = models.BinaryField()
    secret_until = models.DateTimeField(_("secret until"), null=True)
    secrecy_ground = models.CharField(_("ground of the secrecy"), max_length=500, blank=True)

    objects = DisclosureQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(authority="") & ~Q(legal_basis=""), name="policy_disclosure_grounded"
            ),
            models.CheckConstraint(
                condition=Q(secret_until__isnull=True, secrecy_ground="")
                | (Q(secret_until__isnull=False) & ~Q(secrecy_ground="")),
                name="policy_disclosure_secrecy_grounded",
            ),
        ]

    def __str__(self) -> str:
        return self.authority

    @property
    def approvers(self) -> list[User | None]:
        return [event.by for event in self.events.all() if event.deed == Deed.APPROVED]

    @property
    def outcome(self) -> DisclosureEvent | None:
        """The refusal, or the making of the package; None while it is open."""
        over = (Deed.REFUSED, Deed.PACKAGED)
        return next((event for event in self.events.all() if event.deed in over), None)

    @property
    def is_refused(self) -> bool:
        return bool(self.outcome and self.outcome.deed == Deed.REFUSED)

    @property
    def is_taken(self) -> bool:
        return any(event.deed == Deed.TAKEN for event in self.events.all())

    def approve(self, *, by: Entry) -> None:
        """With a fresh second factor, of which the database notes the kind. Raises NotInTurn."""
        self._enter(Deed.APPROVED, by=by)

    def refuse(self, *, by: Entry, reason: str) -> None:
        """Raises NotInTurn."""
        self._enter(Deed.REFUSED, by=by, reason=reason)

    def keep_package(self, body: bytes, digest: str) -> None:
        """What was sealed for the authority. Only within the transaction that opened the orders."""
        DisclosurePackage.objects.create(disclosure=self, body=body, hash=digest)

    def take_package(self) -> bytes:
        """The sealed package, once, for an approver. Raises NotInTurn."""
        with in_turn(REASONS), connection.cursor() as cursor:
            cursor.execute("SELECT gate.take_package(%s)", [self.id])
            return bytes(cursor.fetchone()[0])

    def _enter(self, deed: Deed, *, by: Entry, **said: str) -> None:
        with in_turn(REASONS):
            self.events.create(deed=deed, by_id=by.user_id, **said)


class DisclosureEvent(models.Model):
    """What became of a request, and who did it; nobody where the company was told."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    disclosure = models.ForeignKey(Disclosure, on_delete=models.PROTECT, related_name="events")
    deed = models.CharField(max_length=8, choices=Deed)
    at = models.DateTimeField(db_default=Now())
    by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    proven = models.CharField(max_length=16, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                "disclosure", "by", condition=Q(deed="approved"), name="policy_disclosure_twice"
            ),
            models.UniqueConstraint(
                "disclosure", "deed", condition=~Q(deed="approved"), name="policy_disclosure_once"
            ),
            models.CheckConstraint(
                condition=Q(deed__in=Deed.values), name="policy_disclosureevent_known"
            ),
            models.CheckConstraint(
                condition=~Q(deed="refused") | ~Q(reason=""), name="policy_disclosure_reason"
            ),
            models.CheckConstraint(
                condition=~Q(deed="approved") | ~Q(proven=""), name="policy_disclosure_proven"
            ),
            models.CheckConstraint(
                condition=Q(deed="told") | Q(by__isnull=False), name="policy_disclosure_doer"
            ),
        ]

    @property
    def proven_by(self) -> Any:
        """By what the doer had just proven to be himself, in words."""
        return PROOFS.get(self.proven, "")


class DisclosurePackage(models.Model):
    """Encrypted for the authority under a passphrase that is kept nowhere."""

    disclosure = models.OneToOneField(
        Disclosure, on_delete=models.PROTECT, primary_key=True, related_name="package"
    )
    body = models.BinaryField()
    hash = models.CharField(max_length=64)


def counts() -> list[dict[str, Any]]:
    """The public count, by year (UTC), the newest first; whatever is still secret counts, too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT year, received, refused, handed_over, open FROM gate.disclosures()")
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def tell_companies() -> int:
    """Write to the owners and admins of each company whose time has come; how many letters were
    handed over. A company of which none was is written to again the next time."""
    sent, last = 0, UUID(int=0)
    while True:
        with gate.vouching():
            due = gate.company_to_tell(after=last)
            if due is None:
                return sent
            last = due.disclosure
            handed_over = sum(_mail(due.company, **reader) for reader in due.readers)
            if handed_over or not due.readers:
                gate.note_told(due.disclosure)
            sent += handed_over


def _mail(company: str, email: str, language: str) -> bool:
    """Whether the letter was handed over. The page says it too, so one that is not is logged and
    keeps nobody from theirs; and it says nothing of what was asked for."""
    told = letter(
        email,
        language=language,
        subject=_("An authority asked for orders of %(company)s"),
        template="policy/disclosure.txt",
        company=company,
    )
    try:
        return bool(told.send())
    except OSError:  # of the connection, or SMTPException
        log.exception("A company's reader was not told of a request.")
        return False
