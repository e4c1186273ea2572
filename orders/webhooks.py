"""Partners' servers are told when a lead changes its phase: by Standard Webhooks, signed, without a
person (standardwebhooks.com).

What is to be told the database writes down with the change itself. The worker asks each second
which companies have something due, and a job of each tells it under a pass of whoever set the
webhook. An attempt counts before it is made, so a worker that dies is followed by one that tries
again: whoever is told may be told twice, by the same webhook-id.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit, gate, jobpasses
from accounts.gate import Entry
from accounts.models import Partner
from orders import keys
from orders.models import Delivery, Webhook
from orders.models.webhooks import RETRIES, TRIES
from orders.sealing import SealBroken

TASK: Final = "orders.tell"
QUEUE: Final = "webhooks"
REACH: Final = ["webhooks.manage", "persons.open"]  # the secret is sealed with the company's key
LASTING: Final = timedelta(minutes=10)
SEALED: Final = "webhook.secret"
EVENT: Final = "lead.phase_changed"
REST: Final = timedelta(minutes=1)  # of a server that took nothing
KEPT: Final = timedelta(days=30)
AT_ONCE: Final = 100  # deliveries that a job takes up
BUDGET: Final = 20  # seconds that a job goes on calling: others wait for the worker
AT_REST: Final = Q(webhook__rests_until__gt=Now())

ANSWERS: Final[dict[str, Any]] = {
    "": _("not tried yet"),
    "name": _("the name leads nowhere"),
    "address": _("the address is not public"),
    "connection": _("no connection"),
    "encryption": _("no secure connection"),
    "silence": _("no answer in time"),
    "nonsense": _("no answer in HTTP"),
}


class CallFailed(Exception):
    """Nobody answered; `why` is a key of ANSWERS."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


Call = Callable[[str, bytes, Mapping[str, str]], int]
_calls: list[Call] = []


def register_call(call: Call) -> None:
    """`call` posts a body with these headers to an address, and returns the status, or raises
    CallFailed. The one way out of the process is kept above (`crmsite.calls`)."""
    _calls[:] = [call]


# In the request


def make(*, by: Entry, partner: Partner, url: str) -> str:
    """Tell this partner's leads there from now on: the secret that signs, shown once."""
    raw = secrets.token_bytes(32)
    webhook = Webhook(
        company_id=by.company_id,
        partner_id=partner.id,
        url=url,
        made_by_id=by.user_id,
        made_at=timezone.now(),
    )
    webhook.secret = keys.provided(by).seal(raw, row_id=webhook.id, purpose=SEALED)
    with transaction.atomic():
        webhook.save(force_insert=True)
        audit.record(by=by, action="webhook.made", of=webhook, partner=partner.name)
    return "whsec_" + base64.b64encode(raw).decode()


def send_again(delivery: Delivery, *, by: Entry) -> None:
    """Tell it once more, now, as often as a new one."""
    with transaction.atomic():
        audit.record(by=by, action="webhook.sent_again", of=delivery)
        Delivery.objects.filter(pk=delivery.pk).update(
            attempts=0, next_at=timezone.now(), delivered_at=None
        )


# Each second


def begin_everywhere() -> int:
    """Have the due deliveries made of each company whose job is not there yet; in how many."""
    found = gate.telling()
    for company_id, user_id in found:
        whose = Entry(user_id=user_id, company_id=company_id)
        secret = gate.open_job_pass(whose, reach=REACH, lasting=LASTING)
        jobpasses.queue(TASK, secret, queue=QUEUE, name=job_name(company_id), company_id=company_id)
    return len(found)


def job_name(company_id: int) -> str:
    return f"webhooks {company_id}"


# In the worker


def work_through(secret: str) -> None:
    """Make what is due, one after another, until the budget is used up. Raises PassEnded."""
    ends = time.monotonic() + BUDGET
    for delivery_id in due(secret):
        if time.monotonic() < ends:
            tell(delivery_id, secret)
    with working_for(secret) as by:
        forget_old(by)
        gate.end_pass(secret)


def due(secret: str) -> list[UUID]:
    with working_for(secret) as by:
        found = waiting(by).order_by("next_at").values_list("id", flat=True)
        return list(found[:AT_ONCE])


def waiting(by: Entry) -> QuerySet[Delivery]:
    """What is to be told now, to those that do not rest."""
    return Delivery.objects.filter(company_id=by.company_id, next_at__lte=Now()).exclude(AT_REST)


def tell(delivery_id: UUID, secret: str) -> None:
    with working_for(secret) as by:
        attempt = _attempted(delivery_id, by)
    if attempt is None:
        return
    delivery, url, body, headers = attempt
    try:
        answer = str(_calls[0](url, body, headers))
    except CallFailed as failure:
        answer = failure.why
    with working_for(secret):
        _note(delivery, answer, taken=answer.startswith("2"))


def _attempted(delivery_id: UUID, by: Entry) -> tuple[Delivery, str, bytes, dict[str, str]] | None:
    """What is to be sent where, counted as tried; None where it waits no more, and where SQL has
    put what is no secret of ours: that keeps no others waiting."""
    found = waiting(by).filter(id=delivery_id).select_related("webhook")
    delivery = found.select_for_update(of=("self",)).first()
    if delivery is None or delivery.webhook is None:
        return None
    delivery.attempts += 1
    delivery.next_at = next_try(delivery.attempts)
    delivery.save(update_fields=["attempts", "next_at"])
    webhook, body = delivery.webhook, body_of(delivery)
    try:
        key = keys.provided(by).open(bytes(webhook.secret), row_id=webhook.id, purpose=SEALED)
    except SealBroken:
        return None
    return delivery, webhook.url, body, signed(delivery.id, body, key, timezone.now())


def _note(delivery: Delivery, answer: str, *, taken: bool) -> None:
    """Not for one that was sent again meanwhile. Whoever took nothing is left alone for a while:
    each call of a server that is away takes seconds from others'."""
    if not taken:
        resting = Webhook.objects.filter(company_id=delivery.company_id, id=delivery.webhook_id)
        resting.update(rests_until=timezone.now() + REST)
    changes = {"answer": answer} | (
        {"delivered_at": timezone.now(), "next_at": None} if taken else {}
    )
    Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts).update(**changes)


def next_try(attempts: int) -> datetime | None:
    """When to try again, should this attempt fail; None where it is the last."""
    if attempts >= TRIES:
        return None
    return timezone.now() + RETRIES[attempts - 1]


def body_of(delivery: Delivery) -> bytes:
    told = {
        "type": EVENT,
        "timestamp": delivery.at.isoformat(),
        "data": {
            "id": str(delivery.lead_id),
            "external_id": delivery.external_id,
            "phase": delivery.phase,
            "reason": delivery.reason,
            "payout": None if delivery.payout is None else str(delivery.payout),
            "currency": delivery.currency,
        },
    }
    return json.dumps(told, separators=(",", ":")).encode()


def signed(message_id: UUID, body: bytes, key: bytes, at: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks: which message, when sent, and by whom."""
    moment = str(int(at.timestamp()))
    content = b".".join([str(message_id).encode(), moment.encode(), body])
    signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{signature}",
    }


def forget_old(by: Entry) -> None:
    """What was told, or given up, a month ago."""
    Delivery.objects.filter(
        company_id=by.company_id, next_at=None, at__lt=timezone.now() - KEPT
    ).delete()


def working_for(secret: str) -> AbstractContextManager[Entry]:
    return jobpasses.working(secret, "webhooks.manage")
