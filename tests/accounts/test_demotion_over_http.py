"""Two requests at the same moment: an owner's, who takes a role back, and its holder's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from accounts.middleware import GateMiddleware
from tests.people import Someone, adam, ann, gus, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 20  # seconds


class Held:
    """Stops one person's requests when their views are done, right before the commit."""

    def __init__(self) -> None:
        self.user_id: int | None = None
        self.there, self.let_go = threading.Event(), threading.Event()

    def at_the_end(self, request: Any) -> None:
        if request.gate.user_id == self.user_id and not self.there.is_set():
            self.there.set()
            assert self.let_go.wait(PATIENCE)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    hold = Held()
    finish = GateMiddleware.process_response

    def finish_late(self: Any, request: Any, response: Any) -> Any:
        hold.at_the_end(request)
        return finish(self, request, response)

    monkeypatch.setattr(GateMiddleware, "process_response", finish_late)
    return hold


Post = Callable[..., Future[HttpResponse]]


@pytest.fixture
def post() -> Iterator[Post]:
    """Gives somebody a place by a form of their own, in a thread of its own."""
    clients = {who: sign_in(Client(raise_request_exception=False), who) for who in (ann, adam)}
    addresses = {who: f"/company/people/{who.membership().id}/place/" for who in (ann, adam, gus)}

    def send(by: Someone, whom: Someone, role: str) -> HttpResponse:
        try:
            return clients[by].post(addresses[whom], {"role": role})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        yield lambda *deed: threads.submit(send, *deed)


def role_of(someone: Someone, superuser: psycopg.Connection) -> str:
    [(role,)] = superuser.execute(
        "SELECT m.role FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id"
        " WHERE u.email = %s",
        [someone.email],
    ).fetchall()
    return str(role)


def somebody_waits(superuser: psycopg.Connection) -> bool:
    """Whether a statement waits for another's row."""
    return superuser.execute(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
    ).fetchone() == (True,)


def wait_until(true: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(PATIENCE * 20):
        if true():
            return
        pause.wait(0.05)
    raise AssertionError


def test_whoever_is_being_demoted_does_not_write_his_former_role_over_it(
    held: Held, post: Post, superuser: psycopg.Connection
) -> None:
    held.user_id = ann.user.pk
    hers = post(ann, adam, "agent")
    assert held.there.wait(PATIENCE)
    his = post(adam, adam, "admin")
    wait_until(lambda: somebody_waits(superuser))
    held.let_go.set()
    assert hers.result(PATIENCE).status_code == 302
    assert his.result(PATIENCE).status_code == 403
    assert role_of(adam, superuser) == "agent"


def test_who_wrote_his_own_role_first_is_demoted_after(
    held: Held, post: Post, superuser: psycopg.Connection
) -> None:
    held.user_id = adam.user.pk
    his = post(adam, adam, "admin")
    assert held.there.wait(PATIENCE)
    hers = post(ann, adam, "agent")
    wait_until(lambda: somebody_waits(superuser))
    held.let_go.set()
    assert [each.result(PATIENCE).status_code for each in (his, hers)] == [302, 302]
    assert role_of(adam, superuser) == "agent"


def test_what_he_did_to_another_and_had_not_committed_is_undone(
    held: Held, post: Post, superuser: psycopg.Connection
) -> None:
    held.user_id = adam.user.pk
    his = post(adam, gus, "admin")
    assert held.there.wait(PATIENCE)
    assert post(ann, adam, "agent").result(PATIENCE).status_code == 302
    held.let_go.set()
    assert his.result(PATIENCE).status_code == 403
    assert (role_of(adam, superuser), role_of(gus, superuser)) == ("agent", "agent")
