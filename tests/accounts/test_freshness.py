"""A fresh proof: what notes it, what it is worth, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from django.db import Error, connection
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from accounts import gate
from accounts.guard import fresh, fresh_factor, signed_in
from accounts.requests import GET_OR_POST, Request
from accounts.sqlstates import NO_RIGHT, sqlstate
from crmsite.urls import urlpatterns as ours
from policy.stopped import FORM
from tests.people import PASSWORD, ann, bea, gail, pass_of, prove, sign_in

CONFIRM = "/account/confirmation/"
FRESH = "SELECT gate.fresh('5 minutes'), gate.fresh_factor('5 minutes')"


@GET_OR_POST
def deed(request: Request) -> HttpResponse:
    return HttpResponse(f"done with {request.POST.get('reason', 'nothing')}")


urlpatterns = [
    *ours,
    path("deed/", fresh(signed_in(deed))),
    path("factor/", fresh_factor(signed_in(lambda request: HttpResponse("by a factor")))),
]


def proven_by(secret: str) -> tuple[bool, str | None]:
    with gate.carrying(secret), connection.cursor() as cursor:
        cursor.execute(FRESH)
        found: tuple[bool, str | None] = cursor.fetchone()
        return found


def send(client: Client, there: str, **fields: str) -> Any:
    return client.post(there, urlencode(fields), content_type=FORM)


@pytest.mark.django_db
def test_a_pass_is_fresh_by_what_was_proven_and_by_nothing_else() -> None:
    secret = pass_of(ann)
    assert proven_by(secret) == (False, None)
    prove(secret, ann, "password")
    assert proven_by(secret) == (True, None)
    prove(secret, ann, "totp")
    assert proven_by(secret) == (True, "totp")


@pytest.mark.django_db
def test_a_proof_counts_for_its_person_and_session_alone() -> None:
    hers, another = pass_of(ann), pass_of(ann)
    prove(hers, bea, "password")
    assert proven_by(hers) == (False, None)
    prove(hers, ann, "password")
    assert proven_by(another) == (False, None)


@pytest.mark.django_db
def test_a_jobs_pass_is_never_fresh() -> None:
    with gate.carrying(pass_of(ann)) as entry:
        job = gate.open_job_pass(entry, reach=["orders.read"], lasting=timedelta(hours=1))
    prove(job, ann, "password")
    assert proven_by(job) == (False, None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("minutes", "stands"), [(4, True), (5, False)])
def test_a_proof_is_over_after_five_minutes(
    owner: psycopg.Connection, minutes: int, stands: bool
) -> None:
    secret = pass_of(ann)
    prove(secret, ann, "totp")
    ago = "clock_timestamp() - make_interval(mins => %s)"
    owner.execute(f"UPDATE accounts_pass SET factor_at = {ago}", [minutes])
    assert proven_by(secret) == (stands, "totp" if stands else None)


@pytest.mark.django_db
def test_sql_of_a_request_makes_no_pass_fresh() -> None:
    secret = pass_of(ann)
    vouch = gate.key_for("vouch")
    with pytest.raises(Error) as refusal, gate.carrying(secret), connection.cursor() as cursor:
        cursor.execute("SELECT gate.prove_pass(%s, %s, gate.user_id(), 'totp')", [vouch, secret])
    assert sqlstate(refusal.value) == NO_RIGHT
    with pytest.raises(Error) as refusal, gate.carrying(secret), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_pass SET factor_at = now()")
    assert sqlstate(refusal.value) == NO_RIGHT
    assert proven_by(secret) == (False, None)


@pytest.mark.django_db
def test_signing_in_is_a_proof_by_password(client: Client) -> None:
    client.post("/login/", {"login": ann.email, "password": PASSWORD})
    assert proven_by(client.cookies["covenant"].value) == (True, None)


@pytest.mark.django_db
def test_a_deed_leads_to_the_proof_and_on_with_what_was_sent(client: Client, settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    sign_in(client, gail)
    stopped = send(client, "/deed/", reason="a long story")
    assert stopped.status_code == 307
    assert stopped["Location"].startswith(f"{CONFIRM}?next=")
    page = send(client, stopped["Location"], reason="a long story")
    assert 'name="reason" value="a long story"' in page.text
    held = {"send": "/deed/", "reason": "a long story"}
    wrong = client.post(CONFIRM, {**held, "proof-password": "wrong"})
    assert wrong.status_code == 422
    assert 'value="a long story"' in wrong.text
    on = client.post(CONFIRM, {**held, "proof-password": PASSWORD})
    assert (on.status_code, on["Location"]) == (307, "/deed/")
    assert client.post("/deed/", held).text == "done with a long story"


@pytest.mark.django_db
def test_a_page_is_shown_after_the_proof(client: Client, settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    sign_in(client, gail)
    there = client.get("/deed/?a=1")
    assert there["Location"] == f"{CONFIRM}?next=/deed/%3Fa%3D1"
    on = client.post(there["Location"], {"proof-password": PASSWORD})
    assert (on.status_code, on["Location"]) == (302, "/deed/?a=1")
    assert client.get("/deed/?a=1").text == "done with nothing"


@pytest.mark.django_db
def test_a_password_is_no_second_factor(client: Client, settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    sign_in(client, gail)
    client.post(CONFIRM, {"proof-password": PASSWORD})
    assert client.get("/factor/").status_code == 302
    problem = client.get("/factor/", headers={"Accept": "application/json"})
    assert (problem.status_code, problem.json()["proof"]) == (403, "factor")
    prove(client.cookies["covenant"].value, gail, "totp")
    assert client.get("/factor/").text == "by a factor"


@pytest.mark.django_db
def test_a_proof_leads_nowhere_off_the_site(client: Client) -> None:
    sign_in(client, gail)
    on = client.post(f"{CONFIRM}?next=//evil.example/", {"proof-password": PASSWORD})
    assert on["Location"] == "/orders/"
