"""The lead API, over HTTP: what a sender may do, and how it is told what went wrong."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry
from orders import keys
from orders.models import Item, Lead, Order, SearchWord
from policy.models import Policy, PolicyVersion
from policy.refusals import Refusal
from tests.orders.sending import LEAD, ask, authorization, key_of, post, send
from tests.people import ann, as_, pat, sign_in

pytestmark = pytest.mark.django_db

PROBLEM = "application/problem+json"


def count() -> int:
    with as_(ann):
        return Order.objects.count()


def refused(answer, status: int, kind: str) -> dict:
    told = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM), answer.content
    assert told["type"] == f"urn:covenant:problem:{kind}"
    assert told["status"] == status
    return told


def test_a_lead_becomes_an_order_of_the_senders_partner():
    answer = send(key_of(), quantity=2, click_id="c-9", address="Str. Unirii 1")
    told = answer.json()
    assert answer.status_code == 201
    assert told == {"id": told["id"], "external_id": "L-1", "phase": "wait"}
    with as_(ann) as by:
        order = Order.objects.get(id=told["id"])
        person = keys.provided(by).open_person(order.person, order.id)
        item = Item.objects.get(order_id=order.id)
        assert order.source == "api" and order.status == "new" and order.agent_id is None
        assert order.partner.name == "wm14" and order.offer.name == "Kettle"
        assert order.external_id == "L-1" and str(order.total) == "99.80"
        assert (item.name, item.quantity) == ("Kettle", 2)
        assert (person.name, person.phone, person.address) == (
            "Ana Pop",
            "+40721234643",
            "Str. Unirii 1",
        )
        assert person.extra == {"sub1": "banner", "click_id": "c-9"}
        assert SearchWord.objects.filter(order_id=order.id).exists()
        assert Order.objects.filter(phone_hash=order.phone_hash).count() == 2  # the buyer's other


def test_the_audit_names_who_answers_for_the_key():
    lead_id = send(key_of()).json()["id"]
    with as_(ann) as by:
        entry = AuditEntry.objects.get(object_id=lead_id)
        number = Order.objects.get(id=lead_id).number
    assert (entry.actor_name, entry.action) == ("Pat", "order.added")
    assert entry.object_name == f"№ {number}"
    assert entry.changes == {"source": "api", "key": "Landing pages"}
    assert entry.company_id == by.company_id


def test_the_same_lead_again_is_the_same_lead():
    key = key_of()
    first, again = send(key), post(key, dict(reversed(LEAD.items())))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert send(key_of()).json() == first.json()  # another key of the same partner
    with as_(ann):
        assert Lead.objects.count() == 1


def test_another_lead_under_the_same_number_is_refused():
    key = key_of()
    first = send(key).json()
    before = count()
    told = refused(send(key, phone="+40 721 234 644"), 409, "sent-otherwise")
    assert told["id"] == first["id"]
    assert count() == before


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"phone": None}, {"phone"}),
        ({"phone": ""}, {"phone"}),
        ({"phone": "12"}, {"phone"}),
        ({"phone": 40721234643}, {"phone"}),
        ({"country": "Atlantis"}, {"country"}),
        ({"citizenship": "Atlantis"}, {"citizenship"}),
        ({"external_id": None, "offer": " "}, {"external_id", "offer"}),
        ({"email": "nobody"}, {"email"}),
        ({"price": -1}, {"price"}),
        ({"price": "1.234"}, {"price"}),
        ({"quantity": 0}, {"quantity"}),
        ({"quantity": True}, {"quantity"}),
        ({"currency": "XXX"}, {"currency"}),
        ({"name": "a\0b"}, {"name"}),
        ({"name": "\ud800"}, {"name"}),
        ({"comment": "a" * 5_001}, {"comment"}),
        ({"passport": "AB1"}, {"passport"}),
        ({"agent": str(uuid4()), "status": "paid"}, {"agent", "status"}),
        ({"passport": "AB1", "offer": None, "email": "?"}, {"passport", "offer", "email"}),
        ({"passport": "AB1", "phone": "12"}, {"passport", "phone"}),
        ({"offer": None, "country": "Atlantis"}, {"offer", "country"}),
        ({"citizenship": "Atlantis", "phone": "12"}, {"citizenship", "phone"}),
        ({"phone": 12, "country": 7}, {"phone", "country"}),
    ],
)
def test_each_wrong_or_unknown_field_is_named(fields, wrong):
    key, before = key_of(), count()
    told = refused(send(key, **fields), 422, "wrong-fields")
    assert told["errors"].keys() == wrong
    assert count() == before


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"[" * 50_000, b'{"a": ' * 9_000, b"9" * 5_000]
)
def test_what_is_no_json_is_said_to_be_none(body):
    refused(post(key_of(), body), 400, "no-json")


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"text"', b"7", b"true", b"NaN"])
def test_json_that_is_no_object_is_no_lead(body):
    told = refused(post(key_of(), body), 422, "wrong-fields")
    assert told["errors"].keys() == {"body"}


def test_a_body_has_its_bounds():
    refused(send(key_of(), comment="a" * 70_000), 413, "too-long")


def test_whom_clause_p2_keeps_out_leaves_a_count_and_nothing_else():
    key, before = key_of(), count()
    for fields in ({"phone": "+7 916 123-45-67", "country": "KZ"}, {"citizenship": "RU"}):
        told = refused(send(key, **fields), 422, "jurisdiction_prohibited")
        assert "916" not in str(told)
    assert count() == before
    with as_(ann):
        counted = Refusal.objects.values_list("way", "sign", "jurisdiction", "count")
        assert set(counted) == {("api", "phone", "RU", 1), ("api", "citizenship", "RU", 1)}
        assert not Lead.objects.exists()


def test_a_declared_citizenship_outweighs_the_number():
    answer = send(key_of(), phone="+7 916 123-45-67", country="KZ", citizenship="KZ")
    assert answer.status_code == 201


def test_a_lead_is_looked_at_without_a_person():
    key = key_of(payout="12.50")
    lead_id = send(key).json()["id"]
    told = ask(key, f"/api/v1/leads/{lead_id}").json()
    moments = {told.pop("created_at"), told.pop("updated_at")}
    assert moments and told == {
        "id": lead_id,
        "external_id": "L-1",
        "phase": "wait",
        "reason": "",
        "payout": "12.50",
        "currency": "EUR",
    }


def test_a_lead_goes_where_its_order_goes():
    key = key_of()
    lead_id = send(key).json()["id"]
    cursor = ask(key).json()["cursor"]
    with as_(ann) as by:
        order = Order.objects.get(id=lead_id)
        order.move(by=by, move="trash", version=order.version, reason="duplicate")
    told = ask(key, updated_after=cursor).json()["leads"]
    assert [(each["phase"], each["reason"]) for each in told] == [("trash", "duplicate")]


def test_what_is_said_of_an_erased_person_is_no_personal_data():
    key = key_of()
    lead_id = send(key).json()["id"]
    with as_(ann) as by:
        Order.objects.get(id=lead_id).erase(by=by, because="request")
        assert Lead.objects.get(id=lead_id).digest is None
    assert ask(key, f"/api/v1/leads/{lead_id}").json()["phase"] == "trash"
    refused(send(key), 409, "sent-otherwise")  # sent again, nobody comes back


def test_leads_are_read_on_from_a_cursor_and_each_once():
    key = key_of()
    sent = [send(key, external_id=f"L-{n}").json()["id"] for n in range(5)]
    seen, cursor, more = [], "", True
    while more:
        told = ask(key, updated_after=cursor, limit=2).json()
        seen += [each["id"] for each in told["leads"]]
        cursor, more = told["cursor"], told["more"]
    assert seen == sent
    assert ask(key, updated_after=cursor).json() == {"leads": [], "cursor": cursor, "more": False}


def test_leads_are_read_on_from_a_moment():
    key = key_of()
    send(key)
    before, after = (timezone.now() + timedelta(minutes=n) for n in (-1, 1))
    assert len(ask(key, updated_after=before.isoformat()).json()["leads"]) == 1
    assert ask(key, updated_after=after.isoformat()).json()["leads"] == []


def test_a_moment_is_read_with_an_offset_that_the_database_has_none_of():
    key = key_of()
    send(key)
    assert len(ask(key, updated_after="2026-01-01T00:00:00+23:59").json()["leads"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 501},
        {"limit": "x"},
        {"updated_after": "yesterday"},
        {"updated_after": "0001-01-01T00:00:00+23:59"},
        {"updated_after": "9999-12-31T23:59:59-23:59"},
    ],
)
def test_a_wrong_question_is_said_to_be_wrong(query):
    told = refused(ask(key_of(), **query), 422, "wrong-fields")
    assert told["errors"].keys() == query.keys()


def test_a_lead_of_nobody_or_of_another_is_not_found():
    refused(ask(key_of(), f"/api/v1/leads/{uuid4()}"), 404, "not-found")
    with as_(ann):
        by_hand = Order.objects.get(source="hand").id
    refused(ask(key_of(), f"/api/v1/leads/{by_hand}"), 404, "not-found")


def revoked() -> str:
    secret = key_of()
    with as_(ann) as by:
        ApiKey.objects.get().revoke(by=by)
    return secret


def expired() -> str:
    return key_of(until=timezone.now() - timedelta(seconds=1))


def left() -> str:
    secret, membership = key_of(), pat.membership()
    with as_(ann) as by:
        membership.end(by=by)
    return secret


@pytest.mark.parametrize("secret", [revoked, expired, left, lambda: "cov_" + "x" * 43, lambda: "é"])
def test_a_key_that_opens_nothing_adds_nothing(secret):
    key, before = secret(), count()
    answer = send(key)
    refused(answer, 401, "key-unknown")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert count() == before


def test_a_session_is_no_key():
    client = sign_in(Client(), ann)
    answer = client.post("/api/v1/leads", LEAD, content_type="application/json")
    refused(answer, 401, "key-unknown")
    answer = send(key_of(), client=client)  # beside a cookie, the key alone counts
    assert answer.status_code == 201
    assert client.get("/orders/").status_code == 200


def test_a_key_is_no_session():
    answer = Client().get("/orders/", **authorization(key_of()))
    assert answer.status_code in (302, 401)


def accept(someone):
    with as_(someone) as by:
        for version in PolicyVersion.objects.waiting_for(by.user_id, by.company_id):
            version.accept(by=by, language="en", shown_at=timezone.now())


def test_the_keys_member_accepts_first():
    key, before = key_of(), count()
    with as_(ann) as by:
        Policy.objects.of_company(by.company_id).publish(by=by, texts={"en": "# New"})
    told = refused(send(key), 403, "policy-not-accepted")
    assert told["accept_at"] == "/accept/"
    assert [each["kind"] for each in told["missing"]] == ["company"]
    refused(ask(key), 403, "policy-not-accepted")
    accept(ann)
    assert count() == before
    accept(pat)
    assert send(key).status_code == 201


def test_who_asks_too_often_is_told_when_to_go_on(settings):
    settings.API_REQUESTS_A_MINUTE = 3
    key = key_of()
    assert [ask(key).status_code for _ in range(3)] == [200] * 3
    answer = send(key)
    refused(answer, 429, "too-fast")
    assert 0 < int(answer["Retry-After"]) <= 60
    assert ask(key_of()).status_code == 200  # another key is not held up


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("put", "/api/v1/leads", 405),
        ("delete", f"/api/v1/leads/{UUID(int=1)}", 405),
        ("post", "/api/v1/openapi.json", 405),
        ("get", "/api/", 404),
        ("get", "/api/v1/docs", 404),
        ("post", "/api/v2/leads", 404),
        ("get", "/api/v1/leads/not-an-id", 404),
    ],
)
def test_programs_are_told_in_their_own_form(method, path, status):
    answer = getattr(Client(), method)(path)
    assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM)
    assert answer.json()["status"] == status
    if status == 405:
        assert answer["Allow"]


def test_the_document_says_what_there_is(client):
    answer = client.get("/api/v1/openapi.json")
    document = answer.json()
    assert answer.status_code == 200 and not answer.cookies
    assert set(document["paths"]) == {"/api/v1/leads", "/api/v1/leads/{lead_id}"}
    assert "bearer" in str(document["components"]["securitySchemes"])
    lead = document["components"]["schemas"]["LeadIn"]
    assert set(lead["required"]) == {"external_id", "offer", "phone", "country"}
    assert lead["additionalProperties"] is False


@pytest.mark.parametrize("body", [b"", b"x", b"\xff\xfe", b"[]"])
def test_a_question_with_a_body_is_answered_for_what_it_asks(body):
    """Nobody reads the body of a GET, whatever is in it."""
    sender = Client(raise_request_exception=False)
    asked = "/api/v1/leads?limit=many"
    answer = sender.generic("GET", asked, body, "application/json", **authorization(key_of()))
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"limit"}
