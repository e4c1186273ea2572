from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

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

    def rewrite(self, order: Order, items: Sequence[ItemDraft]) -> None:
        """These instead of those that the order has."""
        self.filter(company_id=order.company_id, order_id=order.id).delete()
        self.add([(order, items)])

    def drafts_of(self, orders: Iterable[Order]) -> dict[UUID, list[ItemDraft]]:
        """Order's id -> its items as they were drafted, in their places. One statement."""
        companies = {order.id: order.company_id for order in orders}
        found = self.filter(company_id__in={*companies.values()}, order_id__in=[*companies])
        drafts: dict[UUID, list[ItemDraft]] = {order_id: [] for order_id in companies}
        for item in found.order_by("position"):
            drafts[item.order_id].append(item.draft)
        return drafts


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
