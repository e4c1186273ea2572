"""The log says which page failed, and never the key that its address holds."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from unittest import mock

import pytest
from django.core import mail
from django.test import Client

from accounts import grants
from crmsite import logs
from tests.people import gail, sign_in, sue

pytestmark = pytest.mark.django_db

SECRET = "Xq7-secret-of-an-invitation"


@pytest.fixture(params=[True, False], ids=["development", "production"])
def written(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """What the log's handler has written so far."""
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(logs.formatter(with_messages=request.param))
    logging.getLogger().addHandler(handler)
    yield stream.getvalue
    logging.getLogger().removeHandler(handler)


def only(lines: str) -> dict[str, object]:
    (line,) = lines.splitlines()
    return json.loads(line)


def reset_link() -> str:
    Client().post("/login/password/", {"email": gail.email})
    return re.search(r"http://testserver(/login/password/\S+)", mail.outbox[-1].body)[1]


@pytest.mark.parametrize("more", [{}, {"secure": True}], ids=["no token", "a referrer"])
def test_a_refused_post_to_a_reset_link_leaves_no_key(written, more):
    link = reset_link()
    referrer = f"https://elsewhere.example{link}"
    client = Client(enforce_csrf_checks=True)
    assert client.post(link, headers={"Referer": referrer}, **more).status_code == 403
    assert link.rstrip("/").partition("-")[2] not in written()
    told = only(written())
    assert (told["logger"], told["status"]) == ("django.security.csrf", 403)
    assert told["event"].startswith("POST ^login/password/(?P<uidb36>")


def test_a_refused_invitation_leaves_no_secret(written):
    client = Client(enforce_csrf_checks=True)
    assert client.post(f"/invitation/{SECRET}/").status_code == 403
    assert SECRET not in written()
    assert only(written())["event"] == "POST invitation/<slug:secret>/"


@pytest.mark.parametrize("enforced", [True, False], ids=["refused", "failed"])
def test_18_an_access_link_that_is_refused_or_fails_leaves_no_secret(written, enforced):
    client = sign_in(Client(enforce_csrf_checks=enforced, raise_request_exception=False), sue)
    with mock.patch.object(grants, "ask_with_link", side_effect=RuntimeError):
        answer = client.post("/support/asking/", {"code": f"https://crm.example/support/#{SECRET}"})
    assert answer.status_code == (403 if enforced else 500)
    assert only(written())["event"] == "POST support/asking/"
    assert SECRET not in written() and SECRET not in answer.text


def test_18_nor_does_one_whose_secret_was_put_where_servers_see_it(written):
    """No address takes it there, and no page sends on an address that has it."""
    client = sign_in(Client(), sue)
    assert client.get("/support/", {"code": SECRET})["Referrer-Policy"] == "same-origin"
    assert client.get(f"/support/{SECRET}/").status_code == 404
    assert SECRET not in written()


@pytest.mark.parametrize("rest", [f"/{SECRET}/more/", f"/{SECRET}%0a{SECRET}/", f"//{SECRET}/"])
def test_an_unknown_path_leaves_its_first_segment(client, written, rest):
    assert client.get(f"/invitation{rest}").status_code == 404
    assert SECRET not in written()
    told = only(written())
    assert (told["event"], told["status"]) == ("GET invitation/…", 404)


@pytest.mark.parametrize("typed", ["+40721234643", f"{SECRET}/more/"])
def test_what_was_typed_in_place_of_an_address_is_not_told(client, written, typed):
    assert client.get(f"/{typed}").status_code == 404
    assert typed not in written() and SECRET not in written()
    assert only(written())["event"] == "GET …"


def test_a_word_in_place_of_the_method_is_not_told(client, written):
    assert client.generic(SECRET.upper(), "/policy/disclosures/").status_code == 405
    assert SECRET.upper() not in written()
    assert only(written())["event"] == "another method policy/disclosures/"


def test_runserver_does_not_log_addresses_besides():
    assert not logging.getLogger("django.server").isEnabledFor(logging.ERROR)
