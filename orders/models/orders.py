"""Orders, and the verbs that write them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.gate import Entry
from accounts.models import AuditEntry, CompanyOwned, Membership, Partner, neighbour
from orders import erasure, keys, statuses
from orders.buyers import Buyer
from orders.intake import ItemDraft, OrderDraft, admit, refuse_uncovered, total_of
from orders.keys import Keys
from orders.models import moves
from orders.models.comments import Comment
from orders.models.items import Item
from orders.models.moves import IN_HAND, MoveRefused
from orders.models.offers import Offer
from orders.models.searchwords import SearchWord
from orders.persons import Person, phone_hash
from policy import coverage
from policy.jurisdictions import Verdict, judge_stored
from policy.prohibitions import Jurisdiction
from policy.telephones import region_of


class Conflict(Exception):
    """Somebody else wrote the order meanwhile; `order` is as it stands now."""

    def __init__(self, order: Order) -> None:
        super().__init__("The order was changed meanwhile.")
        self.order = order


class Source(models.TextChoices):
    """How an order came to be here."""

    HAND = "hand", _("entered by hand")
    IMPORT = "import", _("import")
    API = "api", _("API")


def concerned_by(prohibited: Collection[str]) -> models.Q:
    """Clause P2, as `judge_stored`, `conditions.stopped` and `gate.prohibition` have it."""
    number = models.Q(citizenship="", phone_country__in=prohibited)
    return models.Q(citizenship__in=prohibited) | models.Q(country__in=prohibited) | number


class OrderQuerySet(models.QuerySet["Order"]):
    def add(self, *, by: Entry, person: Person, items: Sequence[ItemDraft], **draft: Any) -> Order:
        """Add one order; what else may be said of it stands in `orders.intake.OrderDraft`.

        Raises Prohibited or NotAdmitted before anything is stored.
        """
        with transaction.atomic():
            [order] = self.add_many(by=by, drafts=[OrderDraft(person, items, **draft)])
            order.refresh_from_db(fields=["number", "team_id"])
            audit.record(by=by, action="order.added", of=order, source=order.source)
        return order

    def add_many(self, *, by: Entry, drafts: Sequence[OrderDraft]) -> list[Order]:
        """Add orders in the same few statements, whatever their number; the database gives each its
        `number`, which is not read back. The caller audits: an import is one entry, not thousands.

        Raises Prohibited or NotAdmitted before anything is stored.
        """
        prohibited, covered = Jurisdiction.objects.prohibited(), coverage.of(by)
        verdicts = [draft.admitted(prohibited, covered) for draft in drafts]
        with transaction.atomic():
            held = keys.provided(by)
            offers = Offer.objects.named((draft.offer or "" for draft in drafts), by=by)
            orders = [
                Order.drafted(draft, verdict, by=by, held=held, offers=offers)
                for draft, verdict in zip(drafts, verdicts, strict=True)
            ]
            self.bulk_create(orders)
            Item.objects.add((o, d.items) for o, d in zip(orders, drafts, strict=True))
            SearchWord.objects.add(
                [(o, d.person) for o, d in zip(orders, drafts, strict=True)], held
            )
        return orders

    def of(self, buyer: Buyer, held: Keys) -> OrderQuerySet:
        """Those of the company that the reader may see, the newest first."""
        words = SearchWord.objects.filter(
            company_id=held.company_id, word__in=buyer.hashes(held.index_key)
        )
        orders = self.filter(company_id=held.company_id, id__in=words.values("order_id"))
        return orders.order_by("-created_at", "-id")

    def stopped(self, prohibited: Collection[str]) -> OrderQuerySet:
        """Those that the list of prohibited jurisdictions concerns since it has grown, and that can
        only be erased."""
        return self.filter(concerned_by(prohibited))

    def unstopped(self) -> OrderQuerySet:
        """All others."""
        return self.exclude(concerned_by(Jurisdiction.objects.prohibited()))

    def open_of(self, by: Entry) -> Order | None:
        """The order that `by` has in hand; the database keeps it to one each."""
        return self.filter(
            company_id=by.company_id, agent_id=by.membership_id, status=IN_HAND
        ).first()

    def take_next(self, *, by: Entry) -> Order | None:
        """The order that `by` should work on: the one in hand, or else a call that is due, the
        oldest new order, a buyer whom nobody reached. None when nothing waits.

        Two agents at once get two different ones: a row that another is taking is skipped.
        """
        if not by.may("orders.take"):
            raise PermissionDenied("This role takes no orders.")
        with transaction.atomic():
            return self.open_of(by) or self._take_waiting(by)

    def _take_waiting(self, by: Entry) -> Order | None:
        free_or_own = models.Q(agent_id=None) | models.Q(agent_id=by.membership_id)
        waiting = (
            self.filter(free_or_own, company_id=by.company_id)
            .unstopped()
            .select_for_update(skip_locked=True)
        )
        due = models.Q(recall_at__lte=timezone.now())
        for queue in (
            waiting.filter(due, status="recall").order_by("recall_at"),
            waiting.filter(status="new").order_by("created_at", "id"),
            waiting.filter(due, status="no_answer").order_by("recall_at"),
        ):
            if order := queue.first():
                try:
                    moves.make(order, "take", by=by)
                except MoveRefused:  # a second click was faster
                    return self.open_of(by)
                return order
        return None


class Order(CompanyOwned):
    number = models.BigIntegerField(editable=False)  # the database counts, per company
    status = models.CharField(_("status"), max_length=16, default="new")
    version = models.PositiveIntegerField(default=1)  # grows with each write: edits notice edits
    external_id = models.CharField(_("external number"), max_length=100, blank=True, default="")

    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    citizenship = models.CharField(_("citizenship"), max_length=2, blank=True, default="")
    person = models.BinaryField()
    phone_hash = models.BinaryField(max_length=16, null=True)
    phone_country = models.CharField(max_length=2, blank=True, default="")  # clause P2 asks for it
    erased_at = models.DateTimeField(null=True, blank=True)  # of the person, whom nobody restores

    offer_id = models.UUIDField(null=True, blank=True)
    partner_id = models.UUIDField(null=True, blank=True)
    agent_id = models.UUIDField(null=True, blank=True)
    team_id = models.UUIDField(null=True, blank=True, editable=False)  # the agent's, by trigger

    currency = models.CharField(_("currency"), max_length=3)
    total = models.DecimalField(_("total"), max_digits=14, decimal_places=2, default=0)

    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    recall_at = models.DateTimeField(_("call again at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=40, blank=True, default="")
    source = models.CharField(_("came by"), max_length=8, choices=Source, default=Source.HAND)
    import_id = models.UUIDField(null=True, editable=False)  # whose history has its doer (C2)

    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    offer = neighbour(Offer, "offer_id")
    partner = neighbour(Partner, "partner_id")
    agent = neighbour(Membership, "agent_id")

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "number", name="orders_order_number_once"),
            models.UniqueConstraint(
                "company",
                "agent_id",
                name="orders_order_one_open_each",
                condition=models.Q(status="processing"),
            ),
            models.CheckConstraint(condition=models.Q(total__gte=0), name="orders_order_total"),
            models.CheckConstraint(
                condition=models.Q(status__in=list(statuses.STATUSES)), name="orders_order_status"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    country__regex="^([A-Z]{2})?$",
                    citizenship__regex="^([A-Z]{2})?$",
                    phone_country__regex="^([A-Z]{2})?$",
                ),
                name="orders_order_countries",
            ),
            models.CheckConstraint(
                condition=models.Q(phone_hash__isnull=True) ^ ~models.Q(phone_country=""),
                name="orders_order_phone_country",
            ),
            models.CheckConstraint(
                condition=models.Q(import_id=None) | models.Q(source=Source.IMPORT),
                name="orders_order_imported",
            ),
            models.CheckConstraint(
                condition=models.Q(erased_at__isnull=True) ^ models.Q(person=b"", phone_hash=None),
                name="orders_order_erased",
            ),
        ]
        indexes: ClassVar = [
            models.Index("company", "created_at", "id", name="orders_order_newest"),
            models.Index("company", "status", "created_at", "id", name="orders_order_by_status"),
            # Holds all that the row rule reads, so that counting touches no order.
            models.Index(
                "company",
                "status",
                "agent_id",
                "team_id",
                "partner_id",
                include=["id"],
                name="orders_order_counted",
            ),
            models.Index(
                "company",
                "status",
                "recall_at",
                name="orders_order_due",
                condition=models.Q(recall_at__isnull=False),
            ),
            models.Index("company", "agent_id", "created_at", "id", name="orders_order_by_agent"),
            models.Index("company", "team_id", "created_at", "id", name="orders_order_by_team"),
            models.Index(
                "company", "partner_id", "created_at", "id", name="orders_order_by_partner"
            ),
            models.Index("company", "offer_id", "created_at", "id", name="orders_order_by_offer"),
            models.Index(
                "company",
                "import_id",
                "created_at",
                "id",
                name="orders_order_by_import",
                condition=models.Q(import_id__isnull=False),
            ),
            models.Index("company", "phone_hash", name="orders_order_by_phone"),
            models.Index("company", "external_id", name="orders_order_by_external"),
            models.Index("company", "country", name="orders_order_by_country"),
            models.Index(
                "company",
                "status",
                "updated_at",
                name="orders_order_retained",
                condition=models.Q(erased_at=None, status__in=statuses.ENDED),
            ),
            models.Index(
                "company",
                "citizenship",
                name="orders_order_by_citizenship",
                condition=~models.Q(citizenship=""),
            ),
        ]

    def __str__(self) -> str:
        return f"№ {self.number}"

    @classmethod
    def drafted(
        cls,
        draft: OrderDraft,
        verdict: Verdict,
        *,
        by: Entry,
        held: Keys,
        offers: dict[str, uuid.UUID],
    ) -> Order:
        """What becomes of an admitted draft, sealed and not stored; `offers` are ids by name."""
        order = cls(
            company_id=by.company_id,
            status=draft.status,
            reason=draft.reason,
            recall_at=draft.recall_at,
            external_id=draft.external_id,
            country=verdict.country,
            citizenship=verdict.citizenship,
            phone_hash=phone_hash(draft.person.phone, held.index_key),
            phone_country=region_of(draft.person.phone),
            offer_id=offers.get(draft.offer or ""),
            partner_id=draft.partner,
            agent_id=draft.agent,
            currency=draft.currency,
            total=total_of(draft.items) if draft.total is None else draft.total,
            source=draft.source,
            import_id=draft.import_id,
            created_at=draft.created_at,
        )
        order.person = held.seal_person(draft.person, order.id)
        return order

    def edit(self, *, by: Entry, version: int, **fields: Any) -> list[str]:
        """Change what is given of person, items, offer (a name), partner (an id), country,
        citizenship, currency and external_id; returns the names of what differed.

        Raises Conflict when the order is no longer at `version`, Prohibited or NotAdmitted.
        """
        with transaction.atomic():
            self._lock(version)
            held = keys.provided(by)
            before = self._contents(held)
            wanted = before | fields
            verdict = admit(
                person=wanted["person"],
                country=wanted["country"],
                citizenship=wanted["citizenship"],
                prohibited=Jurisdiction.objects.prohibited(),
            )
            wanted |= {"country": verdict.country, "citizenship": verdict.citizenship}
            if any(wanted[name] != before[name] for name in ("country", "citizenship")):
                refuse_uncovered(verdict, coverage.of(by))
            wanted["offer"] = wanted["offer"] or ""
            changed = _differing(before, wanted)
            if changed:
                self._rewrite(before, wanted, by=by, held=held)
                audit.record(by=by, action="order.edited", of=self, fields=changed)
        return changed

    def move(
        self,
        *,
        by: Entry,
        move: str,
        version: int,
        reason: str = "",
        recall_at: datetime | None = None,
        comment: str = "",
    ) -> None:
        """Make the move of that key in `orders.statuses`.

        Raises Conflict when the order is no longer at `version`; MoveRefused with what is unmet.
        """
        with transaction.atomic():
            self._lock(version)
            moves.make(self, move, by=by, reason=reason, recall_at=recall_at, comment=comment)
            if comment.strip():
                self._comment(comment, by=by)

    def say(self, *, by: Entry, text: str) -> Comment:
        """Add a comment, sealed: what is said of a buyer is personal data."""
        with transaction.atomic():
            comment = self._comment(text, by=by)
            audit.record(by=by, action="order.commented", of=self)
        return comment

    def reveal_telephone(self, *, by: Entry) -> str:
        """The whole number, at the price of an entry in the audit."""
        with transaction.atomic():
            phone = self.open_person(keys.provided(by)).phone
            audit.record(by=by, action="order.revealed", of=self)
        return phone

    def telephone_is_open_to(self, by: Entry) -> bool:
        """Whether `by` has the order in hand, and revealed the number since taking it: one entry is
        the price of the whole call, not of each look. At most one statement."""
        if self.status != IN_HAND or self.agent_id != by.membership_id:
            return False
        taken_or_seen = models.Q(action="order.moved") | models.Q(
            action="order.revealed", actor_id=by.user_id
        )
        deeds = AuditEntry.objects.filter(company_id=self.company_id, object_id=self.id)
        last = deeds.filter(taken_or_seen).order_by("-id").first()
        return last is not None and last.action == "order.revealed"

    def assign(self, *, by: Entry, agent_id: uuid.UUID | None) -> None:
        """Give the order to a member of the company; set it free with None.

        Raises PermissionDenied where `by` may not, also for somebody of another team, and
        MoveRefused for an order that is in somebody's hands, or a member who works on no orders.
        """
        with transaction.atomic():
            self._lock()
            agent = self._assignable(agent_id, by=by) if agent_id else None
            if self.status == IN_HAND:
                raise MoveRefused([_("Wait until the order is no longer in somebody's hands.")])
            if not by.may("orders.assign"):
                raise PermissionDenied("This role assigns no orders.")
            self.write(agent_id=agent and agent.id)
            given_to = agent.user_id if agent else None
            audit.record(by=by, action="order.assigned", of=self, person_id=given_to)

    def erase(self, *, by: Entry, because: str, known_by: Buyer | None = None) -> None:
        """Empty the order of its person, for good; `because` is a key of `statuses.ERASURES`, and
        `known_by` is what else the person is known by.

        Raises PermissionDenied where `by` may not.
        """
        with transaction.atomic():
            self._lock()
            if not self.erased_at:
                erasure.erase(self, by=by, because=because, known_by=known_by or Buyer())

    @property
    def prohibition(self) -> Verdict | None:
        """What clause P2 has against this order since the list has grown: work on it stops, and
        the database refuses all but erasing its person. One statement."""
        return self.stands_against(Jurisdiction.objects.prohibited())

    def stands_against(self, prohibited: Collection[str]) -> Verdict | None:
        """The same for a list that is at hand."""
        verdict = judge_stored(
            country=self.country,
            citizenship=self.citizenship,
            phone_country=self.phone_country,
            prohibited=prohibited,
        )
        return verdict if verdict.prohibited else None

    def open_person(self, held: Keys) -> Person:
        return held.open_person(bytes(self.person), self.id)

    def duplicates(self) -> OrderQuerySet:
        """Other orders by the same telephone, newest first, as far as the reader may see them."""
        if self.phone_hash is None:
            return Order.objects.none()
        same = Order.objects.filter(company_id=self.company_id, phone_hash=self.phone_hash)
        return same.exclude(id=self.id).order_by("-created_at", "-id")

    def _lock(self, version: int | None = None) -> None:
        """Hold the row until the transaction ends, and know it as it stands now."""
        self.refresh_from_db(from_queryset=Order.objects.select_for_update())
        if version is not None and version != self.version:
            raise Conflict(self)

    def write(self, **values: Any) -> None:
        """Save these columns as the next version."""
        values |= {"version": self.version + 1, "updated_at": timezone.now()}
        for name, value in values.items():
            setattr(self, name, value)
        self.save(update_fields=list(values))

    def _contents(self, held: Keys) -> dict[str, Any]:
        """All that `edit` may change, as it takes it."""
        return {
            "person": self.open_person(held),
            "items": Item.objects.drafts_of([self])[self.id],
            "offer": self.offer.name if self.offer else "",
            "partner": self.partner_id,
            "country": self.country,
            "citizenship": self.citizenship,
            "currency": self.currency,
            "external_id": self.external_id,
        }

    def _rewrite(
        self, before: dict[str, Any], wanted: dict[str, Any], *, by: Entry, held: Keys
    ) -> None:
        person, items, offer = wanted["person"], wanted["items"], wanted["offer"]
        if items != before["items"]:
            Item.objects.rewrite(self, items)
        if person != before["person"]:
            SearchWord.objects.filter(company_id=self.company_id, order_id=self.id).delete()
            SearchWord.objects.add([(self, person)], held)
        self.write(
            person=held.seal_person(person, self.id),
            phone_hash=phone_hash(person.phone, held.index_key),
            phone_country=region_of(person.phone),
            total=self.total if total_of(items) == total_of(before["items"]) else total_of(items),
            offer_id=Offer.objects.named([offer], by=by).get(offer),
            partner_id=wanted["partner"],
            country=wanted["country"],
            citizenship=wanted["citizenship"],
            currency=wanted["currency"],
            external_id=wanted["external_id"],
        )

    def _comment(self, text: str, *, by: Entry) -> Comment:
        comment = Comment(company_id=self.company_id, order_id=self.id, author_id=by.user_id)
        comment.body = keys.provided(by).seal_comment(text.strip(), comment.id)
        comment.save(force_insert=True)
        return comment

    def _assignable(self, agent_id: uuid.UUID, *, by: Entry) -> Membership:
        """The membership that may get orders from `by`."""
        agent = (
            Membership.objects.select_related("user")
            .filter(company_id=self.company_id, id=agent_id, left_at=None)
            .exclude(role="partner")
            .first()
        )
        if agent is None:
            raise MoveRefused([_("Choose somebody who works on orders here.")])
        own = agent.id == by.membership_id or agent.team_id == by.team_id is not None
        if by.scope("orders.assign") == "team" and not own:
            raise PermissionDenied("Another team's member.")
        return agent


def _differing(before: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """The names of what an edit changes; a person's own by their fields, and never a value."""
    old, new = asdict(before["person"]), asdict(wanted["person"])
    names = [name for name in old if old[name] != new[name]]
    names += [name for name in before if name != "person" and before[name] != wanted[name]]
    return names
