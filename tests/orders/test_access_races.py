"""Access links used, let in and shut by many at the same moment, over HTTP.

The numbers are those of docs/access-cases.md.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from django.test import Client

from tests import people
from tests.access import another_order, ask, confirm, link, state_of
from tests.accounts.test_pool import pool_of

pytestmark = pytest.mark.django_db(transaction=True)

ASKING, AT_ONCE, ROUNDS = 50, 10, 5


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """What each came to. So many together, and none of them begins before all are there."""
    many = min(len(deeds), AT_ONCE)
    together = threading.Barrier(many)

    def carry_out(deed: Callable[[], Any]) -> Any:
        together.wait(timeout=60)
        try:
            return deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(many) as threads:
        return list(threads.map(carry_out, deeds))


def desk() -> Client:
    return people.sign_in(Client(), people.sue)


def asks(client: Client, secret: str) -> int:
    return client.post("/support/asking/", {"code": secret}).status_code


def deeds_of(grant_id: UUID, superuser: psycopg.Connection) -> list[str]:
    rows = superuser.execute(
        "SELECT action FROM accounts_auditentry WHERE grant_id = %s ORDER BY id", [grant_id]
    ).fetchall()
    return [action for (action,) in rows]


def test_13_of_fifty_who_ask_at_once_one_is_let_in(superuser: psycopg.Connection) -> None:
    order = another_order()
    grant_id, secret = link()
    desks = [desk() for _ in range(ASKING)]
    with pool_of(AT_ONCE):
        answers = at_once(*(lambda one=one: asks(one, secret) for one in desks))
    assert sorted(answers) == [302] + [422] * (ASKING - 1)
    assert deeds_of(grant_id, superuser) == ["access.made", "access.asked"]
    assert confirm(grant_id)
    seen = [one.get(f"/orders/{order.id}/").status_code == 200 for one in desks]
    assert seen == [answer == 302 for answer in answers]


def test_14_asked_and_revoked_at_once_is_shut() -> None:
    order = another_order()
    sue, ann = desk(), people.sign_in(Client(), people.ann)
    for _round in range(ROUNDS):
        grant_id, secret = link(staff=people.sue)  # who would be in by asking
        at_once(
            lambda secret=secret: asks(sue, secret),
            lambda grant_id=grant_id: ann.post(f"/access/{grant_id}/revocation/"),
        )
        assert state_of(grant_id) == "revoked"
        assert sue.get(f"/orders/{order.id}/").status_code == 302


@pytest.mark.parametrize("asked_first", [True, False])
def test_14_asked_and_revoked_one_after_the_other_is_shut(asked_first: bool) -> None:
    order = another_order()
    grant_id, secret = link(staff=people.sue)
    sue, ann = desk(), people.sign_in(Client(), people.ann)
    deeds = [
        lambda: asks(sue, secret),
        lambda: ann.post(f"/access/{grant_id}/revocation/"),
    ]
    for deed in deeds if asked_first else reversed(deeds):
        deed()
    assert state_of(grant_id) == "revoked"
    assert sue.get(f"/orders/{order.id}/").status_code == 302


def test_15_confirmed_by_many_clicks_at_once_is_confirmed_once(
    superuser: psycopg.Connection,
) -> None:
    grant_id, secret = link()
    ask(secret)
    clients = [people.sign_in(Client(), people.ann) for _ in range(5)]
    path, shown = f"/access/{grant_id}/confirmation/", {"staff": people.sue.user.pk}
    at_once(*(lambda one=one: one.post(path, shown) for one in clients))
    assert state_of(grant_id) == "open"
    assert deeds_of(grant_id, superuser).count("access.confirmed") == 1
