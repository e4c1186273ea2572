"""What somebody was sending when a new version stopped them is sent on once they have accepted."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from orders import keys
from orders.models import Comment, Order
from tests.people import ann, as_, gail, sign_in
from tests.policy.publications import accept_all, publish_crm

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
TOLD = 'Ring "twice" & wait,\r\nthen <call>'


@pytest.fixture
def order():
    with as_(ann):
        return Order.objects.first()


@pytest.fixture
def client():
    return sign_in(Client(enforce_csrf_checks=True), gail)


def comments():
    accept_all(ann)
    with as_(ann) as by:
        held = keys.provided(by)
        return [held.open_comment(bytes(each.body), each.id) for each in Comment.objects.all()]


def send(client, address, fields):
    """The form as a browser sends it, and again where it is redirected with its body."""
    body = urlencode(fields)
    answer = client.post(address, body, content_type=FORM)
    while answer.status_code == 307:
        answer = client.post(answer.headers["Location"], body, content_type=FORM)
    return answer


def hidden(page):
    found = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page.content.decode())
    return {name: unescape(value) for name, value in found}


def ticked(page):
    return {f"{each['form'].prefix}-agree": "on" for each in page.context["documents"]}


@pytest.fixture
def stopped(client, order):
    """The page of acceptance that a comment has led to."""
    token = hidden(client.get(reverse("orders:card", args=[order.id])))["csrfmiddlewaretoken"]
    publish_crm()
    fields = {"csrfmiddlewaretoken": token, "text": TOLD}
    return send(client, reverse("orders:comment", args=[order.id]), fields)


def test_a_comment_is_sent_on_once_its_writer_has_accepted(client, order, stopped):
    before = comments()
    assert "is not lost" in stopped.content.decode()
    assert stopped.headers["Cache-Control"].count("no-store")
    answer = send(client, "/accept/", hidden(stopped) | ticked(stopped))
    assert answer.headers["Location"] == reverse("orders:card", args=[order.id])
    assert comments() == [*before, TOLD]


def test_the_page_holds_it_until_all_is_accepted(client, stopped):
    before = comments()
    again = send(client, "/accept/", hidden(stopped))
    assert again.status_code == 200
    assert hidden(again)["text"] == TOLD
    assert comments() == before


def test_what_is_stopped_once_more_is_held_once_more(client, stopped):
    before = comments()
    publish_crm("# Newer rules")
    newer = send(client, "/accept/", hidden(stopped) | ticked(stopped))
    assert hidden(newer)["text"] == TOLD
    assert comments() == before
    send(client, "/accept/", hidden(newer) | ticked(newer))
    assert comments() == [*before, TOLD]


def test_a_link_makes_nobody_send_anything(client):
    publish_crm()
    page = client.get("/accept/?send=/company/leave/")
    assert "send" not in hidden(page)
    answer = client.post("/accept/", hidden(page) | ticked(page))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/orders/")


def test_what_no_page_of_ours_sent_is_not_held(client, order):
    publish_crm()
    answer = send(client, reverse("orders:comment", args=[order.id]), {"text": TOLD})
    assert answer.status_code == 403
    assert "Ring" not in answer.content.decode()


@pytest.mark.parametrize("way", ["http://evil.example/", "//evil.example/"])
def test_it_is_sent_to_this_site_only(client, stopped, way):
    fields = hidden(stopped) | ticked(stopped) | {"send": way}
    answer = client.post("/accept/", urlencode(fields), content_type=FORM)
    assert answer.headers["Location"] == "/orders/"


def test_no_link_leads_away_from_what_is_held(client, stopped):
    assert '<base target="_blank">' in stopped.content.decode()
    publish_crm("# Newest rules")
    nothing_held = client.get("/accept/").content.decode()
    assert "<base" not in nothing_held


def test_another_language_loses_nothing_and_accepts_nothing(client, stopped):
    before = comments()
    publish_crm("# Newest rules")
    assert 'formaction="?lang=ru"' in stopped.content.decode()
    russian = send(client, "/accept/?lang=ru", hidden(stopped) | ticked(stopped))
    assert 'lang="ru"' in russian.content.decode()
    assert hidden(russian)["text"] == TOLD
    assert comments() == before
