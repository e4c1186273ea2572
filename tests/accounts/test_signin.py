"""Signing in by the form, and the one cookie it sets."""

import re
from pathlib import Path

import pytest
from allauth.account import urls as allauth_urls
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import NoReverseMatch, resolve, reverse

from accounts import gate
from accounts.models import User
from tests.factors import set_up
from tests.people import PASSWORD, adam, ann, as_, gail, gus, mia, nina, olga, sign_in, sue

pytestmark = pytest.mark.django_db

COOKIE = settings.SESSION_COOKIE_NAME
HOSTILE = [
    "\x00",
    "a" * 1_000_000,
    "\U0001f9ff@\U0001f9ff.example",
    "ann@aurora.example\r\nBcc: x@y.example",
    "' OR 1=1 --",
    "",
]


def sign_in_by_form(client, someone, password=PASSWORD, **more):
    return client.post("/login/", {"login": someone.email, "password": password, **more})


def user_id_of(client):
    with gate.carrying(client.cookies[COOKIE].value) as entry:
        return entry.user_id


def test_signing_in_leads_to_the_orders_with_one_cookie(client):
    response = sign_in_by_form(client, gail)
    assert response.status_code == 302
    assert response["Location"] == "/orders/"
    assert list(client.cookies) == [COOKIE]
    assert user_id_of(client) == gail.user.pk


def test_the_email_is_known_in_any_case(client):
    response = client.post("/login/", {"login": " GAIL@Aurora.Example ", "password": PASSWORD})
    assert response.status_code == 302


def test_signing_in_leads_back_to_where_one_was_headed(client):
    assert sign_in_by_form(client, gail, next="/orders/new/")["Location"] == "/orders/new/"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "\x00"],
)
def test_signing_in_leads_to_no_other_site(client, elsewhere):
    assert sign_in_by_form(client, gail, next=elsewhere)["Location"] == "/orders/"


def test_a_wrong_password_signs_nobody_in(client):
    response = sign_in_by_form(client, gail, password="wrong")
    assert response.status_code == 200
    assert response.context["form"].errors
    assert not response.wsgi_request.user.is_authenticated


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_only_wrong(client, value):
    for fields in ({"login": value, "password": PASSWORD}, {"login": ann.email, "password": value}):
        assert client.post("/login/", fields).status_code == 200
    assert client.post("/login/password/", {"email": value}).status_code == 200


@pytest.mark.parametrize("value", ['"\\000"', "x", "é" * 43, "a" * 43, "a" * 5000])
def test_a_hostile_cookie_is_no_cookie(client, value):
    client.cookies[COOKIE] = ""
    response = client.get("/", headers={"cookie": f"{COOKIE}={value}"})
    assert response.status_code == 200
    assert not response.wsgi_request.user.is_authenticated


@pytest.mark.parametrize("address", ["/", "/policy/", "/privacy/", "/nowhere/", "/healthz"])
def test_no_cookie_before_the_sign_in_form(client, address):
    response = client.get(address)
    assert response.status_code in (200, 404)
    assert not response.cookies


def test_none_is_left_after_signing_out(client):
    sign_in_by_form(client, gail)
    response = client.post("/logout/")
    assert response["Location"] == "/"
    assert list(response.cookies) == [COOKIE]
    assert response.cookies[COOKIE]["max-age"] == 0


def test_the_front_page_leads_whoever_is_signed_in_to_the_orders(client):
    response = sign_in(client, gail).get("/")
    assert response.status_code == 200
    assert 'href="/orders/"' in response.content.decode()


def test_signed_out_pages_speak_the_language_asked_for(client):
    response = client.get("/login/?lang=ru")
    assert response["Content-Language"] == "ru"
    assert '<html lang="ru">' in response.content.decode()


OURS = (
    "/login/", "/login/inactive/", "/login/password/", "/login/password/sent/",
    "/login/password/done/", "/login/password/1-x/", "/logout/", "/password/",
)  # fmt: skip


@pytest.mark.parametrize("path", OURS)
def test_every_page_of_allauths_is_dressed_as_ours(client, path):
    if path in ("/logout/", "/password/"):
        sign_in(client, gail)
    for template in client.get(path).templates:
        origin = Path(template.origin.name)
        ours = origin.is_relative_to(settings.BASE_DIR / "templates")
        assert ours or "/django/forms/" in str(origin), origin


@pytest.mark.parametrize("path", OURS)
def test_no_placeholder_repeats_a_label(client, path):
    if path == "/password/":
        sign_in(client, gail)
    assert 'placeholder="' not in main_of(client.get(path))


def test_a_mailed_links_form_has_none_either(client):
    assert 'placeholder="' not in main_of(client.get(reset_link(client, gail)))


def main_of(response):
    return response.content.decode().partition("<main")[2].partition("</main>")[0]


def test_allauths_other_addresses_are_closed(client):
    known = {pattern.name for pattern in allauth_urls.urlpatterns}
    reachable = {resolve(path).url_name for path in OURS}
    assert reachable < known
    for pattern in allauth_urls.urlpatterns:
        if pattern.name not in reachable:
            with pytest.raises(NoReverseMatch):
                reverse(pattern.name)
    for path in ("/signup/", "/accounts/login/", "/email/", "/confirm-email/", "/reauthenticate/"):
        assert client.get(path).status_code == 404


def test_too_many_attempts_get_a_page_that_says_so(client):
    answers = [sign_in_by_form(client, gail, password="wrong").status_code for _ in range(101)]
    assert answers[0] == 200
    assert answers[-1] == 429
    assert "Too many attempts" in sign_in_by_form(client, gail).content.decode()


def tried_too_often(client, forwarded):
    """Whether one attempt more, forwarded for these addresses, is one too many."""
    answer = client.post(
        "/login/", {"login": "x@nowhere.example"}, headers={"X-Forwarded-For": forwarded}
    )
    return answer.status_code == 429


@pytest.mark.parametrize(
    ("proxies", "ours", "another"),
    [
        (0, "", None),
        (1, "198.51.100.7", "203.0.113.9"),
        (2, "198.51.100.7, 10.0.0.1", "203.0.113.9, 10.0.0.1"),
    ],
)
def test_attempts_are_counted_by_the_address_that_the_proxy_saw(
    client, settings, proxies, ours, another
):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    made_up = [f"192.0.2.{n}, {ours}".rstrip(", ") for n in range(100)]
    assert not any(tried_too_often(client, each) for each in made_up)
    assert tried_too_often(client, ours or "192.0.2.100")
    assert tried_too_often(client, f"203.0.113.9, {ours}".rstrip(", "))
    assert another is None or not tried_too_often(client, another)


@pytest.mark.parametrize(("someone", "word"), [(sue, "Support"), (olga, "Operator")])
def test_staff_land_on_a_page_of_their_own(client, someone, word):
    sign_in_by_form(client, someone)
    set_up(client)
    response = client.get("/orders/", follow=True)
    assert response.redirect_chain[-1][0] == "/staff/"
    assert word in response.content.decode()


def test_whoever_works_nowhere_is_told_what_to_wait_for(client):
    sign_in_by_form(client, nina)
    response = client.get("/orders/", follow=True)
    assert response.status_code == 200
    assert "You belong to no company yet" in response.content.decode()
    assert client.get("/staff/")["Location"] == "/company/choose/"


def test_a_member_of_two_companies_chooses_and_the_server_remembers(client):
    sign_in_by_form(client, mia)
    asked = client.get("/orders/")
    assert asked["Location"] == "/company/choose/?next=/orders/"
    chosen = client.post("/company/choose/", {"membership": str(mia.membership("borealis").id)})
    assert chosen["Location"] == "/orders/"
    assert client.get("/company/").wsgi_request.gate.company_slug == "borealis"
    client.post("/company/choose/", {"membership": str(mia.membership("aurora").id)})
    assert client.get("/policy/").wsgi_request.gate.company_slug == "aurora"


@pytest.mark.parametrize("value", ["", "x", "\x00", "a" * 1_000_000, "other"])
def test_nobody_chooses_a_company_of_others(client, value):
    sign_in_by_form(client, gail)
    value = str(mia.membership("borealis").id) if value == "other" else value
    response = client.post("/company/choose/", {"membership": value})
    assert response.status_code == 200
    assert response.wsgi_request.gate.company_slug == "aurora"
    assert client.get("/policy/").wsgi_request.gate.company_slug == "aurora"


def reset_link(client, someone):
    client.post("/login/password/", {"email": someone.email})
    return re.search(r"http://testserver(/login/password/\S+)", mail.outbox[-1].body)[1]


def test_a_forgotten_password_is_set_anew_by_the_mailed_link(client):
    link = reset_link(client, gail)
    assert client.get(link)["Referrer-Policy"] == "strict-origin"
    answer = client.post(link, {"password1": "new-pass-phrase", "password2": "new-pass-phrase"})
    assert answer["Location"] == "/login/password/done/"
    assert client.get(answer["Location"]).status_code == 200
    assert client.get(link).status_code == 410  # it opens once
    assert sign_in_by_form(Client(), gail).status_code == 200
    assert sign_in_by_form(Client(), gail, password="new-pass-phrase").status_code == 302


def test_a_letter_is_in_its_readers_language_whoever_asked_for_it(client):
    with as_(gail):
        User.objects.filter(email=gail.email).update(language="ru")
    client.post("/login/password/?lang=en", {"email": gail.email})
    client.post("/login/password/?lang=en", {"email": gus.email})  # who never chose one
    written = [letter.subject for letter in mail.outbox]
    assert written == ["Covenant: новый пароль", "A new password for Covenant"]


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "evil.example:80"])
def test_no_letter_leads_to_another_host(client, host):
    for more in ({"HTTP_HOST": host}, {"HTTP_X_FORWARDED_HOST": host}):
        client.post("/login/password/", {"email": gail.email}, **more)
    assert all(host not in letter.body for letter in mail.outbox)
    assert len(mail.outbox) == 1  # to the one who asked by our own name


def test_the_reset_key_is_stored_nowhere(client):
    link = reset_link(client, gail)
    client.get(link)
    key = link.rstrip("/").partition("-")[2]
    assert key not in str(dict(client.session))


@pytest.mark.parametrize("link", ["zzzzzzzzzzzzz-x", "1-abc-def", "0-a"])
def test_a_wrong_reset_link_says_so(client, link):
    assert client.get(f"/login/password/{link}/").status_code == 410


def test_asking_for_a_reset_does_not_tell_who_is_known(client):
    known = client.post("/login/password/", {"email": gail.email})
    unknown = client.post("/login/password/", {"email": "nobody@nowhere.example"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


@pytest.mark.django_db(transaction=True)
def test_a_deactivated_person_cannot_sign_in(client, owner):
    owner.execute("UPDATE accounts_user SET is_active = false WHERE email = %s", [adam.email])
    assert sign_in_by_form(client, adam)["Location"] == "/login/inactive/"
    assert client.get("/login/inactive/").status_code == 200
    assert user_id_of(client) is None


def test_passwords_are_kept_as_argon2(client):
    sign_in(client, gail)
    new = {"oldpassword": PASSWORD, "password1": "new-pass-phrase", "password2": "new-pass-phrase"}
    assert client.post("/password/", new).status_code == 302
    assert gail.user.password.startswith("argon2$argon2id$")


def test_only_our_own_form_signs_in():
    client = Client(enforce_csrf_checks=True)
    assert sign_in_by_form(client, gail).status_code == 403
    form = client.get("/login/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[1]
    answer = sign_in_by_form(client, gail, csrfmiddlewaretoken=token)
    assert answer["Location"] == "/orders/"


def test_the_icon_that_browsers_ask_for_unasked_is_there(client):
    icon = client.get("/favicon.ico")
    assert (icon.status_code, icon["Content-Type"]) == (200, "image/x-icon")
    assert not icon.cookies
