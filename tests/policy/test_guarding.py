"""What a view demands, asked before it runs, and answered as each kind of client understands."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client, RequestFactory

from accounts.models import AuditEntry
from policy import answers
from policy.middleware import PolicyMiddleware
from tests.people import Someone, adam, ann, gail, newt, nina, olga, sign_in
from tests.policy.publications import as_, publish_crm, refused

pytestmark = pytest.mark.django_db

ORDERS = "/orders/?status=new&q=a%26b"


def way_of(response) -> tuple[str, str]:
    """Where a redirect leads, and what it remembers."""
    parts = urlsplit(response.headers.get("HX-Redirect") or response.headers["Location"])
    assert not parts.netloc
    return parts.path, parse_qs(parts.query)["next"][0]


@pytest.mark.parametrize(
    ("somebody", "way"),
    [(None, "/login/"), (nina, "/company/choose/"), (newt, "/accept/")],
    ids=str,
)
def test_a_page_leads_on_and_remembers_where_one_was_headed(
    client: Client, somebody: Someone | None, way: str
) -> None:
    if somebody:
        sign_in(client, somebody)
    response = client.get(ORDERS)
    assert response.status_code == 302
    assert way_of(response) == (way, ORDERS)


def test_htmx_is_sent_on_and_remembers_the_page_it_stands_in(client: Client) -> None:
    sign_in(client, newt)
    response = client.get(
        "/orders/?page=2",
        headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{ORDERS}"},
    )
    assert response.status_code < 300
    assert way_of(response) == ("/accept/", ORDERS)


def test_a_form_remembers_the_page_it_stood_on(client: Client) -> None:
    sign_in(client, newt)
    for referer, remembered in (
        (f"http://testserver{ORDERS}", ORDERS),
        ("http://evil.example/orders/", "/orders/"),
        ("http://testserver//evil.example/", "/orders/"),
        ("", "/orders/"),
    ):
        response = client.post("/orders/next/", headers={"Referer": referer})
        assert way_of(response) == ("/accept/", remembered)


def test_json_is_told_what_is_missing_and_where_to_accept_it(client: Client) -> None:
    sign_in(client, newt)
    response = client.get("/orders/", headers={"Accept": "application/json"})
    assert response.status_code == 403
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == "urn:covenant:problem:policy-not-accepted"
    assert [(each["kind"], each["version"]) for each in problem["missing"]] == [
        ("crm", 1),
        ("company", 1),
    ]
    assert problem["accept_at"] == "/accept/"


def test_json_is_told_to_sign_in(client: Client) -> None:
    response = client.get("/orders/", headers={"Accept": "application/json"})
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "WWW-Authenticate" in response.headers


def test_a_version_that_comes_into_force_stops_a_session_at_its_next_request(
    client: Client,
) -> None:
    sign_in(client, ann)
    assert client.get("/company/").status_code == 200
    publish_crm()
    assert way_of(client.get("/company/")) == ("/accept/", "/company/")


@pytest.mark.parametrize("address", ["/company/policy/", "/operator/policy/new/"])
def test_a_refusal_names_the_rule_and_what_would_satisfy_it(client: Client, address: str) -> None:
    sign_in(client, gail)
    page = client.get(address)
    assert page.status_code == 403
    problem = client.get(address, headers={"Accept": "application/json"}).json()
    assert problem["rule"] in page.content.decode()
    assert problem["type"] == "urn:covenant:problem:not-permitted"


def test_the_operator_needs_no_company_and_a_members_role_makes_no_operator(client: Client) -> None:
    assert sign_in(client, olga).get("/operator/policy/new/").status_code == 200
    assert sign_in(client, adam).get("/operator/policy/new/").status_code == 403


def test_the_databases_refusals_are_answered_like_the_middlewares_own() -> None:
    middleware = PolicyMiddleware(lambda request: None)
    publish_crm()
    request = RequestFactory().get(ORDERS)
    with as_(ann), refused("has not been accepted") as refusal:
        AuditEntry.objects.count()
    assert way_of(middleware.process_exception(request, refusal.value)) == ("/accept/", ORDERS)
    with as_(olga), refused("row-level security") as refusal:
        AuditEntry.objects.create(company_id=1, at="2026-01-01T00:00Z", actor_id=1)
    request = RequestFactory().get(ORDERS, headers={"Accept": "application/json"})
    answer = middleware.process_exception(request, refusal.value)
    assert answer.status_code == 403
    assert middleware.process_exception(request, ValueError("not the database's")) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "javascript:alert(1)",
        "orders/",
        "http:orders/",
        "/\t/evil.example/",
        " //evil.example",
    ],
)
def test_one_is_sent_back_to_this_site_only(address: str) -> None:
    assert answers.safe_next(address) == "/orders/"
