"""Every address by everybody: one table of what each gets. An address that is not in it fails.

What the letters mean:

    .  200: the page itself          L  to the sign-in form, and back afterwards
    >  a redirect within the site    A  to the policies that wait for acceptance, and back
    F  403: a rule refused           C  to choosing a company, or to the page of who has none
    N  404: as if it did not exist   M  405: this address takes no POST
    G  410: a link that is used up   B  422 or its like: what was sent is not enough
    K  401: this asks for a sender's key, which a browser never has
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from unittest import mock
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from crmsite import headers
from orders.models import Import, Inquiry, Order
from tests import access, people

VISITORS = (
    None, people.ann, people.adam, people.lena, people.gail, people.pat, people.newt,
    people.bea, people.boris, people.sue, people.olga, people.nina,
)  # fmt: skip

# The objects in an address are always Aurora's. A column each for:
#   nobody; Aurora's owner, admin, lead, agent, partner, and an agent who has not accepted;
#   Borealis's owner and agent; support staff, the operator, somebody without a company.
# fmt: off
GETS = {
    #  -oalgpn ob son
    "": "............",
    "healthz": "............",
    "metrics": "NNNNNNNNNNNN",
    "login/": ".>>>>>>>>>>>",
    "logout/": ">...........",
    "login/inactive/": "............",
    "login/factor/": "L>>>>>>>>>>>",
    "login/passkey/": "L>>>>>>>>>>>",
    "login/password/": "............",
    "login/password/sent/": "............",
    "login/password/done/": "............",
    r"^login/password/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[\w-]{1,100})/$": "GGGGGGGGGGGG",
    "password/": "L...........",
    "company/choose/": "L........CC.",
    "account/": "L...........",
    "account/deletion/": "L...........",
    "account/confirmation/": "L...........",
    "account/factors/": "L...........",
    "account/factors/app/": "L>>>>>>>>..>",
    "account/factors/app/removal/": "L>>>>>>>>NN>",
    "account/factors/passkeys/": "L>>>>>>>>..>",
    "account/factors/passkeys/<int:number>/removal/": "L>>>>>>>>NN>",
    "account/factors/codes/": "L>>>>>>>>NN>",
    "account/factors/codes/new/": "L>>>>>>>>..>",
    "account/confirmation/factor/": "L>>>>>>>>>>>",
    "account/data/": "L...........",
    "account/data/<uuid:pk>/": "LNNNNNNNNNNN",
    "account/data/<uuid:pk>/archive/": "LNNNNNNNNNNN",
    "account/closures/<int:number>/": "LNNNNNNNNNNN",
    "company/closure/": "L.FFFFF.FCCC",
    "staff/": "LCCCCCCCC..C",
    "invitation/<slug:secret>/": "NNNNNNNNNNNN",
    "company/": "L....FA..CCC",
    "company/invitations/": "L>>FFFA>FCCC",
    "company/invitations/<uuid:invitation_id>/withdrawal/": "L>>FFFA>FCCC",
    "company/people/<uuid:membership_id>/place/": "L>>FFFA>FCCC",
    "company/people/<uuid:membership_id>/removal/": "L>>FFFA>FCCC",
    "company/departure/": "L........CCC",
    "company/teams/": "L>>FFFA>FCCC",
    "company/keys/": "L..FFFA.FCCC",
    "company/keys/<uuid:key_id>/revocation/": "L>>FFFA>FCCC",
    "privacy/": "............",
    "policy/": "............",
    "policy/versions/": "............",
    "policy/versions/<int:number>/": "............",
    "policy/versions/<int:number>/diff/": "NNNNNNNNNNNN",
    "policy/proofs/": "............",
    "privacy/versions/": "............",
    "privacy/versions/<int:number>/": "............",
    "privacy/versions/<int:number>/diff/": "NNNNNNNNNNNN",
    "c/<slug:slug>/policy/": "............",
    "c/<slug:slug>/policy/versions/": "............",
    "c/<slug:slug>/policy/versions/<int:number>/": "............",
    "c/<slug:slug>/policy/versions/<int:number>/diff/": "NNNNNNNNNNNN",
    "accept/": "L>>>>>.>>>>>",
    "decline/": "L...........",
    "acceptances/": "L...........",
    "acceptances/receipt/": "L...........",
    "acceptances/verifier/": "............",
    "company/policy/evidence/": "L..FFFA.FCCC",
    "operator/policy/new/": "LFFFFFFFFF.F",
    "operator/policy/new/<slug:kind>/": "LFFFFFFFFF.F",
    "operator/policy/new/<slug:kind>/preview/": "LFFFFFFFFF>F",
    "operator/policy/new/<slug:kind>/draft/": "LFFFFFFFFF>F",
    "operator/policy/new/<slug:kind>/discard/": "LFFFFFFFFF>F",
    "operator/policy/new/<slug:kind>/publication/": "LFFFFFFFFF>F",
    "operator/policy/new/<slug:kind>/approval/": "LFFFFFFFFF>F",
    "operator/policy/new/<slug:kind>/withdrawal/": "LFFFFFFFFF>F",
    "operator/": "LFFFFFFFFF.F",
    "operator/jurisdictions/": "LFFFFFFFFF.F",
    "operator/visits/": "LFFFFFFFFF.F",
    "operator/jurisdictions/<slug:code>/lifting/": "LFFFFFFFFF>F",
    "company/citizenship/": "L.....A..CCC",
    "company/buyers/": "L..FFFA.FCCC",
    "company/buyers/<uuid:inquiry_id>/": "L..FFFANFCCC",
    "company/buyers/<uuid:inquiry_id>/archive/": "L>>FFFA>FCCC",
    "company/buyers/<uuid:inquiry_id>/correction/": "L..FFFANFCCC",
    "company/buyers/<uuid:inquiry_id>/erasure/": "L>>FFFANFCCC",
    "company/buyers/retention/": "L..FFFA.FCCC",
    "company/webhooks/": "L..FFFA.FCCC",
    "company/webhooks/<uuid:webhook_id>/end/": "L>>FFFA>FCCC",
    "company/webhooks/deliveries/<uuid:delivery_id>/": "L>>FFFA>FCCC",
    "company/audit/": "L..FFFA.FCCC",
    "company/coverage/": "L..FFFA.FCCC",
    "company/coverage/strictness/": "L>>FFFA>FCCC",
    "company/refusals/": "L..FFFA.FCCC",
    "company/refusals/erasure/": "L>>FFFA>FCCC",
    "company/policy/": "L..FFFF.FCCC",
    "company/policy/preview/": "L>>FFFF>FCCC",
    "company/policy/draft/": "L>>FFFF>FCCC",
    "company/policy/discard/": "L>>FFFF>FCCC",
    "company/policy/publication/": "L>>FFFF>FCCC",
    "company/policy/people/": "L..FFFA.FCCC",
    "company/policy/reminders/": "L>>FFFA>FCCC",
    "policy/disclosures/": "............",
    "company/disclosures/": "L..FFFA.FCCC",
    "access/": "L....FA..CCC",
    "access/new/": "L....FA..CCC",
    "access/new/link/": "L>>>>FA>>CCC",
    "access/<uuid:grant_id>/": "L..NNFANNCCC",
    "access/<uuid:grant_id>/confirmation/": "L>>>>FA>>CCC",
    "access/<uuid:grant_id>/revocation/": "L>>>>FA>>CCC",
    "support/": "LFFFFFFFF.FF",
    "support/asking/": "L>>>>>>>>>>>",
    "support/ending/": "L>>>>>>>>>>>",
    "support/ending/elsewhere/": "L>>>>>>>>>>>",
    "operator/disclosures/": "LFFFFFFFFF.F",
    "operator/disclosures/opener/": "LFFFFFFFFF.F",
    "operator/disclosures/<uuid:disclosure_id>/": "LFFFFFFFFFNF",
    "operator/disclosures/<uuid:disclosure_id>/document/": "LFFFFFFFFFNF",
    "operator/disclosures/<uuid:disclosure_id>/approval/": "LFFFFFFFFF>F",
    "operator/disclosures/<uuid:disclosure_id>/refusal/": "LFFFFFFFFF>F",
    "operator/disclosures/<uuid:disclosure_id>/package/": "LFFFFFFFFF>F",
    "operator/disclosures/<uuid:disclosure_id>/file/": "LFFFFFFFFF>F",
    "api/v1/openapi.json": "............",
    "api/v1/leads": "KKKKKKKKKKKK",
    "api/v1/leads/<uuidstr:lead_id>": "KKKKKKKKKKKK",
    "orders/": "L.....A..CCC",
    "orders/next/": "LFF>>FAF>CCC",
    "orders/new/": "L....FA..CCC",
    "orders/import/": "L..FFFA.FCCC",
    "orders/import/<uuid:pk>/": "L..FFFANFCCC",
    "orders/import/<uuid:pk>/go-on/": "L>>FFFA>FCCC",
    "orders/import/<uuid:pk>/refusals/": "L..FFFANFCCC",
    "orders/import/<uuid:pk>/left-out/": "L..FFFANFCCC",
    "orders/<uuid:order_id>/": "L.....ANNCCC",
    "orders/<uuid:order_id>/edit/": "L....FANNCCC",
    "orders/<uuid:order_id>/move/": "L>>>>FA>>CCC",
    "orders/<uuid:order_id>/comment/": "L>>>>FA>>CCC",
    "orders/<uuid:order_id>/reveal/": "L>>>>FA>>CCC",
    "orders/<uuid:order_id>/erasure/": "L>>FFFA>FCCC",
    "orders/<uuid:order_id>/assign/": "L>>>FFA>FCCC",
}
POSTS = {
    #  -oalgpn ob son
    "": "............",
    "healthz": "............",
    "metrics": "MMMMMMMMMMMM",
    "login/": ".>>>>>>>>>>>",
    "logout/": ">>>>>>>>>>>>",
    "login/inactive/": "MMMMMMMMMMMM",
    "login/factor/": "L>>>>>>>>>>>",
    "login/passkey/": "L>>>>>>>>>>>",
    "login/password/": "............",
    "login/password/sent/": "MMMMMMMMMMMM",
    "login/password/done/": "MMMMMMMMMMMM",
    r"^login/password/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[\w-]{1,100})/$": "GGGGGGGGGGGG",
    "password/": "L...........",
    "company/choose/": "L........CC.",
    "account/": "LMMMMMMMMMMM",
    "account/deletion/": "LBBBBBBBBBBB",
    "account/confirmation/": "L...........",
    "account/factors/": "LMMMMMMMMMMM",
    "account/factors/app/": "L>>>>>>>>..>",
    "account/factors/app/removal/": "L>>>>>>>>NN>",
    "account/factors/passkeys/": "L>>>>>>>>..>",
    "account/factors/passkeys/<int:number>/removal/": "L>>>>>>>>NN>",
    "account/factors/codes/": "L>>>>>>>>MM>",
    "account/factors/codes/new/": "L>>>>>>>>..>",
    "account/confirmation/factor/": "L>>>>>>>>>>>",
    "account/data/": "L>>>>>>>>>>>",
    "account/data/<uuid:pk>/": "LMMMMMMMMMMM",
    "account/data/<uuid:pk>/archive/": "LMMMMMMMMMMM",
    "account/closures/<int:number>/": "LMMMMMMMMMMM",
    "company/closure/": "LBFFFFFBFCCC",
    "staff/": "LCCCCCCCC..C",
    "invitation/<slug:secret>/": "NNNNNNNNNNNN",
    "company/": "LMMMMFAMMCCC",
    "company/invitations/": "LBBFFFABFCCC",
    "company/invitations/<uuid:invitation_id>/withdrawal/": "LNNFFFANFCCC",
    "company/people/<uuid:membership_id>/place/": "L>>FFFANFCCC",
    "company/people/<uuid:membership_id>/removal/": "L>>FFFANFCCC",
    "company/departure/": "L>CCCCC>CCCC",
    "company/teams/": "LBBFFFABFCCC",
    "company/keys/": "LBBFFFABFCCC",
    "company/keys/<uuid:key_id>/revocation/": "LNNFFFANFCCC",
    "privacy/": "MMMMMMMMMMMM",
    "policy/": "MMMMMMMMMMMM",
    "policy/versions/": "MMMMMMMMMMMM",
    "policy/versions/<int:number>/": "MMMMMMMMMMMM",
    "policy/versions/<int:number>/diff/": "MMMMMMMMMMMM",
    "policy/proofs/": "MMMMMMMMMMMM",
    "privacy/versions/": "MMMMMMMMMMMM",
    "privacy/versions/<int:number>/": "MMMMMMMMMMMM",
    "privacy/versions/<int:number>/diff/": "MMMMMMMMMMMM",
    "c/<slug:slug>/policy/": "MMMMMMMMMMMM",
    "c/<slug:slug>/policy/versions/": "MMMMMMMMMMMM",
    "c/<slug:slug>/policy/versions/<int:number>/": "MMMMMMMMMMMM",
    "c/<slug:slug>/policy/versions/<int:number>/diff/": "MMMMMMMMMMMM",
    "accept/": "L>>>>>.>>>>>",
    "decline/": "LMMMMMMMMMMM",
    "acceptances/": "LMMMMMMMMMMM",
    "acceptances/receipt/": "LMMMMMMMMMMM",
    "acceptances/verifier/": "MMMMMMMMMMMM",
    "company/policy/evidence/": "LMMFFFAMFCCC",
    "operator/policy/new/": "LFFFFFFFFF.F",
    "operator/policy/new/<slug:kind>/": "LFFFFFFFFF.F",
    "operator/policy/new/<slug:kind>/preview/": "LFFFFFFFFF.F",
    "operator/policy/new/<slug:kind>/draft/": "LFFFFFFFFF.F",
    "operator/policy/new/<slug:kind>/discard/": "LFFFFFFFFF>F",
    "operator/policy/new/<slug:kind>/publication/": "LFFFFFFFFF>F",
    "operator/policy/new/<slug:kind>/approval/": "LFFFFFFFFF>F",
    "operator/policy/new/<slug:kind>/withdrawal/": "LFFFFFFFFF>F",
    "operator/": "LFFFFFFFFFMF",
    "operator/jurisdictions/": "LFFFFFFFFFBF",
    "operator/visits/": "LFFFFFFFFF>F",
    "operator/jurisdictions/<slug:code>/lifting/": "LFFFFFFFFFBF",
    "company/citizenship/": "L>>>>>A>>CCC",
    "company/buyers/": "LBBFFFABFCCC",
    "company/buyers/<uuid:inquiry_id>/": "LMMFFFAMFCCC",
    "company/buyers/<uuid:inquiry_id>/archive/": "L>>FFFANFCCC",
    "company/buyers/<uuid:inquiry_id>/correction/": "LBBFFFANFCCC",
    "company/buyers/<uuid:inquiry_id>/erasure/": "L>>FFFANFCCC",
    "company/buyers/retention/": "L>>FFFA>FCCC",
    "company/webhooks/": "LBBFFFABFCCC",
    "company/webhooks/<uuid:webhook_id>/end/": "LNNFFFANFCCC",
    "company/webhooks/deliveries/<uuid:delivery_id>/": "LNNFFFANFCCC",
    "company/audit/": "LMMFFFAMFCCC",
    "company/coverage/": "LMMFFFAMFCCC",
    "company/coverage/strictness/": "L>>FFFA>FCCC",
    "company/refusals/": "LMMFFFAMFCCC",
    "company/refusals/erasure/": "L>>FFFA>FCCC",
    "company/policy/": "L..FFFF.FCCC",
    "company/policy/preview/": "L..FFFF.FCCC",
    "company/policy/draft/": "L..FFFF.FCCC",
    "company/policy/discard/": "L>>FFFF>FCCC",
    "company/policy/publication/": "L>>FFFF>FCCC",
    "company/policy/people/": "LMMFFFAMFCCC",
    "company/policy/reminders/": "L>>FFFA>FCCC",
    "policy/disclosures/": "MMMMMMMMMMMM",
    "company/disclosures/": "LMMFFFAMFCCC",
    "access/": "LMMMMFAMMCCC",
    "access/new/": "LMMMMFAMMCCC",
    "access/new/link/": "L>>>>FA>>CCC",
    "access/<uuid:grant_id>/": "LMMMMFAMMCCC",
    "access/<uuid:grant_id>/confirmation/": "L>>NNFANNCCC",
    "access/<uuid:grant_id>/revocation/": "L>>NNFANNCCC",
    "support/": "LMMMMMMMMMMM",
    "support/asking/": "LFFFFFFFFBFF",
    "support/ending/": "L>>>>>>>>>>>",
    "support/ending/elsewhere/": "L>>>>>>>>>>>",
    "operator/disclosures/": "LFFFFFFFFFBF",
    "operator/disclosures/opener/": "LFFFFFFFFFMF",
    "operator/disclosures/<uuid:disclosure_id>/": "LFFFFFFFFFMF",
    "operator/disclosures/<uuid:disclosure_id>/document/": "LFFFFFFFFFMF",
    "operator/disclosures/<uuid:disclosure_id>/approval/": "LFFFFFFFFFNF",
    "operator/disclosures/<uuid:disclosure_id>/refusal/": "LFFFFFFFFFNF",
    "operator/disclosures/<uuid:disclosure_id>/package/": "LFFFFFFFFFNF",
    "operator/disclosures/<uuid:disclosure_id>/file/": "LFFFFFFFFFNF",
    "api/v1/openapi.json": "MMMMMMMMMMMM",
    "api/v1/leads": "KKKKKKKKKKKK",
    "api/v1/leads/<uuidstr:lead_id>": "MMMMMMMMMMMM",
    "orders/": "LMMMMMAMMCCC",
    "orders/next/": "LFF>>FAF>CCC",
    "orders/new/": "LBBBBFABBCCC",
    "orders/import/": "LBBFFFABFCCC",
    "orders/import/<uuid:pk>/": "LMMFFFAMFCCC",
    "orders/import/<uuid:pk>/go-on/": "L>>FFFANFCCC",
    "orders/import/<uuid:pk>/refusals/": "LMMFFFAMFCCC",
    "orders/import/<uuid:pk>/left-out/": "LMMFFFAMFCCC",
    "orders/<uuid:order_id>/": "LMMMMMAMMCCC",
    "orders/<uuid:order_id>/edit/": "LBBBBFANNCCC",
    "orders/<uuid:order_id>/move/": "LBBBBFANNCCC",
    "orders/<uuid:order_id>/comment/": "LBBBBFANNCCC",
    "orders/<uuid:order_id>/reveal/": "L....FANNCCC",
    "orders/<uuid:order_id>/erasure/": "LBBFFFANFCCC",
    "orders/<uuid:order_id>/assign/": "L>>>FFANFCCC",
}
# fmt: on


@pytest.fixture
def arguments() -> dict[str, object]:
    return filling()


def filling() -> dict[str, object]:
    """What fills the parameters of an address, by name."""
    grant_id, _secret = access.link()
    with people.as_(people.ann):
        order = Order.objects.first()
        run = Import.objects.first()
        inquiry = Inquiry.objects.first()
        assert order and run and inquiry
        return {
            "order_id": order.id,
            "pk": run.id,
            "membership_id": people.gail.membership().id,
            "invitation_id": uuid4(),
            "disclosure_id": uuid4(),
            "key_id": uuid4(),
            "lead_id": uuid4(),
            "webhook_id": uuid4(),
            "delivery_id": uuid4(),
            "inquiry_id": inquiry.id,
            "grant_id": grant_id,
            "secret": "wrong",
            "uidb36": "1",
            "key": "wrong",
            "number": 1,
            "slug": "aurora",
            "kind": "crm",
            "code": "RU",
        }


def patterns(
    found: list[URLPattern | URLResolver] | None = None, space: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    """Every address of the site, with the name that reverses to it."""
    for pattern in found if found is not None else get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from patterns(pattern.url_patterns, inner)
        else:
            yield f"{space}{pattern.name}", pattern


def address(name: str, pattern: URLPattern, arguments: dict[str, object]) -> str:
    wanted = pattern.pattern.regex.groupindex
    return reverse(name, kwargs={key: arguments[key] for key in wanted})


def letter(response: HttpResponse) -> str:
    if response.status_code in (301, 302, 303):
        path = urlsplit(response["Location"]).path
        known = {"/login/": "L", "/accept/": "A", "/company/choose/": "C", "/staff/": "C"}
        return known.get(path, ">")
    return {
        200: ".",
        401: "K",
        403: "F",
        404: "N",
        405: "M",
        410: "G",
        400: "B",
        422: "B",
        409: "B",
    }.get(response.status_code, str(response.status_code))


def answered(visitor: people.Someone | None, method: str, path: str) -> str:
    """What a fresh sign-in gets there; whatever it did is undone."""
    with transaction.atomic():
        client = Client(raise_request_exception=False)
        if visitor:
            people.sign_in(client, visitor)
        found = letter(getattr(client, method)(path))
        transaction.set_rollback(True)
    return found


def test_every_address_is_in_the_table() -> None:
    every = [str(pattern.pattern) for _name, pattern in patterns()]
    assert sorted(GETS) == sorted(POSTS) == sorted(every)


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "table"), [("get", GETS), ("post", POSTS)])
@pytest.mark.parametrize("visitor", VISITORS, ids=str)
def test_each_visitor_gets_what_the_table_says(
    visitor: people.Someone | None,
    method: str,
    table: dict[str, str],
    arguments: dict[str, object],
) -> None:
    column = VISITORS.index(visitor)
    expected = {route: row[column] for route, row in table.items()}
    got = {
        str(pattern.pattern): answered(visitor, method, address(name, pattern, arguments))
        for name, pattern in patterns()
    }
    assert got == expected


@pytest.mark.django_db
@pytest.mark.parametrize("visitor", [people.bea, people.boris, people.gus], ids=str)
def test_an_object_out_of_reach_answers_like_one_that_does_not_exist(
    visitor: people.Someone, arguments: dict[str, object]
) -> None:
    """Gus is an agent of Aurora: Gail's order is as far from him as Borealis is."""
    with people.as_(people.ann) as ann:
        order = Order.objects.get(id=arguments["order_id"])
        order.assign(by=ann, agent_id=people.gail.membership().id)
    client = people.sign_in(Client(), visitor)
    there = client.get(f"/orders/{order.id}/")
    nowhere = client.get(f"/orders/{uuid4()}/")
    assert there.status_code == nowhere.status_code == 404
    assert without_tokens(there.text) == without_tokens(nowhere.text)


ELSEWHERE = ("/nowhere/", "/static/css/app.css", "/static/nowhere.css", "/favicon.ico")


@pytest.mark.django_db
@pytest.mark.parametrize("visitor", [None, people.ann, people.olga], ids=str)
@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_every_answer_tells_the_browser_what_it_may_not(
    visitor: people.Someone | None, method: str, arguments: dict[str, object]
) -> None:
    """Pages, redirects, refusals and files: the headers that Mozilla's observatory asks for."""
    paths = [address(name, pattern, arguments) for name, pattern in patterns()]
    for path in (*paths, *ELSEWHERE):
        with transaction.atomic():
            client = Client(raise_request_exception=False)
            if visitor:
                people.sign_in(client, visitor)
            told = getattr(client, method)(path).headers
            transaction.set_rollback(True)
        assert {name: told.get(name) for name in FIXED} == FIXED, path
        assert told["Referrer-Policy"] in ("same-origin", "strict-origin"), path
        assert set(told["Content-Security-Policy"].split("; ")) >= CONTENT_POLICY, path


FIXED = {
    name: value
    for name, value in headers.EVERY.items()
    if name not in ("Content-Security-Policy", "Referrer-Policy")
}
CONTENT_POLICY = {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"}


@pytest.mark.django_db
def test_a_failure_tells_the_browser_the_same() -> None:
    client = Client(raise_request_exception=False)
    with mock.patch("crmsite.views.render", side_effect=RuntimeError):
        answer = client.get("/")
    assert answer.status_code == 500
    assert headers.EVERY.keys() <= answer.headers.keys()
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def without_tokens(page: str) -> str:
    return re.sub(r"[A-Za-z0-9]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", page)
