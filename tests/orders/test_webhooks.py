"""Partners' servers are told of their leads: what, how signed, how often, and where never."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import time
from datetime import timedelta
from threading import Thread

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import attacks, gate
from accounts.models import AuditEntry, Partner
from crmsite import calls, egress
from orders import tasks, webhooks
from orders.models import Delivery, Lead, Order, Webhook
from orders.webhooks import CallFailed
from tests.jobs import forget
from tests.jobs import told as jobs
from tests.orders.receiving import receiving
from tests.orders.sending import key_of, send
from tests.people import adam, ann, as_, bea, gail, pat, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]

PAGE = "/company/webhooks/"


def webhook_to(url: str, *, partner: str = "wm14") -> bytes:
    """A webhook that Adam set: the secret that signs."""
    with as_(adam) as by:
        found = Partner.objects.get(company_id=by.company_id, name=partner)
        secret = webhooks.make(by=by, partner=found, url=url)
    return base64.b64decode(secret.removeprefix("whsec_"))


def a_lead(key: str = "", **fields: str) -> str:
    return send(key or key_of(), **fields).json()["id"]


def trash(lead_id: str, someone=ann, reason: str = "duplicate") -> None:
    with as_(someone) as by:
        order = Order.objects.get(id=lead_id)
        order.move(by=by, move="trash", version=order.version, reason=reason)


def tell() -> None:
    """What the worker and its jobs do in a second."""
    with gate.vouching():
        webhooks.begin_everywhere()
    for args in jobs(webhooks.TASK):
        tasks.tell_partners(**args)
    forget(webhooks.TASK)


def deliveries() -> list[Delivery]:
    with as_(ann):
        return list(Delivery.objects.order_by("at", "id"))


def due_now() -> None:
    with as_(ann):
        Delivery.objects.exclude(next_at=None).update(next_at=timezone.now())
        Webhook.objects.update(rests_until=None)


def test_a_new_phase_is_told_signed_and_without_a_person(partners_server):
    secret = webhook_to(partners_server.url("/hook?a=b"))
    lead_id = a_lead(key_of(payout="12.50"))
    tell()
    assert partners_server.told == []  # the answer to the lead told its first phase
    trash(lead_id)
    tell()
    [(path, headers, body)] = partners_server.told
    assert path == "/hook?a=b" and headers["content-type"] == "application/json"
    told = json.loads(body)
    assert told["type"] == "lead.phase_changed" and told["timestamp"]
    assert told["data"] == {
        "id": lead_id,
        "external_id": "L-1",
        "phase": "trash",
        "reason": "duplicate",
        "payout": "12.50",
        "currency": "EUR",
    }
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert abs(int(headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60
    [delivery] = deliveries()
    assert str(delivery.id) == headers["webhook-id"]
    assert (delivery.answer, delivery.attempts, delivery.next_at) == ("204", 1, None)
    assert delivery.delivered_at


def test_what_keeps_its_phase_is_not_told(partners_server):
    webhook_to(partners_server.url())
    lead_id = a_lead()
    with as_(ann) as by:
        order = Order.objects.get(id=lead_id)
        order.assign(by=by, agent_id=gail.membership().id)
    with as_(gail) as by:
        Order.objects.take_next(by=by)
    tell()
    assert partners_server.told == [] and deliveries() == []


def test_an_erasure_is_told_as_any_other_end(partners_server):
    webhook_to(partners_server.url())
    lead_id = a_lead()
    with as_(ann) as by:
        Order.objects.get(id=lead_id).erase(by=by, because="request")
    tell()
    [(_path, _headers, body)] = partners_server.told
    assert json.loads(body)["data"]["phase"] == "trash"


def test_a_partner_is_told_of_no_others_leads(partners_server):
    with as_(ann) as by:
        Partner.objects.create(company_id=by.company_id, name="wm15")
    webhook_to(partners_server.url(), partner="wm15")
    trash(a_lead())
    tell()
    assert partners_server.told == []


def test_who_does_not_take_it_is_told_again_from_a_minute_to_a_day(partners_server):
    webhook_to(partners_server.url())
    trash(a_lead())
    partners_server.status = 503
    waited = []
    for _ in range(len(webhooks.RETRIES) + 1):
        before = timezone.now()
        tell()
        [delivery] = deliveries()
        wait = delivery.next_at and delivery.next_at - before
        waited.append(wait and round(wait / timedelta(minutes=1)))
        due_now()
    assert waited == [1, 5, 30, 120, 300, 600, 1440, None]
    assert delivery.answer == "503" and delivery.delivered_at is None
    tell()
    assert len(partners_server.told) == 8
    assert len({headers["webhook-id"] for _path, headers, _body in partners_server.told}) == 1


def test_nothing_is_told_before_its_time(partners_server):
    webhook_to(partners_server.url())
    trash(a_lead())
    partners_server.status = 500
    tell()
    tell()
    assert len(partners_server.told) == 1


def test_a_redirect_is_not_followed(partners_server):
    with receiving() as elsewhere:
        webhook_to(partners_server.url())
        partners_server.status = 307
        partners_server.headers = {"Location": elsewhere.url()}
        trash(a_lead())
        tell()
        assert elsewhere.told == []
    assert deliveries()[0].answer == "307" and deliveries()[0].next_at


def test_who_is_slow_is_left(partners_server, monkeypatch):
    monkeypatch.setattr(calls, "PATIENCE", 0.2)
    webhook_to(partners_server.url())
    partners_server.silence = 1
    trash(a_lead())
    tell()
    assert deliveries()[0].answer == "silence"


@pytest.mark.parametrize(
    ("head", "more"),
    [(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n"), (b"HTTP", b"x"), (b"", b"")],
)
def test_who_answers_without_an_end_is_left(monkeypatch, head, more):
    monkeypatch.setattr(calls, "DEADLINE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def drip() -> None:
            line, _address = server.accept()
            with line:
                line.sendall(head)
                for _ in range(100):
                    time.sleep(0.1)
                    try:
                        line.sendall(more)
                    except OSError:
                        return

        Thread(target=drip, daemon=True).start()
        with pytest.raises(CallFailed, match="silence"):
            calls.post(f"http://127.0.0.1:{port}/", b"{}", {})


def test_where_nobody_listens_no_more_is_tried_in_that_minute(partners_server):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    webhook_to(f"http://127.0.0.1:{port}/")
    webhook_to(partners_server.url())
    key = key_of()
    for number in range(2):
        trash(a_lead(key, external_id=f"L-{number}"))
    tell()
    assert len(partners_server.told) == 2
    assert sorted(each.attempts for each in deliveries()) == [0, 1, 1, 1]


def test_what_is_no_secret_keeps_no_others_waiting(partners_server):
    with as_(adam) as by:
        Webhook.objects.create(
            company_id=by.company_id,
            partner_id=Partner.objects.get(name="wm14").id,
            url=partners_server.url(),
            secret=b"garbage",
            made_by_id=by.user_id,
            made_at=timezone.now(),
        )
    webhook_to(partners_server.url())
    trash(a_lead())
    tell()
    assert len(partners_server.told) == 1
    assert [delivery.attempts for delivery in deliveries()] == [1, 1]


def test_it_is_told_once_more_by_hand(partners_server, client):
    webhook_to(partners_server.url())
    trash(a_lead())
    tell()
    [delivery] = deliveries()
    sign_in(client, adam)
    answer = client.post(f"{PAGE}deliveries/{delivery.id}/", follow=True)
    assert "once more within a minute" in answer.content.decode()
    tell()
    assert len(partners_server.told) == 2
    with as_(ann):
        assert AuditEntry.objects.filter(action="webhook.sent_again").count() == 1


def test_a_webhook_that_ended_is_told_nothing_more(partners_server, client):
    webhook_to(partners_server.url())
    trash(a_lead())
    with as_(ann):
        webhook_id = Webhook.objects.get().id
    sign_in(client, adam).post(f"{PAGE}{webhook_id}/end/")
    tell()
    assert partners_server.told == []
    [delivery] = deliveries()
    assert delivery.next_at is None
    assert client.post(f"{PAGE}deliveries/{delivery.id}/").status_code == 404
    assert client.post(f"{PAGE}{webhook_id}/end/").status_code == 404


def test_it_is_told_in_anothers_name_when_who_set_it_has_left(partners_server):
    webhook_to(partners_server.url())
    trash(a_lead())
    membership = adam.membership()
    with as_(ann) as by:
        membership.end(by=by)
    tell()
    assert len(partners_server.told) == 1


def test_what_was_told_a_month_ago_is_forgotten(partners_server, monkeypatch):
    webhook_to(partners_server.url())
    trash(a_lead())
    monkeypatch.setattr(webhooks, "KEPT", timedelta(0))
    tell()
    assert len(partners_server.told) == 1 and deliveries() == []


# Where a webhook never leads


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1",
        "fc00::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1",
        "2002:a00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "fe80::1%eth0", "localhost", "",
        "192.0.0.192", "168.63.129.16", "fec0::1", "::7f00:1", "::a9fe:a9fe",
    ],
)  # fmt: skip
def test_no_address_but_a_public_one_is_called(settings, address):
    settings.WEBHOOKS_TO_LOOPBACK = False
    assert not egress.may_be_called(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111"])
def test_public_ones_are(settings, address):
    settings.WEBHOOKS_TO_LOOPBACK = False
    assert egress.may_be_called(address)


@pytest.fixture
def names(monkeypatch) -> dict[str, list[str]]:
    """What each name leads to; looked up anew each time."""
    known: dict[str, list[str]] = {}

    def look_up(host: str, *_more: object, **_options: object) -> list[object]:
        if host not in known:
            raise socket.gaierror
        return [(2, 1, 6, "", (each, 0)) for each in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.mark.parametrize(
    ("url", "leads_to"),
    [
        ("https://partner.example/", ["10.0.0.5"]),
        ("https://partner.example/", ["1.1.1.1", "127.0.0.1"]),
        ("https://169.254.169.254/latest/meta-data/", ["169.254.169.254"]),
        ("https://[::ffff:127.0.0.1]/", ["::ffff:127.0.0.1"]),
        ("http://partner.example/", ["1.1.1.1"]),
    ],
)
def test_a_name_that_leads_into_a_private_network_is_not_called(
    settings, names, monkeypatch, url, leads_to
):
    settings.WEBHOOKS_TO_LOOPBACK = False
    host = url.split("//")[1].split("/")[0].strip("[]")
    names[host] = leads_to
    monkeypatch.setattr(socket, "create_connection", lambda *_a, **_o: pytest.fail("was called"))
    with pytest.raises(CallFailed, match="address"):
        calls.post(url, b"{}", {})


def test_the_address_that_was_judged_is_the_one_that_is_called(names, monkeypatch):
    """A name server that answers otherwise the second time leads nowhere else."""
    names["partner.example"] = ["1.1.1.1"]
    called = []

    def connect(address: tuple[str, int], **_options: object) -> None:
        called.append(address)
        names["partner.example"] = ["127.0.0.1"]
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(CallFailed, match="connection"):
        calls.post("https://partner.example:8443/", b"{}", {})
    assert called == [("1.1.1.1", 8443)]


@pytest.mark.parametrize("url", ["https://nowhere.example/", "https://[/", "ftp://a.example/", ""])
def test_what_leads_nowhere_is_said_to(names, url):
    with pytest.raises(CallFailed, match="name"):
        calls.post(url, b"{}", {})


def test_only_the_worker_calls_and_only_where_a_webhook_leads(settings, monkeypatch):
    settings.WEBHOOKS_TO_LOOPBACK = False
    web = egress.judges_of(frozenset())["socket.connect"]
    worker = egress.judges_of(frozenset(), webhooks=True)["socket.connect"]
    with egress.calling("1.1.1.1", "10.0.0.5"):
        worker(None, ("1.1.1.1", 443))
        for judge, address in ((web, "1.1.1.1"), (worker, "8.8.8.8"), (worker, "10.0.0.5")):
            with pytest.raises(egress.Refused):
                judge(None, (address, 443))
    with pytest.raises(egress.Refused):
        worker(None, ("1.1.1.1", 443))


# The page, and the rules


def fill(client: Client, url: str = "https://partner.example/hook"):
    with as_(ann):
        partner = Partner.objects.get(name="wm14").id
    return client.post(PAGE, {"partner": str(partner), "url": url})


def test_the_secret_is_shown_once_and_sealed(client):
    sign_in(client, adam)
    answer = fill(client)
    shown = answer.context["secret"]
    assert answer.status_code == 200 and shown.startswith("whsec_")
    assert "no-store" in answer["Cache-Control"]
    page = client.get(PAGE).content.decode()
    assert "https://partner.example/hook" in page and shown not in page
    with as_(ann):
        stored = bytes(Webhook.objects.get().secret)
    assert base64.b64decode(shown.removeprefix("whsec_")) not in stored


@pytest.mark.parametrize(
    "url",
    ["http://partner.example/", "https://a:b@partner.example/", "javascript:1", "", "x" * 600],
)
def test_an_address_that_is_not_right_is_refused(client, settings, url):
    settings.WEBHOOKS_TO_LOOPBACK = False
    assert fill(sign_in(client, adam), url).status_code == 422
    with as_(ann):
        assert not Webhook.objects.exists()


@pytest.mark.parametrize("someone", [gail, pat, bea], ids=str)
def test_only_who_runs_the_company_sets_webhooks_and_sees_them(client, partners_server, someone):
    webhook_to(partners_server.url())
    trash(a_lead())
    sign_in(client, someone)
    if someone is not bea:
        assert client.get(PAGE).status_code == fill(client).status_code == 403
    with as_(someone) as by:
        assert not Webhook.objects.exists() and not Delivery.objects.exists()
        assert attacks.attempt("UPDATE orders_webhook SET ended_at = now()") == []
        assert attacks.attempt("UPDATE orders_delivery SET next_at = NULL") == []
        assert attacks.attempt("DELETE FROM orders_delivery") == []
        row = Webhook(company_id=1, partner_id=gate.UUID(int=1), url="x", made_by_id=by.user_id)
        row.secret, row.made_at = b"x", timezone.now()
        with pytest.raises(DatabaseError), transaction.atomic():
            row.save(force_insert=True)
    with as_(ann):
        assert Webhook.objects.filter(ended_at=None).count() == 1
        assert Delivery.objects.exclude(next_at=None).count() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders_webhook SET url = 'https://elsewhere.example/'",
        "UPDATE orders_webhook SET secret = ''",
        "UPDATE orders_delivery SET phase = 'approved'",
        "INSERT INTO orders_delivery SELECT * FROM orders_delivery",
        "SELECT * FROM gate.telling('')",
    ],
)
def test_not_even_an_admin_rewrites_what_is_told_or_where(partners_server, statement):
    webhook_to(partners_server.url())
    trash(a_lead())
    with as_(adam):
        assert attacks.refused(statement)


@pytest.mark.django_db(transaction=True)
def test_an_order_that_is_gone_takes_its_lead_and_what_was_told_along(superuser):
    webhook_to("http://127.0.0.1:9/")
    lead_id = a_lead()
    trash(lead_id)
    superuser.execute("ALTER TABLE orders_order DISABLE TRIGGER USER")
    superuser.execute("DELETE FROM orders_order WHERE id = %s", [lead_id])
    with as_(ann):
        assert not Lead.objects.exists() and not Delivery.objects.exists()


def test_the_page_asks_in_the_same_statements_for_many(client, partners_server):
    webhook_to(partners_server.url())
    key = key_of()
    trash(a_lead(key))
    tell()
    sign_in(client, adam).get(PAGE)
    with CaptureQueriesContext(connection) as few:
        client.get(PAGE)
    asked = len(few)
    for number in range(3):
        trash(a_lead(key, external_id=f"M-{number}"))
    with CaptureQueriesContext(connection) as many:
        assert "M-2" in client.get(PAGE).content.decode()
    assert len(many) == asked > 0


def test_older_deliveries_are_a_page_further(client, partners_server, monkeypatch):
    monkeypatch.setattr("orders.views.webhooks.PAGE", 2)
    webhook_to(partners_server.url())
    key = key_of()
    for number in range(3):
        trash(a_lead(key, external_id=f"M-{number}"))
    first = sign_in(client, adam).get(PAGE)
    assert [each["delivery"].external_id for each in first.context["deliveries"]] == [
        "M-2", "M-1",
    ]  # fmt: skip
    older = client.get(first.context["older_url"])
    assert [each["delivery"].external_id for each in older.context["deliveries"]] == ["M-0"]
    assert client.get(PAGE, {"before": "nonsense"}).status_code == 404
