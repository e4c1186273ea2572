"""Attempts are counted once for all processes, and nobody can read whose they are."""

import threading

import psycopg
import pytest
from django.core.cache import cache
from django.db import ProgrammingError, connection, transaction
from django.test import Client

from accounts import attempts, gate
from tests.people import PASSWORD, ann, boris, gail, pass_of, sign_in

ADDRESS = "203.0.113.9"


def wrong(client, **more):
    return client.post("/login/", {"login": gail.email, "password": "wrong"}, **more)


@pytest.mark.django_db
def test_a_value_is_kept_until_its_time_is_over():
    with gate.vouching():
        assert cache.add("k", [1.5], 60)
        assert not cache.add("k", [2.5], 60)
        assert cache.get("k") == [1.5]
        cache.set("k", [2.5], 60)
        assert cache.get("k") == [2.5]
        assert cache.delete("k")
        assert cache.get("k", "nothing") == "nothing"
        cache.set("k", True, 0)
        assert cache.get("k") is None
        assert cache.add("k", True, 60)


@pytest.mark.django_db
def test_what_is_over_is_swept():
    with gate.vouching():
        cache.set("over", True, 0)
        cache.set("underway", True, 60)
        assert attempts.sweep() == 1
        assert cache.get("underway")


@pytest.mark.django_db(transaction=True)
def test_neither_the_address_nor_the_email_is_stored(owner):
    wrong(Client(), REMOTE_ADDR=ADDRESS)
    rows = owner.execute("SELECT hash, value FROM accounts_attempt").fetchall()
    assert len(rows) == 3  # sign-ins from there, failures from there, and failures with the e-mail
    assert all(len(key) == 32 and len(times) == 1 for key, times in rows)
    assert gail.email not in str(rows)
    assert ADDRESS not in str(rows)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "command",
    [
        "SELECT * FROM accounts_attempt",
        "DELETE FROM accounts_attempt",
        "UPDATE accounts_attempt SET expires_at = now() + interval '30 days'",
        "INSERT INTO accounts_attempt VALUES ('x', '[]', now())",
        "SELECT gate.attempts('', 'x')",
        "SELECT gate.keep_attempts('', 'x', '[]', 60, true)",
        "SELECT gate.forget_attempts('', 'x')",
    ],
)
def test_sql_smuggled_into_a_request_sees_and_changes_no_count(owner, command):
    wrong(Client())
    everything = "SELECT * FROM accounts_attempt ORDER BY hash"
    before = owner.execute(everything).fetchall()
    with (
        gate.carrying(pass_of(gail)),
        pytest.raises(ProgrammingError) as refusal,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(command)
    assert refusal.value.__cause__.sqlstate == "42501"
    assert owner.execute(everything).fetchall() == before != []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("value", ['"x"', '["x"]', "{}", "3"])
def test_what_is_no_count_is_not_stored(owner, value):
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute("INSERT INTO accounts_attempt VALUES ('x', %s, now())", [value])


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_no_more_attempts_than_one(owner):
    """Each thread is a process as far as the database sees: a connection of its own."""
    answers = []

    def attempt():
        answers.append("Too many failed" in wrong(Client()).content.decode())
        connection.close()

    together = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert sorted(answers) == [False] * 5 + [True] * 3
    assert Client().post("/login/", {"login": gail.email, "password": PASSWORD}).status_code == 200
    assert Client().post("/login/", {"login": ann.email, "password": PASSWORD}).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/orders/", "/company/", "/password/", "/policy/"])
def test_no_page_pays_for_counting(client, path, monkeypatch):
    sign_in(client, boris)
    monkeypatch.setattr(attempts, "ask", None)
    assert client.get(path).status_code == 200
