"""The second factor through its pages: set up, signed in with, confirmed by, removed."""

from __future__ import annotations

import json
import re

import pytest
from allauth.account.adapter import get_adapter
from django.core import mail
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from accounts import gate
from tests.factors import SET_UP, App, password_sign_in, set_up
from tests.people import PASSWORD, Someone, ann, gail, olga, sign_in, sue

FACTORS, CODES = "/account/factors/", "/account/factors/codes/"
CONFIRM, SECOND = "/account/confirmation/", "/login/factor/"

RESPONSE = {"clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AAAA"}
NO_PASSKEYS = [
    "", "null", "[]", "1", '"x"', "{}", "\0", "{", '{"id": 1}',
    json.dumps({"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}}),
    json.dumps({"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": RESPONSE}),
    *(
        json.dumps({
            "id": "AAAA", "rawId": "AAAA", "type": "public-key",
            "response": {**RESPONSE, "attestationObject": "AAAA", "userHandle": handle},
        })
        for handle in ("", "MQ", "Ly8", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", 7, None, [])
    ),
]  # fmt: skip

pytestmark = pytest.mark.django_db


def codes_in(page: HttpResponse) -> list[str]:
    return re.findall(r"<code>(\d{8})</code>", page.text)


def signed_in_as(client: Client) -> str | None:
    with gate.carrying(client.cookies["covenant"].value) as entry:
        return entry.user_email


def somebody_with(someone: Someone) -> tuple[App, list[str]]:
    """The person's app and recovery codes."""
    client = Client()
    password_sign_in(client, someone)
    app = set_up(client)
    return app, codes_in(client.get(CODES))


@pytest.mark.parametrize(("someone", "there"), [(sue, "/staff/"), (olga, "/operator/")], ids=str)
def test_staff_are_led_to_set_one_up_and_back(client: Client, someone: Someone, there: str) -> None:
    password_sign_in(client, someone)
    page = client.get(there, follow=True)
    led = page.request["PATH_INFO"], page.request["QUERY_STRING"]
    assert led == (SET_UP, f"next={there.replace('/', '%2F')}")
    assert "sign in with a second factor" in page.text
    app = App.scanning(page.text)
    shown = client.post(f"{SET_UP}?{led[1]}", {"code": app.code()}, follow=True)
    assert len(codes_in(shown)) == 10
    assert f'href="{there}"' in shown.text
    assert client.get(there).status_code == 200


@pytest.mark.parametrize("path", ["/staff/", "/operator/", "/operator/disclosures/"])
def test_without_one_nothing_of_theirs_opens(client: Client, path: str) -> None:
    password_sign_in(client, olga)
    for method in (client.get, client.post):
        assert method(path)["Location"].startswith(f"{CONFIRM}factor/")
    problem = client.get(path, headers={"Accept": "application/json"})
    assert problem.status_code == 403
    assert problem.json()["type"] == "urn:covenant:problem:no-second-factor"


def test_one_who_has_one_signs_in_with_both(client: Client) -> None:
    app, _codes = somebody_with(ann)
    first = password_sign_in(client, ann)
    assert first["Location"] == SECOND
    assert signed_in_as(client) is None
    assert client.get("/orders/")["Location"].startswith("/login/")
    before = client.cookies["covenant"].value
    assert client.post(SECOND, {"code": app.code()})["Location"] == "/orders/"
    assert signed_in_as(client) == ann.email
    assert client.cookies["covenant"].value != before


def test_a_password_changed_between_the_two_steps_ends_the_sign_in(client: Client) -> None:
    app, _codes = somebody_with(ann)
    password_sign_in(client, ann)
    with gate.vouching():
        get_adapter().set_password(ann.user, "new-pass-phrase")
    assert client.post(SECOND, {"code": app.code()})["Location"] == "/login/"
    assert signed_in_as(client) is None
    client.post("/login/", {"login": ann.email, "password": "new-pass-phrase"})
    client.post(SECOND, {"code": app.code()})
    assert signed_in_as(client) == ann.email


def test_a_wrong_code_signs_nobody_in_and_too_many_stop_the_right_one(client: Client) -> None:
    app, _codes = somebody_with(ann)
    password_sign_in(client, ann)
    for wrong in ("000000", "abc", "", "١٢٣٤٥٦", "1" * 400, "00000000"):
        assert client.post(SECOND, {"code": wrong}).status_code == 200
    for _attempt in range(5):
        client.post(SECOND, {"code": "000000"})
    assert "Too many" in client.post(SECOND, {"code": app.code()}).text
    assert signed_in_as(client) is None


def test_a_code_is_good_for_once_for_whoever_sends_it(client: Client) -> None:
    app, _codes = somebody_with(ann)
    seen = app.code()
    password_sign_in(client, ann)
    assert client.post(SECOND, {"code": seen}).status_code == 302
    thief = Client()
    password_sign_in(thief, ann)
    for spelled in (seen, f"{seen[:3]} {seen[3:]}", f"{seen[:3]}-{seen[3:]}"):
        assert thief.post(SECOND, {"code": spelled}).status_code == 200
    assert signed_in_as(thief) is None


def test_a_recovery_code_stands_in_for_once(client: Client) -> None:
    _app, codes = somebody_with(ann)
    for attempt, status in ((codes[0], 302), (codes[0], 200), (codes[1], 302)):
        client = Client()
        password_sign_in(client, ann)
        assert client.post(SECOND, {"code": attempt}).status_code == status


def test_recovery_codes_are_shown_once(client: Client) -> None:
    password_sign_in(client, ann)
    set_up(client)
    assert len(codes_in(client.get(CODES))) == 10
    assert codes_in(client.get(CODES)) == []
    assert codes_in(client.get(FACTORS)) == []


@pytest.mark.parametrize(
    ("someone", "home"), [(sue, "/staff/"), (olga, "/staff/"), (ann, "/orders/")], ids=str
)
def test_the_way_on_is_named_after_where_it_leads(
    client: Client, someone: Someone, home: str
) -> None:
    page = sign_in(client, someone).get(CODES, follow=True).text
    masthead = page.partition("</header>")[0]
    assert (f'href="{home}"' in masthead) and ("Orders" in masthead) == (home == "/orders/")


def test_new_recovery_codes_void_the_old(client: Client) -> None:
    app, codes = somebody_with(ann)
    password_sign_in(client, ann)
    client.post(SECOND, {"code": app.code()})
    fresh = codes_in(client.post(f"{CODES}new/", follow=True))
    assert len(fresh) == 10
    again = Client()
    password_sign_in(again, ann)
    assert again.post(SECOND, {"code": codes[0]}).status_code == 200
    assert again.post(SECOND, {"code": fresh[0]}).status_code == 302


def test_a_password_takes_no_factor_away(client: Client) -> None:
    """Of whoever has one: a session that was left open, and a password that was seen."""
    somebody_with(gail)
    sign_in(client, gail)
    for path in (SET_UP, f"{SET_UP}removal/", f"{CODES}new/", "/account/factors/passkeys/"):
        assert client.post(path)["Location"].startswith(CONFIRM)
    page = client.post(CONFIRM, {"proof-password": PASSWORD})
    assert page.status_code == 200
    assert 'name="proof-password"' not in page.text
    assert client.post(f"{SET_UP}removal/")["Location"].startswith(CONFIRM)


def test_a_factor_is_removed_after_a_proof_by_it_and_its_owner_told(
    client: Client, django_capture_on_commit_callbacks
) -> None:
    app, _codes = somebody_with(gail)
    sign_in(client, gail)
    before = client.cookies["covenant"].value
    assert client.post(CONFIRM, {"proof-code": "000000"}).status_code == 422
    confirmed = client.post(f"{CONFIRM}?next={FACTORS}", {"proof-code": app.code()})
    assert confirmed["Location"] == FACTORS
    assert client.cookies["covenant"].value != before
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"{SET_UP}removal/").status_code == 302
    assert [letter.to for letter in mail.outbox] == [[gail.email]]
    assert "was removed" in mail.outbox[0].body
    assert "127.0.0.1" not in mail.outbox[0].body
    again = Client()
    assert password_sign_in(again, gail)["Location"] == "/orders/"


def test_setting_one_up_is_told_by_mail(client: Client, django_capture_on_commit_callbacks) -> None:
    password_sign_in(client, gail)
    with django_capture_on_commit_callbacks(execute=True):
        set_up(client)
    assert [(letter.to, "app was added" in letter.body) for letter in mail.outbox] == [
        ([gail.email], True)
    ]


def test_staff_keep_one(client: Client) -> None:
    password_sign_in(client, sue)
    set_up(client)
    page = client.post(f"{SET_UP}removal/")
    assert page.status_code == 200
    assert "set up another one first" in page.text
    assert password_sign_in(Client(), sue)["Location"] == SECOND


def test_the_secret_is_sealed_wherever_it_is_kept(client: Client) -> None:
    password_sign_in(client, ann)
    app = App.scanning(client.get(SET_UP).text)
    with gate.carrying(client.cookies["covenant"].value) as entry:
        assert entry.data
        assert app.secret not in entry.data
    client.post(SET_UP, {"code": app.code()})
    with gate.vouching(), connection.cursor() as cursor:
        gate.open_factors(ann.user.pk)
        cursor.execute(
            "SELECT count(*), bool_or(data::text LIKE %s) FROM mfa_authenticator",
            [f"%{app.secret}%"],
        )
        assert cursor.fetchone() == (2, False)


@pytest.mark.parametrize("credential", NO_PASSKEYS)
def test_what_is_no_passkey_signs_nobody_in_and_proves_nothing(
    client: Client, credential: str
) -> None:
    there = "/login/passkey/"
    client.get(there, headers={"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"})
    assert client.post(there, {"credential": credential})["Location"] == "/login/"
    password_sign_in(client, ann)
    page = client.post("/account/factors/passkeys/", {"credential": credential})
    assert page.status_code == 200
    set_up(client)
    confirmed = client.post(CONFIRM, {"proof-credential": credential})
    assert confirmed.status_code in (200, 422)


def test_when_it_was_used_is_not_kept(client: Client) -> None:
    app, _codes = somebody_with(ann)
    password_sign_in(client, ann)
    client.post(SECOND, {"code": app.code()})
    with gate.vouching(), connection.cursor() as cursor:
        gate.open_factors(ann.user.pk)
        cursor.execute("SELECT count(*) FROM mfa_authenticator WHERE last_used_at IS NOT NULL")
        assert cursor.fetchone() == (0,)
