"""The page of partners and keys: made, shown once, seen to be used, and revoked."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry
from tests.orders.sending import ask, key_of, send
from tests.people import adam, ann, as_, bea, gail, pat, sign_in

pytestmark = pytest.mark.django_db

PAGE = "/company/keys/"


def fill(client: Client, **fields: str):
    chosen = {"membership": str(pat.membership().id), "name": "Landing pages"}
    return client.post(PAGE, chosen | fields)


def shown(answer) -> str:
    return re.search(r"cov_[\w-]{43}", answer.content.decode())[0]


def test_a_key_is_shown_once_and_works(client):
    sign_in(client, adam)
    answer = fill(client, payout="12.50")
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    secret = shown(answer)
    assert send(secret).status_code == 201
    page = client.get(PAGE).content.decode()
    assert "Landing pages" in page and "12.50" in page and secret not in page
    with as_(ann):
        key = ApiKey.objects.get()
        entry = AuditEntry.objects.get(action="key.made")
        assert key.last_used_at and key.made_by_id == adam.user.pk
        assert bytes(key.hash) not in (b"", secret.encode()) and len(key.hash) == 32
        assert (entry.actor_name, entry.object_name) == ("Adam", "Landing pages")


def test_a_revoked_key_opens_nothing_from_the_next_request_on(client):
    secret = key_of()
    assert ask(secret).status_code == 200
    with as_(ann):
        key_id = ApiKey.objects.get().id
    answer = sign_in(client, adam).post(f"{PAGE}{key_id}/revocation/", follow=True)
    assert "opens nothing any more" in answer.content.decode()
    assert ask(secret).status_code == 401
    with as_(ann):
        assert AuditEntry.objects.filter(action="key.revoked", object_id=key_id).count() == 1
    again = client.post(f"{PAGE}{key_id}/revocation/")
    assert again.status_code == 404


def test_a_key_may_end_by_itself(client):
    tomorrow = timezone.localdate() + timedelta(days=1)
    secret = shown(fill(sign_in(client, adam), until=tomorrow.isoformat()))
    assert ask(secret).status_code == 200
    with as_(ann):
        ends = ApiKey.objects.get().expires_at
    assert timedelta(days=1) < ends - timezone.now() < timedelta(days=2, hours=14)


@pytest.mark.parametrize(
    "fields",
    [
        {"membership": ""},
        {"membership": "00000000-0000-0000-0000-000000000000"},
        {"name": ""},
        {"payout": "-1"},
        {"payout": "NaN"},
        {"until": "2020-01-01"},
        {"until": "9999-12-31"},
    ],
)
def test_what_is_not_right_makes_no_key(client, fields):
    answer = fill(sign_in(client, adam), **fields)
    assert answer.status_code == 422
    with as_(ann):
        assert not ApiKey.objects.exists()


def test_an_agent_is_no_partners_member(client):
    answer = fill(sign_in(client, adam), membership=str(gail.membership().id))
    assert answer.status_code == 422


@pytest.mark.parametrize("someone", [gail, pat], ids=str)
def test_only_who_runs_the_company_sees_keys_and_makes_them(client, someone):
    sign_in(client, someone)
    assert client.get(PAGE).status_code == 403
    assert fill(client).status_code == 403
    with as_(ann):
        assert not ApiKey.objects.exists()


def test_another_companys_keys_are_not_there(client):
    key_of()
    with as_(ann):
        key_id = ApiKey.objects.get().id
    sign_in(client, bea)
    assert "Landing pages" not in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}{key_id}/revocation/").status_code == 404
    with as_(ann):
        assert ApiKey.objects.living().exists()


def test_the_page_says_which_key_waits_for_an_acceptance(client):
    from tests.people import newt

    key_of()
    with as_(ann) as by:
        from accounts.models import Partner

        partner = Partner.objects.get(name="wm14", company_id=by.company_id)
        newt.membership().place(by=by, role="partner", partner=partner)
    key_of(newt)
    page = sign_in(client, adam).get(PAGE).content.decode()
    assert page.count("not accepted") == 1


def test_the_page_takes_as_many_statements_for_many_keys(client):
    sign_in(client, adam)
    key_of()
    client.get(PAGE)
    with CaptureQueriesContext(connection) as few:
        client.get(PAGE)
    asked = len(few)
    for _ in range(3):
        key_of()
    with CaptureQueriesContext(connection) as many:
        client.get(PAGE)
    assert len(many) == asked > 0


def test_who_has_accepted_tells_who_answers_for_a_key(client):
    sign_in(client, adam)
    address = "/company/policy/people/"
    assert "answers for a key" not in client.get(address).content.decode()
    key_of()
    assert client.get(address).content.decode().count("answers for a key") == 1
