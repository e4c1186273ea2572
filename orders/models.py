"""Orders and what hangs on them. Every table here belongs to a company and stands under row rules.

The buyer's personal data is in `Order.person` and `Comment.body` alone, sealed (`orders.sealing`);
whatever is searched is searched by keyed hash.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Company, CompanyOwned, Membership, Partner, User


class Offer(CompanyOwned):
    """What is sold: orders are filtered and, later, paid by it."""

    name = models.CharField(_("name"), max_length=160)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "name", name="orders_offer_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Order(CompanyOwned):
    number = models.BigIntegerField(editable=False)  # the database counts, per company
    status = models.CharField(_("status"), max_length=16, default="new")
    version = models.PositiveIntegerField(default=1)  # grows with each write: edits notice edits
    external_id = models.CharField(_("external number"), max_length=100, blank=True, default="")

    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    citizenship = models.CharField(_("citizenship"), max_length=2, blank=True, default="")
    person = models.BinaryField()
    phone_hash = models.BinaryField(max_length=16, null=True)

    offer_id = models.UUIDField(null=True, blank=True)
    partner_id = models.UUIDField(null=True, blank=True)
    agent_id = models.UUIDField(null=True, blank=True)
    team_id = models.UUIDField(null=True, blank=True, editable=False)  # the agent's, by trigger

    currency = models.CharField(_("currency"), max_length=3)
    total = models.DecimalField(_("total"), max_digits=14, decimal_places=2, default=0)

    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    recall_at = models.DateTimeField(_("call again at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=40, blank=True, default="")

    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    offer = models.ForeignObject(
        Offer, models.DO_NOTHING, from_fields=["company", "offer_id"],
        to_fields=["company", "id"], related_name="+", null=True,
    )
    partner = models.ForeignObject(
        Partner, models.DO_NOTHING, from_fields=["company", "partner_id"],
        to_fields=["company", "id"], related_name="+", null=True,
    )
    agent = models.ForeignObject(
        Membership, models.DO_NOTHING, from_fields=["company", "agent_id"],
        to_fields=["company", "id"], related_name="+", null=True,
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "number", name="orders_order_number_once"),
            models.UniqueConstraint(
                "company", "agent_id", name="orders_order_one_open_each",
                condition=models.Q(status="processing"),
            ),
            models.CheckConstraint(condition=models.Q(total__gte=0), name="orders_order_total"),
        ]
        indexes: ClassVar = [
            models.Index("company", "created_at", "id", name="orders_order_newest"),
            models.Index("company", "status", "created_at", "id", name="orders_order_by_status"),
            models.Index("company", "agent_id", "created_at", "id", name="orders_order_by_agent"),
            models.Index(
                "company", "partner_id", "created_at", "id", name="orders_order_by_partner"
            ),
            models.Index("company", "offer_id", "created_at", "id", name="orders_order_by_offer"),
            models.Index("company", "phone_hash", name="orders_order_by_phone"),
            models.Index("company", "external_id", name="orders_order_by_external"),
        ]

    def __str__(self) -> str:
        return f"№ {self.number}"


class Item(CompanyOwned):
    order_id = models.UUIDField()
    position = models.PositiveSmallIntegerField()
    name = models.CharField(_("name"), max_length=200)
    sku = models.CharField(_("article"), max_length=80, blank=True, default="")
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=2)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "company", "order_id", "position", name="orders_item_position_once"
            ),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=1, price__gte=0), name="orders_item_amounts"
            ),
        ]


class SearchWord(models.Model):
    """A keyed hash of something in a sealed person, so that equality finds the order."""

    pk = models.CompositePrimaryKey("company_id", "word", "order_id")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+", db_index=False)
    word = models.BinaryField(max_length=16)
    order_id = models.UUIDField()

    class Meta:
        indexes: ClassVar = [
            models.Index("company", "order_id", name="orders_searchword_of_order"),
        ]


class Comment(CompanyOwned):
    order_id = models.UUIDField()
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [
            models.Index("company", "order_id", "id", name="orders_comment_of_order"),
        ]


class Import(CompanyOwned):
    """One uploaded file on its way to orders: counts here, its rows in chunks until they are."""

    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=255)
    rows = models.PositiveIntegerField()
    drafts = models.PositiveIntegerField()  # orders that the file holds, the refused included
    created = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    prohibited = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)


class ImportChunk(CompanyOwned):
    """A sealed run of drafts that are not orders yet; deleted in the transaction that makes them."""

    import_id = models.UUIDField()
    position = models.PositiveIntegerField()
    drafts = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "company", "import_id", "position", name="orders_importchunk_once"
            ),
        ]


class ImportRefusal(CompanyOwned):
    """Rows of a file that did not become an order, and why; `body` is sealed, and empty for a
    prohibited person, of whom nothing is kept."""

    import_id = models.UUIDField()
    line = models.PositiveIntegerField()
    reasons = models.JSONField()
    body = models.BinaryField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "import_id", "line", name="orders_refusal_once"),
        ]


