"""Owners and admins read their company's audit: filtered, and always in as many statements."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from accounts import audit
from accounts.models import AuditEntry
from orders import lists
from tests.orders.test_moves import add
from tests.people import Someone, adam, ann, as_, bea, gail, sign_in

pytestmark = pytest.mark.django_db


def shown(client: Client, someone: Someone = ann, **query: Any) -> str:
    return page(client, someone, **query).content.decode().split('class="sheet"')[-1]


def page(client: Client, someone: Someone = ann, **query: Any) -> HttpResponse:
    return sign_in(client, someone).get("/company/audit/", query)


def recorded(by: Someone, action: str = "team.made", **told: Any) -> None:
    with as_(by) as entry:
        audit.record(by=entry, action=action, **told)


def test_a_deed_is_a_sentence_with_its_doer_and_its_object(client):
    with as_(ann) as by:
        order = add(by)
        audit.record(by=by, action="order.assigned", of=order, person_id=gail.user.pk)
        membership = gail.membership()
        audit.record(by=by, action="person.placed", of=membership, role=["agent", "lead"])
    body = " ".join(shown(client).split())
    assert "<b>Ann</b> gave the order to" in body
    assert f'<a href="/orders/{order.id}/">{order}</a> <ins>Gail</ins>' in body
    placed = "changed a member's place"
    assert f"{escape(placed)} <b>Gail</b> <del>Agent</del> <ins>Team lead</ins>" in body


def test_another_company_s_audit_is_not_in_it(client):
    recorded(bea, "company.strictness")
    assert "Bea" not in shown(client)
    assert "Bea" in shown(client, bea)


@pytest.mark.parametrize("someone", [ann, adam], ids=str)
def test_it_is_filtered_by_who_what_and_whom(client, someone):
    recorded(gail, "team.made")
    recorded(adam, "company.strictness")
    recorded(ann, "order.assigned", person_id=gail.user.pk)
    for query, who in (
        ({"actor": gail.user.pk, "action": "team.made"}, "Gail"),
        ({"action": "company.strictness"}, "Adam"),
        ({"person": gail.user.pk}, "Ann"),
    ):
        body = shown(client, someone, **query)
        assert body.count("<li>") == 1
        assert f"<b>{who}</b>" in body


def test_it_is_filtered_by_order_and_by_day(client):
    with as_(ann) as by:
        order, other = add(by), add(by)
    body = shown(client, number=order.number)
    assert str(order) in body
    assert str(other) not in body
    assert shown(client, number=987654321).count("<li>") == 0
    today, tomorrow = timezone.localdate(), timezone.localdate() + timedelta(days=2)
    assert str(order) in shown(client, since=today - timedelta(days=2), until=tomorrow)
    assert str(order) not in shown(client, since=tomorrow)


def test_nonsense_in_the_address_is_left_out(client):
    recorded(gail)
    for query in ({"actor": "x"}, {"action": "'"}, {"since": "never"}, {"older": "?"}):
        answer = page(client, **query)
        assert answer.status_code == 200
        assert "<b>Gail</b>" in answer.content.decode()


def test_pages_are_read_through_each_entry_once(client, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 4)
    monkeypatch.setattr("orders.audits.PAGE", 4)
    for number in range(10):
        recorded(gail, number=number)
    query: dict[str, Any] = {"actor": gail.user.pk}
    seen, answer = [], page(client, **query)
    while True:
        seen += [each["at"] for each in answer.context["entries"]]
        if not (older := answer.context["older_url"]):
            break
        answer = client.get(older)
    with as_(ann):
        assert len(seen) == AuditEntry.objects.filter(actor_id=gail.user.pk).count() > 10
    assert seen == sorted(seen, reverse=True)
    newer = seen[: -len(answer.context["entries"])]
    back = client.get(answer.context["newer_url"])
    assert [each["at"] for each in back.context["entries"]] == newer[-4:]


def statements(client: Client) -> int:
    page(client)
    with CaptureQueriesContext(connection) as captured:
        page(client)
    return len(captured)


def test_the_number_of_statements_does_not_grow_with_the_entries(client):
    recorded(gail)
    few = statements(client)
    for _ in range(20):
        recorded(gail)
    assert statements(client) == few
