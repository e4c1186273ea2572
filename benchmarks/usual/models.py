"""Tables as a CRM would have them: a company on each, and the buyer in plain columns."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from orders import statuses
from orders.money import format_amount


class Company(models.Model):
    name = models.CharField(max_length=120)


class Member(models.Model):
    company = models.ForeignKey(Company, models.CASCADE)
    user = models.ForeignKey(User, models.CASCADE)
    role = models.CharField(max_length=16)


class Offer(models.Model):
    company = models.ForeignKey(Company, models.CASCADE)
    name = models.CharField(max_length=160)


class Partner(models.Model):
    company = models.ForeignKey(Company, models.CASCADE)
    name = models.CharField(max_length=120)


class Order(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    company = models.ForeignKey(Company, models.CASCADE, db_index=False)
    number = models.BigIntegerField()
    status = models.CharField(max_length=16)
    version = models.PositiveIntegerField(default=1)
    external_id = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2, blank=True)
    citizenship = models.CharField(max_length=2, blank=True)
    name = models.CharField(max_length=200)
    phone = models.CharField(max_length=20)
    email = models.CharField(max_length=254)
    address = models.CharField(max_length=400)
    city = models.CharField(max_length=120)
    comment = models.TextField(blank=True)
    offer = models.ForeignKey(Offer, models.PROTECT, null=True)
    partner = models.ForeignKey(Partner, models.PROTECT, null=True)
    agent = models.ForeignKey(Member, models.PROTECT, null=True)
    currency = models.CharField(max_length=3)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    attempts = models.PositiveSmallIntegerField(default=0)
    recall_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=40, blank=True)
    source = models.CharField(max_length=8)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index("company", "created_at", "id", name="usual_order_newest"),
            models.Index("company", "status", "created_at", "id", name="usual_order_by_status"),
            models.Index("company", "phone", name="usual_order_by_phone"),
        ]

    @property
    def state(self) -> statuses.Status:
        return statuses.STATUSES[self.status]

    @property
    def masked_phone(self) -> str:
        return f"{self.phone[:3]} ••• ••• {self.phone[-3:]}"

    @property
    def amount(self) -> str:
        return format_amount(self.total, self.currency)

    @property
    def is_late(self) -> bool:
        return self.recall_at < timezone.now()

    @property
    def due(self) -> str:
        if self.recall_at is None:
            return _spelled(timezone.now() - self.created_at)
        away = _spelled(abs(self.recall_at - timezone.now()))
        return away if self.is_late else _("in %s") % away


def _spelled(span: timezone.timedelta) -> str:
    for words, seconds in ((_("%d d"), 86_400), (_("%d h"), 3_600)):
        if span.total_seconds() >= seconds:
            return words % (span.total_seconds() // seconds)
    return _("%d min") % (span.total_seconds() // 60)
