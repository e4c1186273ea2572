"""Webhooks, and what is told to each of them."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final

from django.db import models, transaction
from django.utils import timezone

from accounts import audit
from accounts.gate import Entry
from accounts.models import CompanyOwned, Partner, User, neighbour

RETRIES: Final = tuple(  # after how long, once another attempt has failed
    timedelta(minutes=minutes) for minutes in (1, 5, 30, 2 * 60, 5 * 60, 10 * 60, 24 * 60)
)
TRIES: Final = len(RETRIES) + 1


class Webhook(CompanyOwned):
    """Where a partner's leads are told of, until `ended_at`. The secret that signs is sealed.
    A server that took nothing is left alone until `rests_until`."""

    partner_id = models.UUIDField()
    url = models.CharField(max_length=500)
    secret = models.BinaryField()
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    rests_until = models.DateTimeField(null=True)

    partner = neighbour(Partner, "partner_id")

    def __str__(self) -> str:
        return self.url

    def end(self, *, by: Entry) -> None:
        """Tell nothing more there, nor what waits. Raises DoesNotExist where it has ended."""
        with transaction.atomic():
            audit.record(by=by, action="webhook.ended", of=self)
            living = Webhook.objects.filter(pk=self.pk, ended_at=None)
            if not living.update(ended_at=timezone.now()):
                raise Webhook.DoesNotExist


class Delivery(CompanyOwned):
    """That a lead came into a phase, told to a webhook: the database adds it (migration 0030), with
    all that is told, so that who tells it need not read the lead.

    `next_at` is when it is tried next: None once it was `delivered_at`, or given up. `answer` is
    what came of the last attempt: an HTTP status, or a word of `orders.webhooks.ANSWERS`.
    """

    webhook_id = models.UUIDField()
    lead_id = models.UUIDField()
    external_id = models.CharField(max_length=100)
    payout = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    currency = models.CharField(max_length=3)
    phase = models.CharField(max_length=12)
    reason = models.CharField(max_length=40)
    at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=20)
    delivered_at = models.DateTimeField(null=True)

    webhook = neighbour(Webhook, "webhook_id")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(attempts__lt=TRIES) | models.Q(attempts=TRIES, next_at=None),
                name="orders_delivery_tried_out",
            ),
        ]

    def __str__(self) -> str:
        return self.phase
