from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import CompanyOwned
from orders.intake import ItemDraft

if TYPE_CHECKING:
    from orders.models.orders import Order


class ItemQuerySet(models.QuerySet["Item"]):
    def add(self, contents: Iterable[tuple[Order, Sequence[ItemDraft]]]) -> None:
        self.bulk_create(
            Item(
                company_id=order.company_id,
                order_id=order.id,
                position=position,
                **asdict(draft),
            )
            for order, drafts in contents
            for position, draft in enumerate(drafts, 1)
        )


class Item(CompanyOwned):
    order_id = models.UUIDField()
    position = models.PositiveSmallIntegerField()
    name = models.CharField(_("name"), max_length=200)
    sku = models.CharField(_("article"), max_length=80, blank=True, default="")
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=2)

    objects = ItemQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "company", "order_id", "position", name="orders_item_position_once"
            ),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=1, price__gte=0), name="orders_item_amounts"
            ),
        ]

    @property
    def draft(self) -> ItemDraft:
        return ItemDraft(self.name, self.price, self.quantity, self.sku)

    @property
    def sum(self) -> Decimal:
        return self.draft.sum
