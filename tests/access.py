"""Access links as people make and use them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.test import Client

from accounts import gate, grants
from accounts.grants import LASTING
from accounts.models import Grant
from orders.intake import ItemDraft
from orders.models import Order
from orders.persons import Person
from tests import people
from tests.people import Someone


def proven(someone: Someone, slug: str | None = None) -> str:
    """A pass of somebody who has just proven who he is."""
    secret = people.pass_of(someone, slug)
    gate.prove_pass(secret, user_id=someone.user.pk, proof="password")
    return secret


def link(
    maker: Someone = people.ann,
    *,
    staff: Someone | None = None,
    lasting: timedelta = LASTING,
    reason: str = "The total is wrong",
    **scope: Any,
) -> tuple[UUID, str]:
    """A grant's id, and the secret of its link."""
    named = staff and staff.user
    with gate.carrying(proven(maker)) as by:
        grant, secret = grants.make(by=by, reason=reason, staff=named, lasting=lasting, **scope)
    return grant.id, secret


def ask(secret: str, staff: Someone = people.sue) -> str:
    """A pass of support's that has asked with the link, whether or not it opened."""
    own, another = people.pass_of(staff), gate.new_secret()
    people.prove(own, staff)
    with gate.carrying(own):
        return another if grants.ask_with_link(secret, another=another) else own


def confirm(grant_id: UUID, maker: Someone = people.ann, staff: Someone = people.sue) -> bool:
    with people.as_(maker):
        return grants.confirm(grant_id, staff_id=staff.user.pk)


def revoke(grant_id: UUID, by: Someone = people.ann) -> bool:
    with people.as_(by):
        return grants.revoke(grant_id)


def let_in(maker: Someone = people.ann, **scope: Any) -> tuple[UUID, str]:
    """An open grant's id, and the pass of Sue's that works under it."""
    grant_id, secret = link(maker, **scope)
    own = ask(secret)
    assert confirm(grant_id, maker)
    return grant_id, own


def working(maker: Someone = people.ann, **scope: Any) -> tuple[Client, UUID]:
    """Sue's browser, let in by the maker; and the grant."""
    client = people.sign_in(Client(), people.sue)
    grant_id, secret = link(maker, **scope)
    another = gate.new_secret()
    with gate.carrying(client.cookies["covenant"].value):
        assert grants.ask_with_link(secret, another=another)
    client.cookies["covenant"] = another
    assert confirm(grant_id, maker)
    return client, grant_id


def state_of(grant_id: UUID, maker: Someone = people.ann) -> str:
    with people.as_(maker):
        return Grant.objects.get(id=grant_id).state


def another_order(maker: Someone = people.ann) -> Order:
    """One more in the company, of another buyer."""
    with people.as_(maker) as by:
        return Order.objects.add(
            by=by,
            person=Person(
                name="Dora Zidaru",
                phone="+40723111222",
                email="dora@example.org",
                address="Strada Lungă 4",
                city="Brașov",
                comment="Ring twice",
            ),
            items=[ItemDraft("Lamp", Decimal(20))],
            currency="EUR",
            country="RO",
        )


def orders_of(someone: Someone = people.ann) -> list[Order]:
    with people.as_(someone) as by:
        return list(Order.objects.filter(company_id=by.company_id).order_by("id"))
