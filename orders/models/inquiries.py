"""What is asked about one buyer."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import CompanyOwned, User


class InquiryQuerySet(models.QuerySet["Inquiry"]):
    def living(self) -> InquiryQuerySet:
        going_on = models.Q(erasing_at__isnull=False, erased_at=None)
        return self.filter(models.Q(expires_at__gt=Now()) | going_on)


class Inquiry(CompanyOwned):
    """What a company holds about one buyer, asked for and perhaps erased. Whom it is about is
    sealed; it is kept for a day, and where the buyer is erased, until then."""

    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    buyer = models.BinaryField(null=True)
    read = models.PositiveBigIntegerField(default=0)  # sealed rows, of `total`
    total = models.PositiveBigIntegerField(default=0)
    found = models.JSONField(default=dict)  # `orders.mentions`' names -> ids of rows
    erased = models.JSONField(default=dict)  # how many orders, comments, lines and so on
    started_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)  # when all was read through
    erasing_at = models.DateTimeField(null=True)
    kept = models.JSONField(default=list)  # ids of orders that the erasure leaves as they are
    ground = models.CharField(max_length=16, blank=True)  # why: a key of `erasure.GROUNDS`
    erased_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    objects = InquiryQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(erased_at=None) ^ models.Q(buyer=None, found={}),
                name="orders_inquiry_erased",
            ),
            models.CheckConstraint(
                condition=models.Q(kept=[]) ^ ~models.Q(ground=""), name="orders_inquiry_ground"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} UTC"
