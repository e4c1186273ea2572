"""A write begun before a right was taken back is not committed after: nothing has changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts import gate
from accounts.middleware import GateMiddleware
from accounts.models import Membership, Team
from orders import imports
from orders.tasks import Patience
from policy.models import Policy
from tests import people
from tests.accounts.revocations import (
    AS,
    REVOCATIONS,
    WRITE,
    begun,
    nothing_changed,
    refused,
    writing,
)
from tests.orders.uploading import begun as begun_import
from tests.orders.uploading import job_of, many, secret_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("revocation", REVOCATIONS)
def test_what_was_begun_before_it_is_not_committed_after(
    revocation: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with writing() as web:
        owner.execute(REVOCATIONS[revocation])
        assert refused(web)
    assert nothing_changed(superuser)


def test_what_nobody_objects_to_is_committed(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with writing() as web:
        web.commit()
    assert not nothing_changed(superuser)
    assert owner.execute("SELECT count(*) FROM gate.writing").fetchone() == (0,)


def test_one_who_is_being_removed_does_not_wait_for_it(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with writing() as web, owner.transaction():
        owner.execute(REVOCATIONS["removed"])
        assert refused(web)
    assert nothing_changed(superuser)


IMMEDIATE = "SET CONSTRAINTS ALL IMMEDIATE"
SMUGGLED = (
    IMMEDIATE,
    f"{IMMEDIATE}; {IMMEDIATE}; {IMMEDIATE}",
    f"DO $$ BEGIN {IMMEDIATE}; {IMMEDIATE}; END $$",
    "SET CONSTRAINTS gate.check_at_commit IMMEDIATE",
    f"{IMMEDIATE}; {WRITE}",
    "SELECT set_config('gate.pass', '', true)",
    "SELECT gate.leave_company(); ROLLBACK TO here",
    f"{IMMEDIATE}; ROLLBACK TO here",
)


@pytest.mark.parametrize("smuggled", SMUGGLED)
def test_smuggled_sql_does_not_disarm_it(
    smuggled: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with writing() as web:
        web.execute("SAVEPOINT here")
        web.execute(smuggled)
        owner.execute(REVOCATIONS["removed"])
        assert refused(web)
    assert nothing_changed(superuser)


def test_nor_does_it_before_the_write(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    with begun(people.pass_of(people.gail)) as web:
        web.execute(IMMEDIATE)
        web.execute(WRITE)
        owner.execute(REVOCATIONS["removed"])
        assert refused(web)
    assert nothing_changed(superuser)


@pytest.mark.parametrize(
    "ending", ["; COMMIT", "; COMMIT AND CHAIN", "; SET CONSTRAINTS ALL IMMEDIATE; COMMIT"]
)
def test_what_is_committed_within_another_message_is_refused(
    ending: str, superuser: psycopg.Connection
) -> None:
    secret = people.pass_of(people.gail)
    with begun(secret) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(WRITE + ending)
    assert nothing_changed(superuser)


def test_a_pass_presented_for_a_part_of_a_statement_writes_nothing(
    superuser: psycopg.Connection,
) -> None:
    secret = people.pass_of(people.gail)
    with begun(secret) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(
            f"WITH written AS ({WRITE} RETURNING id)"
            " SELECT set_config('gate.pass', '', true) FROM written"
        )
    assert nothing_changed(superuser)


# More than one pass


END = "SELECT gate.end_pass(%s, %s)"
SWITCHED = {
    "ended at the end": f"{WRITE} RETURNING {AS.format('{stranger}')}",
    "there and back": (
        f"WITH hers AS MATERIALIZED (SELECT {AS.format('{hers}')} AS pass)"
        " INSERT INTO orders_offer (company_id, id, name)"
        " SELECT c.id, gen_random_uuid(), 'overtaken ' || random()"
        " FROM hers, accounts_company c WHERE c.slug = 'aurora' AND hers.pass <> ''"
        f" RETURNING {AS.format('{stranger}')}"
    ),
}


@pytest.fixture
def stranger() -> str:
    """The pass of somebody who has not signed in."""
    secret = gate.new_secret()
    gate.open_pass(
        secret, kind="session", user_id=None, company_id=None, data="{}",
        until=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    return secret


def test_the_pass_of_the_right_is_asked_about_and_not_one_ended_before(
    stranger: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    hers = people.pass_of(people.gail)
    with begun(stranger) as web:
        web.execute(END, [gate.key_for("issue"), stranger])
        web.execute("SELECT gate.enter(%s, %s)", [gate.key_for("vouch"), hers])
        web.execute(SWITCHED["ended at the end"].format(stranger=stranger))
        owner.execute(REVOCATIONS["signed out"])
        assert refused(web)
    assert nothing_changed(superuser)


@pytest.mark.parametrize("revocation", ["signed out", "removed", "a policy to accept"])
def test_a_pass_presented_within_a_statement_alone_is_asked_about(
    revocation: str, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    """Between two others of a colleague's, who is still there at the commit."""
    hers, his = people.pass_of(people.gail), people.pass_of(people.gus)
    with begun(his) as web:
        web.execute(SWITCHED["there and back"].format(hers=hers, stranger=his))
        owner.execute(REVOCATIONS[revocation])
        assert refused(web)
    assert nothing_changed(superuser)


def test_what_several_passes_may_is_committed_while_all_of_them_stand(
    superuser: psycopg.Connection,
) -> None:
    hers, his = people.pass_of(people.gail), people.pass_of(people.gus)
    with begun(his) as web:
        web.execute(SWITCHED["there and back"].format(hers=hers, stranger=his))
        web.commit()
    assert not nothing_changed(superuser)


def test_nothing_is_written_with_a_pass_that_the_transaction_has_ended(
    superuser: psycopg.Connection,
) -> None:
    hers = people.pass_of(people.gail)
    with begun(hers) as web:
        web.execute(END, [gate.key_for("issue"), hers])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("UPDATE orders_offer SET name = 'overtaken'")
    assert nothing_changed(superuser)


# One's own

LAST_DEED = "SELECT count(*) FROM accounts_team WHERE name = 'Last deed'"


def sign_out(secret: str) -> None:
    gate.end_pass(secret)


def leave(secret: str) -> None:
    with people.as_(people.adam) as by:
        adam = Membership.objects.get(company_id=by.company_id, id=by.membership_id)
    adam.leave(by=by)


def step_down(secret: str) -> None:
    Membership.objects.filter(user_id=people.adam.user.pk).update(role="agent")


def publish(secret: str) -> None:
    with people.as_(people.adam) as by:
        Policy.objects.get(company_id=by.company_id).publish(by=by, texts={"en": "# Anew"})


@pytest.mark.parametrize("end", [sign_out, leave, step_down, publish])
def test_who_gives_up_the_right_himself_may_have_used_it(
    end: Callable[[str], None], superuser: psycopg.Connection
) -> None:
    secret = people.pass_of(people.adam)
    with gate.carrying(secret) as by:
        Team.objects.create(company_id=by.company_id, name="Last deed")
        end(secret)
    assert superuser.execute(LAST_DEED).fetchone() == (1,)


def test_who_gives_up_a_role_has_not_thereby_escaped(
    owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    adam = people.adam.user.pk
    with pytest.raises(DatabaseError), gate.carrying(people.pass_of(people.adam)) as by:
        Team.objects.create(company_id=by.company_id, name="Last deed")
        step_down("")
        owner.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [adam])
    assert superuser.execute(LAST_DEED).fetchone() == (0,)


# Over HTTP


@pytest.fixture
def overtaken(monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection) -> list[str]:
    """Revocations to be committed, each, as the next request comes to its end."""
    waiting: list[str] = []
    finish = GateMiddleware.process_response

    def finish_late(self: Any, request: Any, response: Any) -> Any:
        response = finish(self, request, response)
        if waiting:
            owner.execute(waiting.pop())
        return response

    monkeypatch.setattr(GateMiddleware, "process_response", finish_late)
    return waiting


def comment(client: Client, superuser: psycopg.Connection) -> HttpResponse:
    """A deed that waits for nobody who changes the member: taking an order holds the membership."""
    found = superuser.execute(
        "SELECT id FROM orders_order WHERE company_id = %s", [people.company("aurora").pk]
    )
    return client.post(f"/orders/{found.fetchone()[0]}/comment/", {"text": "Call after six."})


def comments(superuser: psycopg.Connection) -> int:
    return superuser.execute("SELECT count(*) FROM orders_comment").fetchone()[0]


@pytest.mark.parametrize(
    ("revocation", "status", "way_on"),
    [
        ("signed out", 401, "/login/"),
        ("deactivated", 401, "/login/"),
        ("a policy to accept", 302, "/accept/"),
        ("removed", 401, "/login/"),
    ],
)
def test_a_request_that_was_overtaken_is_refused_as_one_that_comes_too_late(
    revocation: str, status: int, way_on: str, overtaken: list[str], superuser: psycopg.Connection
) -> None:
    client = people.sign_in(Client(), people.gail)
    before = comments(superuser)
    overtaken.append(REVOCATIONS[revocation])
    response = comment(client, superuser)
    assert response.status_code == status
    assert f"{way_on}?next=" in response.get("Location", response.text)
    assert comments(superuser) == before


def test_a_request_whose_right_was_only_changed_is_carried_out_with_the_new_one(
    overtaken: list[str], superuser: psycopg.Connection
) -> None:
    client = people.sign_in(Client(), people.gail)
    before = comments(superuser)
    overtaken.append(REVOCATIONS["no team"])
    assert comment(client, superuser).status_code == 302
    assert comments(superuser) == before + 1


def test_a_job_that_was_overtaken_makes_no_order_and_asks_again(
    monkeypatch: pytest.MonkeyPatch, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    run = begun_import(many(3))
    make = imports.make_orders

    def make_late(*args: Any, **by: Any) -> None:
        make(*args, **by)
        owner.execute("DELETE FROM accounts_pass WHERE kind = 'job'")

    monkeypatch.setattr(imports, "make_orders", make_late)
    with pytest.raises(DatabaseError) as refusal:
        imports.work_through(run.id, secret_of(run))
    assert superuser.execute(
        "SELECT count(*) FROM orders_order WHERE source = 'import'"
    ).fetchone() == (0,)
    job = job_of(run)
    assert job
    retry = Patience().get_retry_decision(exception=refusal.value, job=job.procrastinate_job)
    assert retry
