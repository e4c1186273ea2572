"""Leads: orders that a partner's machine sent, as it may read them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import CompanyOwned


class Lead(CompanyOwned):
    """How far the order of the same id is, for whoever sent it: a phase of `orders.statuses`, and
    the key of the reason where it came to nothing. The database keeps it so (migration 0026).

    `digest` is a keyed hash of what was sent, by which the same lead sent again is known; `payout`
    is what the key promised for it once it is approved.
    """

    partner_id = models.UUIDField()
    external_id = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, null=True)
    phase = models.CharField(max_length=12)
    reason = models.CharField(max_length=40)
    payout = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "company", "partner_id", "external_id", name="orders_lead_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index("company", "partner_id", "updated_at", "id", name="orders_lead_by_change"),
        ]

    def __str__(self) -> str:
        return self.external_id
