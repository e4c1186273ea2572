"""Somebody who left a company and is invited again: a member anew, in the new role alone."""

import re

import pytest
from django.test import Client

from accounts.models import Partner
from orders.models import Order
from tests.people import adam, ann, as_, gail, gus, lena, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def old():
    """An order that Gail worked on before she left."""
    with as_(ann) as owner:
        order = Order.objects.first()
        order.assign(by=owner, agent_id=gail.membership().id)
    sign_in(Client(), gail).post("/company/departure/")
    return order


def come_back(role: str, **more: str) -> Client:
    page = sign_in(Client(), adam).post(
        "/company/invitations/", {"email": gail.email, "role": role, **more}
    )
    link = re.search(r"http://testserver(/invitation/[\w-]{43}/)", page.content.decode())[1]
    client = sign_in(Client(), gail)
    assert client.post(link)["Location"] == "/orders/"
    return client


def sees(client: Client, order: Order) -> bool:
    return client.get(f"/orders/{order.id}/").status_code == 200


def test_whoever_left_sees_nothing_and_the_order_stays_with_the_company(old):
    client = sign_in(Client(), gail)
    assert client.get(f"/orders/{old.id}/")["Location"].startswith("/company/choose/")
    assert sees(sign_in(Client(), adam), old)
    assert sees(sign_in(Client(), lena), old)  # the lead of her team, who can hand it on
    assert not sees(sign_in(Client(), gus), old)


def test_an_agent_who_comes_back_finds_what_nobody_took_over(old):
    client = come_back("agent")
    assert gail.membership().left_at is None
    assert gail.membership().team_id is None  # a team is given anew
    assert sees(client, old)


def test_what_was_handed_on_meanwhile_stays_with_whom_it_was_handed_to(old):
    with as_(ann) as owner:
        Order.objects.get(id=old.id).assign(by=owner, agent_id=gus.membership().id)
    assert not sees(come_back("agent"), old)


def test_who_comes_back_for_a_partner_sees_that_partners_orders_alone(old):
    client = come_back("partner", new_partner="web25")
    assert gail.membership().role == "partner"
    assert not sees(client, old)
    with as_(ann) as by:
        partner_id = Partner.objects.get(name="web25").id
        order = Order.objects.get(id=old.id)
        order.edit(by=by, version=order.version, partner=partner_id)
    assert sees(client, old)


def test_who_comes_back_as_a_lead_leads_no_team_yet(old):
    client = come_back("lead")
    assert "You lead no team yet" in client.get("/orders/").content.decode()
    with as_(ann) as owner:
        Order.objects.get(id=old.id).assign(by=owner, agent_id=gus.membership().id)
    assert not sees(client, old)  # neither has a team, and that is no team in common


def test_a_former_session_does_not_wake():
    former = sign_in(Client(), gail)
    assert former.get("/orders/").status_code == 200
    with as_(ann) as owner:
        gail.membership().end(by=owner)
    come_back("admin")
    assert former.get("/orders/")["Location"].startswith("/login/")
