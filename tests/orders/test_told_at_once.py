"""Partners are told within seconds, by a real worker; a server that takes nothing keeps nobody
waiting, nor does what SQL writes."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import gate
from orders import webhooks
from orders.models import Delivery, Webhook
from orders.models.webhooks import TRIES
from tests.jobs import told as jobs
from tests.orders.sending import key_of
from tests.orders.test_import_workers import PATIENCE, worker
from tests.orders.test_webhooks import a_lead, deliveries, tell, trash, webhook_to
from tests.people import adam, ann, as_

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_a_worker_tells_of_a_phase_within_seconds(partners_server, monkeypatch):
    monkeypatch.setenv("WEBHOOKS_TO_LOOPBACK", "1")
    webhook_to(partners_server.url())
    key = key_of()
    leads = [a_lead(key, external_id=f"L-{number}") for number in range(4)]
    with worker():
        waits = [told_after(lead, partners_server) for lead in leads]
    assert len(partners_server.told) == 4
    assert min(waits[1:]) < 10, waits  # the first waits for the worker's start


def told_after(lead: str, receiver) -> float:
    """Seconds from a lead's new phase until its partner's server knows."""
    known, began = len(receiver.told), time.monotonic()
    trash(lead)
    while len(receiver.told) == known:
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.02)
    return time.monotonic() - began


def test_a_page_that_changes_a_phase_queues_no_job():
    webhook_to("http://127.0.0.1:9/")
    lead = a_lead()
    with CaptureQueriesContext(connection) as asked:
        trash(lead)
    assert not [each for each in asked if "procrastinate" in each["sql"]]
    assert len(deliveries()) == 1 and jobs(webhooks.TASK) == []


def test_a_company_has_one_job_at_a_time(partners_server):
    webhook_to(partners_server.url())
    trash(a_lead())
    with gate.vouching():
        assert [webhooks.begin_everywhere() for _ in range(3)] == [1, 0, 0]
    assert len(jobs(webhooks.TASK)) == 1


def test_a_server_that_took_nothing_rests_with_what_comes_meanwhile(partners_server):
    webhook_to(partners_server.url())
    key = key_of()
    partners_server.status = 500
    trash(a_lead(key))
    tell()
    partners_server.status = 204
    trash(a_lead(key, external_id="L-2"))
    tell()
    assert [each.attempts for each in deliveries()] == [1, 0]
    with as_(adam):
        Webhook.objects.update(rests_until=timezone.now())
    tell()
    assert [each.answer for each in deliveries()] == ["500", "204"]


@pytest.mark.parametrize(
    "change",
    [
        {"attempts": 32_767, "next_at": None},
        {"attempts": TRIES, "next_at": timezone.now()},
        {"attempts": TRIES + 1},
        {"attempts": -1},
    ],
    ids=["as far as it goes", "all, and due", "one too many", "less than none"],
)
def test_the_database_counts_no_further_than_one_is_tried(change):
    webhook_to("http://127.0.0.1:9/")
    trash(a_lead())
    [before] = deliveries()
    with as_(adam), pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.update(**change)
    [after] = deliveries()
    assert (after.attempts, after.next_at) == (before.attempts, before.next_at)


def test_the_last_try_that_sql_leaves_is_made_and_keeps_no_others_waiting(partners_server):
    webhook_to(partners_server.url())
    key = key_of()
    for number in range(2):
        trash(a_lead(key, external_id=f"L-{number}"))
    with as_(adam):
        Delivery.objects.filter(external_id="L-0").update(attempts=TRIES - 1)
        Delivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    partners_server.status = 500
    tell()
    assert [(each.attempts, bool(each.next_at)) for each in deliveries()].count((TRIES, False)) == 1
    partners_server.status = 204
    with as_(ann):
        Webhook.objects.update(rests_until=None)
        Delivery.objects.exclude(next_at=None).update(next_at=timezone.now())
    tell()
    assert deliveries()[-1].answer == "204"
