"""Two companies' requests over a pool of two connections: what one presented, no other inherits."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from django.db import ProgrammingError, connection
from django.test import Client
from psycopg.pq import TransactionStatus

from accounts import gate
from crmsite import databases
from tests import access, people

pytestmark = pytest.mark.django_db(transaction=True)

REQUESTS = 1_000
THREADS = 8
OFTEN = 8  # requests, after which plans are kept
VISITORS = (people.ann, people.bea, None)


@contextmanager
def pool_of(size: int) -> Iterator[None]:
    options = connection.settings_dict["OPTIONS"]
    before = options["pool"]
    connection.close()
    connection.close_pool()
    options["pool"] = {**before, "min_size": size, "max_size": size, "timeout": 30}
    try:
        yield
    finally:
        connection.close()
        connection.close_pool()
        options["pool"] = before


def signed_in(visitor: people.Someone | None) -> Client:
    client = Client(raise_request_exception=False)
    return people.sign_in(client, visitor) if visitor else client


def ask(job: tuple[int, people.Someone | None, Client]) -> str | None:
    """One request in its own thread's connection; what it shows that it should not, or None."""
    number, visitor, prepared = job
    client = Client(raise_request_exception=False)
    client.cookies = prepared.cookies
    try:
        # Every tenth request fails on its way, with its transaction under way.
        body = client.get("/orders/", {"since": "\0"} if number % 10 == 0 else {}).text
    finally:
        connection.close()
    for other in (people.ann, people.bea):
        if (f"Buyer of {other}" in body) != (other is visitor):
            return f"{visitor} and {other}"
    return None


def test_a_thousand_interleaved_requests_mix_no_row() -> None:
    with pool_of(2):
        clients = [signed_in(visitor) for visitor in VISITORS]
        connection.close()
        jobs = [(n, VISITORS[n % 3], clients[n % 3]) for n in range(REQUESTS)]
        with ThreadPoolExecutor(THREADS) as threads:
            mixed = [found for found in threads.map(ask, jobs) if found]
    assert mixed == []


@pytest.mark.parametrize("support", [False, True], ids=["a member", "25 support by a link"])
def test_a_connection_comes_back_with_nothing_presented(support: bool) -> None:
    with pool_of(1):
        client = access.working()[0] if support else signed_in(people.ann)
        assert client.get("/orders/").status_code == 200
        connection.close()
        with connection.cursor() as cursor:
            for name in ("gate.app", "gate.pass", "gate.company"):
                cursor.execute("SELECT coalesce(current_setting(%s, true), '')", [name])
                assert cursor.fetchone() == ("",)
            cursor.execute("SELECT count(*) FROM orders_order")
            assert cursor.fetchone() == (0,)


def test_what_was_smuggled_into_a_session_does_not_wait_for_the_next_request() -> None:
    with pool_of(1):
        with connection.cursor() as cursor:
            cursor.execute("SET search_path = pg_temp; PREPARE waiting AS SELECT 1; LISTEN gossip")
            cursor.execute(
                "SELECT pg_advisory_lock(7), set_config('TimeZone', 'Asia/Almaty', false)"
            )
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('search_path'), current_setting('TimeZone'), "
                "(SELECT count(*) FROM pg_prepared_statements), "
                "(SELECT count(*) FROM pg_listening_channels()), "
                "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"
            )
            assert cursor.fetchone() == ("public", "UTC", 0, 0, 0)


def test_a_plan_that_a_connection_keeps_answers_everybody_with_their_own():
    with pool_of(1):
        ann, bea = signed_in(people.ann), signed_in(people.bea)
        for _ in range(OFTEN):
            ann.get("/orders/")
        connection.close()
        assert prepared() > 0
        connection.close()
        assert ask((1, people.bea, bea)) is None
        assert ask((1, people.ann, ann)) is None


def test_no_statement_that_smuggled_sql_prepared_takes_the_place_of_a_kept_one():
    with pool_of(1):
        bea = signed_in(people.bea)
        for _ in range(OFTEN):
            bea.get("/orders/")
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_prepared_statements")
            kept = [name for (name,) in cursor.fetchall()]
            cursor.execute("DEALLOCATE ALL")
            for name in kept:
                cursor.execute(f'PREPARE "{name}" AS SELECT 1')
        connection.close()
        assert kept
        assert prepared() == 0
        connection.close()
        assert ask((1, people.bea, bea)) is None


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        return cursor.fetchone()[0]


def test_rows_that_a_cursor_held_are_not_the_next_requests() -> None:
    with pool_of(1):
        with gate.carrying(people.pass_of(people.ann)), connection.cursor() as cursor:
            cursor.execute("DECLARE loot CURSOR WITH HOLD FOR SELECT number FROM orders_order")
        connection.close()
        with connection.cursor() as cursor, pytest.raises(ProgrammingError, match="loot"):
            cursor.execute("FETCH ALL FROM loot")


def test_what_the_role_sets_as_its_own_default_rules_no_request() -> None:
    with pool_of(1), connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_user")
        database, role = cursor.fetchone()
        for change in (
            "search_path = pg_temp",
            "statement_timeout = 1",
            "row_security = off",
            "idle_session_timeout = 1",
            "client_encoding = LATIN1",
            "bytea_output = escape",
            "standard_conforming_strings = off",
            "transform_null_equals = on",
        ):
            cursor.execute(f'ALTER ROLE "{role}" IN DATABASE "{database}" SET {change}')
    with pool_of(1), connection.cursor() as cursor:
        for name in (
            "search_path",
            "statement_timeout",
            "idle_session_timeout",
            "client_encoding",
            "bytea_output",
            "standard_conforming_strings",
            "transform_null_equals",
        ):
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == (databases.SESSION[name],)


def test_a_connection_that_breaks_in_use_is_replaced(superuser: psycopg.Connection) -> None:
    with pool_of(1):
        connection.ensure_connection()
        broken = connection.connection.info.backend_pid
        superuser.execute("SELECT pg_terminate_backend(%s)", [broken])
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            assert cursor.fetchone() != (broken,)


def test_a_connection_that_breaks_in_the_pool_is_given_to_nobody(
    superuser: psycopg.Connection,
) -> None:
    with pool_of(1):
        connection.ensure_connection()
        broken = connection.connection.info.backend_pid
        connection.close()
        superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [broken])  # awaits its end
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            assert cursor.fetchone() != (broken,)


def test_a_transaction_left_open_is_not_the_next_requests() -> None:
    with pool_of(1):
        connection.ensure_connection()
        connection.connection.autocommit = False
        connection.connection.execute("SELECT set_config('gate.pass', 'left', true)")
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(current_setting('gate.pass', true), '')")
            assert cursor.fetchone() == ("",)
            assert connection.connection.info.transaction_status == TransactionStatus.IDLE
