"""Access links on the pages of both sides: making, asking, confirming, following, ending."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client, override_settings

from accounts import gate
from accounts.models import Grant
from orders import access_letters as letters
from orders import timeline
from orders.models import Order
from tests import people
from tests.access import another_order, confirm, link, state_of
from tests.policy.publications import accept_all, publish_crm

pytestmark = pytest.mark.django_db


MAKING = "/access/new/link/"
SAID = {"reason": "Look at it", "minutes": 60, "everything": "on"}


@pytest.fixture
def order() -> Order:
    return another_order()


def fresh(someone: people.Someone) -> Client:
    """A browser whose person has just given the password once more."""
    client = people.sign_in(Client(), someone)
    cookie = client.cookies["covenant"].value
    gate.prove_pass(cookie, user_id=someone.user.pk, proof="password")
    return client


def made(client: Client, **said: object) -> str:
    """The link that the page shows."""
    page = client.post(MAKING, SAID | said)
    assert page.status_code == 200, page.text
    found = re.search(r'id="fresh-link">([^<]+)<', page.text)
    assert found
    return found[1]


def grants_of(someone: people.Someone = people.ann) -> list[Grant]:
    with people.as_(someone):
        return list(Grant.objects.order_by("id"))


def test_a_link_is_made_for_the_order_that_one_looks_at(order: Order) -> None:
    client = fresh(people.ann)
    card = client.get(f"/orders/{order.id}/").text
    way = f"/access/new/?orders={order.number}"
    assert way in card and f'value="{order.number}"' in client.get(way).text
    one = {"numbers": str(order.number), "everything": ""}
    shown = made(client, **one, shown=["name"], moves=["trash"])
    [grant] = grants_of()
    assert (grant.orders, grant.fields, grant.moves) == ([order.id], ["name"], ["trash"])
    assert "/support/#" in shown


def test_18_the_secret_is_shown_once_and_stands_after_the_hash(order: Order) -> None:
    client = fresh(people.ann)
    secret = made(client).partition("#")[2]
    assert len(secret) == 43
    for path in ("/access/", f"/access/{grants_of()[0].id}/"):
        assert secret not in client.get(path).text


def test_making_asks_for_a_fresh_proof() -> None:
    client = people.sign_in(Client(), people.ann)
    answer = client.post(MAKING, SAID)
    assert answer.status_code in (307, 302) and "/account/confirmation/" in answer["Location"]
    assert grants_of() == []


@pytest.mark.parametrize(
    "said",
    [{"reason": ""}, {"numbers": "99999", "everything": ""}, {"numbers": "none", "everything": ""},
     {"minutes": 9999}, {"shown": ["passport"]}, {"moves": ["processing"]}, {"staff": "1"},
     {"everything": ""}, {"numbers": "1"}, {"reason": "Ring +40 (721) 234-643"},
     {"reason": "zoe@example.org is unhappy"}],
)  # fmt: skip
def test_what_makes_no_sense_makes_no_link(said: dict[str, object]) -> None:
    client = fresh(people.ann)
    answer = client.post(MAKING, SAID | said)
    assert answer.status_code == 422
    assert grants_of() == []


def test_an_agent_names_only_orders_that_the_agent_sees(order: Order) -> None:
    with people.as_(people.ann) as ann:
        order.assign(by=ann, agent_id=people.gus.membership().id)
    said = SAID | {"everything": "", "numbers": str(order.number)}
    assert fresh(people.gail).post(MAKING, said).status_code == 422


def test_16_17_opening_the_address_changes_nothing() -> None:
    grant_id, secret = link()
    for client in (
        Client(),
        people.sign_in(Client(), people.sue),
        people.sign_in(Client(), people.ann),
    ):
        for method in ("get", "head"):
            for path in ("/support/", f"/support/?code={secret}", "/support/asking/"):
                getattr(client, method)(path)
    assert Client().post("/support/asking/", {"code": secret}).status_code == 302
    assert state_of(grant_id) == "waiting"


def test_35_support_asks_in_a_session_whose_secret_is_new(order: Order) -> None:
    grant_id, secret = link()
    client = people.sign_in(Client(), people.sue)
    before = client.cookies["covenant"].value
    client.post("/support/asking/", {"code": f"https://crm.example/support/#{secret}"})
    after = client.cookies["covenant"].value
    assert before != after and state_of(grant_id) == "asked"
    with gate.carrying(before) as gone:
        assert not gone.found
    assert "is asked to let you in" in client.get("/support/").text
    assert client.get(f"/orders/{order.id}/").status_code == 302  # still nobody's


def test_10_12_a_link_that_does_not_open_says_nothing_of_why() -> None:
    grant_id, secret = link()
    client = people.sign_in(Client(), people.sue)
    client.post("/support/asking/", {"code": secret})
    other = people.sign_in(Client(), people.sue)
    wrong = [other.post("/support/asking/", {"code": code}) for code in (secret, "x" * 43)]
    assert {answer.status_code for answer in wrong} == {422}
    assert state_of(grant_id) == "asked"


def test_the_maker_sees_who_asks_and_lets_in_by_name(order: Order) -> None:
    grant_id, secret = link()
    sue = people.sign_in(Client(), people.sue)
    sue.post("/support/asking/", {"code": secret})
    ann = people.sign_in(Client(), people.ann)
    page = ann.get(f"/access/{grant_id}/").text
    assert "Sue of support asks to be let in" in page
    ann.post(f"/access/{grant_id}/confirmation/", {"staff": people.olga.user.pk})
    assert state_of(grant_id) == "asked"
    ann.post(f"/access/{grant_id}/confirmation/", {"staff": people.sue.user.pk})
    assert state_of(grant_id) == "open"
    assert sue.get(f"/orders/{order.id}/").status_code == 200


def working(**scope: Any) -> tuple[Client, UUID]:
    grant_id, secret = link(**scope)
    sue = people.sign_in(Client(), people.sue)
    sue.post("/support/asking/", {"code": secret})
    confirm(grant_id)
    return sue, grant_id


def test_each_page_is_framed_with_the_company_the_reason_and_the_end(order: Order) -> None:
    sue, _ = working()
    shown = ("/orders/", f"/orders/{order.id}/", "/support/", "/staff/", "/policy/")
    for path in (*shown, "/company/", "/no-such-page/"):  # refused, and not there
        page = sue.get(path).text
        assert 'class="under-grant"' in page and "Aurora" in page and "The total is wrong" in page
        assert "/support/ending/" in page
    assert 'class="under-grant"' not in people.sign_in(Client(), people.ann).get("/orders/").text


def test_36_ending_it_gives_support_its_own_session_back(order: Order) -> None:
    sue, grant_id = working()
    before = sue.cookies["covenant"].value
    sue.post("/support/ending/")
    assert before != sue.cookies["covenant"].value and state_of(grant_id) == "ended"
    assert "The link, or its code" in sue.get("/support/").text
    assert sue.get(f"/orders/{order.id}/").status_code == 302


def test_one_that_is_shut_for_now_is_said_to_be_and_can_be_ended(order: Order) -> None:
    """Its maker has a policy to accept. Another link ended in an error, and this one stayed."""
    sue, grant_id = working()
    publish_crm()
    accept_all(people.sue)
    assert sue.get(f"/orders/{order.id}/").status_code == 302
    page = sue.get("/support/").text
    assert "Aurora is shut for now" in page and "/support/ending/" in page
    assert sue.post("/support/asking/", {"code": "x" * 43}).status_code == 422
    accept_all(people.ann)
    assert sue.get(f"/orders/{order.id}/").status_code == 200
    publish_crm("# Newer rules")
    accept_all(people.sue)
    sue.post("/support/ending/")
    accept_all(people.ann)
    assert state_of(grant_id) == "ended"


def test_signing_out_ends_it(order: Order) -> None:
    sue, grant_id = working()
    sue.post("/logout/")
    assert state_of(grant_id) == "ended"


@pytest.mark.parametrize("asks", ["page", "move", "htmx", "program"])
def test_support_that_is_shut_out_is_told_so_at_whatever_it_does_next(
    order: Order, asks: str
) -> None:
    sue, grant_id = working(moves=["trash"])
    card = f"/orders/{order.id}/"
    assert sue.get(card).status_code == 200
    people.sign_in(Client(), people.ann).post(f"/access/{grant_id}/revocation/")
    sent = {"move": "trash", "version": 1, "reason": "test"}
    answer = {
        "page": lambda: sue.get(card),
        "move": lambda: sue.post(f"{card}move/", sent),
        "htmx": lambda: sue.get("/orders/", headers={"HX-Request": "true"}),
        "program": lambda: sue.get(card, headers={"Accept": "application/json"}),
    }[asks]()
    assert str(order.number) not in answer.text
    if asks == "program":
        assert answer.status_code == 403 and answer.json()["type"].endswith("access-over")
    else:
        way = answer.headers.get("HX-Redirect") or answer.headers["Location"]
        page = sue.get(way).text
        assert "Aurora is shut to you" in page and "The link of Ann was shut." in page
        assert 'class="under-grant"' not in page
        sue.post("/support/ending/")
        assert "Aurora is shut to you" not in sue.get("/support/").text
    with people.as_(people.ann):
        assert Order.objects.get(id=order.id).version == 1


def test_support_is_not_told_who_the_companys_people_are(order: Order) -> None:
    with people.as_(people.ann) as ann:
        order.assign(by=ann, agent_id=people.gus.membership().id)
        order.say(by=ann, text="Ring twice")
    sue, _ = working()
    sue.get(f"/orders/{order.id}/")
    card = sue.get(f"/orders/{order.id}/").text
    told = card[card.index('class="timeline"') :]
    assert "<b>You</b> looked at the order" in told and "<b>The company</b> added" in told
    assert not any(name in told for name in ("Ann", "Gus", "Person"))


def test_nobody_offers_what_is_shut_to_himself() -> None:
    form = people.sign_in(Client(), people.gail).get("/access/new/").text
    assert 'value="confirmed"' in form and 'value="address"' in form
    assert 'value="paid"' not in form and 'value="telephone"' not in form
    said = SAID | {"shown": ["telephone"]}
    assert fresh(people.gail).post(MAKING, said).status_code == 422


@pytest.mark.parametrize("path", ["/access/", "/account/"])
def test_when_support_last_looked_stands_with_the_links_and_on_the_account(
    order: Order, path: str
) -> None:
    sue, grant_id = working()
    ann, gus = (people.sign_in(Client(), each) for each in (people.ann, people.gus))
    assert "Support last opened your account: never" in ann.get(path).text
    sue.get(f"/orders/{order.id}/")
    page = ann.get(path).text
    assert "by Sue" in page and f'href="/access/{grant_id}/"' in page
    assert "Support last opened your account: never" in gus.get(path).text


def test_whoever_has_a_policy_to_accept_finds_the_account_and_not_what_support_did() -> None:
    sue, _ = working()
    sue.get("/orders/")
    publish_crm("# Anew\n\nIn force.")
    page = people.sign_in(Client(), people.ann).get("/account/")
    assert page.status_code == 200 and "Support last opened" not in page.text


def test_the_audit_leads_from_a_look_to_its_order_and_its_link(order: Order) -> None:
    sue, grant_id = working()
    sue.get(f"/orders/{order.id}/")
    page = people.sign_in(Client(), people.ann).get("/company/audit/").text
    entries = page.partition('<ol class="timeline">')[2]
    look = entries[entries.index("looked at the order") :].partition("</li>")[0]
    assert f'href="/orders/{order.id}/">№ {order.number}<' in look
    assert f'href="/access/{grant_id}/"' in look


def test_the_maker_follows_what_is_looked_at(order: Order) -> None:
    sue, grant_id = working()
    ann = people.sign_in(Client(), people.ann)
    assert "Support last opened your account: never" in ann.get("/access/").text
    sue.get(f"/orders/{order.id}/")
    page = ann.get(f"/access/{grant_id}/").text
    assert "looked at the order" in page and f"№ {order.number}" in page
    assert "Support last opened your account: never" not in ann.get("/access/").text
    assert "under an access link" in ann.get(f"/orders/{order.id}/").text


def test_no_look_is_hidden_by_hundreds_of_others(order: Order) -> None:
    sue, grant_id = working()
    ann = people.sign_in(Client(), people.ann)
    with mock.patch.object(timeline, "LONGEST", 3):
        sue.get(f"/orders/{order.id}/")
        for _ in range(3):
            sue.get("/orders/")
        newest = ann.get(f"/access/{grant_id}/")
        assert f"№ {order.number}" not in newest.text and "every 5s" in newest.text
        older = ann.get(unescape(re.search(r'href="([^"]+)" rel="next"', newest.text)[1]))
    assert f"№ {order.number}" in older.text and "every 5s" not in older.text


@pytest.mark.parametrize("older", ["", "x", "%00", "9999-99-99", "0001-01-01T00:00:00+14:00"])
def test_a_place_that_is_none_is_the_newest_end(older: str) -> None:
    grant_id, _ = link()
    ann = people.sign_in(Client(), people.ann)
    assert ann.get(f"/access/{grant_id}/?older={older}").status_code == 200


def test_an_agent_follows_the_agents_own_links_and_no_others(order: Order) -> None:
    grant_id, secret = link(people.gail)
    sue = people.sign_in(Client(), people.sue)
    sue.post("/support/asking/", {"code": secret})
    confirm(grant_id, people.gail)
    sue.get("/orders/")
    mine, others = (people.sign_in(Client(), each) for each in (people.gail, people.gus))
    assert "looked at the list of orders" in mine.get(f"/access/{grant_id}/").text
    assert others.get(f"/access/{grant_id}/").status_code == 404
    assert "The total is wrong" not in others.get("/access/").text
    assert (
        "looked at the list"
        in people.sign_in(Client(), people.adam).get(f"/access/{grant_id}/").text
    )


def test_revoking_on_the_page_shuts_it(order: Order) -> None:
    sue, grant_id = working()
    people.sign_in(Client(), people.adam).post(f"/access/{grant_id}/revocation/")
    assert state_of(grant_id) == "revoked"
    assert sue.get(f"/orders/{order.id}/").status_code == 302


@pytest.mark.parametrize("someone", [people.gus, people.bea, people.pat])
def test_nobody_else_shuts_or_confirms_it(someone: people.Someone) -> None:
    grant_id, _ = link()
    client = people.sign_in(Client(), someone)
    for deed in ("revocation", "confirmation"):
        assert client.post(f"/access/{grant_id}/{deed}/").status_code in (403, 404)
    assert state_of(grant_id) == "waiting"


def test_44_nobody_is_led_off_the_site() -> None:
    sue, _ = working()
    for path in ("/support/ending/?next=https://evil.example/", "/support/asking/?next=//evil"):
        answer = sue.post(path, {"code": "x"})
        assert "evil" not in answer.headers.get("Location", "")


def test_who_is_not_of_support_has_no_desk() -> None:
    for someone in (people.ann, people.olga):
        assert people.sign_in(Client(), someone).get("/support/").status_code == 403


@override_settings(SUPPORT_EMAIL="help@covenant.example")
def test_a_link_can_be_mailed_to_support(django_capture_on_commit_callbacks: Any) -> None:
    client = fresh(people.ann)
    with django_capture_on_commit_callbacks(execute=True):
        shown = made(client, mailed="on")
    [letter] = mail.outbox
    assert letter.to == ["help@covenant.example"] and shown in letter.body


def test_letters_tell_of_asking_the_first_view_and_the_end(order: Order) -> None:
    sue, grant_id = working()
    letters.tell_all()
    assert subjects() == ["Sue of support asks to be let into Aurora"]
    sue.get(f"/orders/{order.id}/")
    sue.get("/orders/")
    letters.tell_all()
    sue.post("/support/ending/")
    letters.tell_all()
    letters.tell_all()
    assert subjects()[1:] == [
        "Sue of support looks at orders of Aurora",
        "Support's access to Aurora is over",
    ]
    assert {letter.to[0] for letter in mail.outbox} == {people.ann.email}
    assert f"/access/{grant_id}/" in mail.outbox[0].body


def subjects() -> list[str]:
    return [letter.subject for letter in mail.outbox]


def test_46_a_letter_that_fails_is_written_the_next_time_and_holds_up_no_other() -> None:
    for maker in (people.gail, people.adam):
        _, secret = link(maker)
        sue = people.sign_in(Client(), people.sue)
        sue.post("/support/asking/", {"code": secret})
        sue.post("/support/ending/")
    with (
        mock.patch.object(EmailMessage, "send", side_effect=OSError) as sending,
        pytest.raises(OSError),
    ):
        letters.tell_all()
    assert sending.call_count == 2 and mail.outbox == []
    letters.tell_all()
    told = {letter.to[0] for letter in mail.outbox}
    assert told == {people.gail.email, people.adam.email, people.ann.email}


def test_lists_cost_the_same_for_one_link_and_for_many(django_assert_num_queries: object) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = people.sign_in(Client(), people.ann)
    counts = []
    for _ in range(2):
        link()
        client.get("/access/")
        with CaptureQueriesContext(connection) as asked:
            client.get("/access/")
        counts.append(len(asked))
    assert counts[0] == counts[1]
