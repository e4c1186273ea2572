"""A pass that is verified ahead opens nothing for longer than one that is asked each time."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts import gate
from orders.models import Order
from tests import people
from tests.policy.publications import publish_crm

CRM = "SELECT id FROM policy_policy WHERE kind = 'crm'"
PUBLISH = f"""
    WITH version AS (
        INSERT INTO policy_policyversion (id, policy_id, material, bundled, effective_at, hashes)
        VALUES (gen_random_uuid(), ({CRM}), true, false, now(),
                jsonb_build_object('en', encode(sha256('# Anew'), 'hex')))
        RETURNING id)
    INSERT INTO policy_policytext (id, version_id, language, body, summary)
    SELECT gen_random_uuid(), id, 'en', '# Anew', '' FROM version
"""


def verified(secret: str, owner: psycopg.Connection) -> bool:
    found = owner.execute(
        "SELECT verified_until > now() FROM accounts_pass"
        " WHERE hash = sha256(convert_to(%s, 'UTF8'))",
        [secret],
    ).fetchone()
    return bool(found and found[0])


def cookie_of(someone: people.Someone) -> tuple[Client, str]:
    client = people.sign_in(Client(), someone)
    [morsel] = client.cookies.values()
    return client, morsel.value


@pytest.mark.django_db(transaction=True)
def test_looking_verifies_and_a_deed_does_not(owner: psycopg.Connection) -> None:
    client, secret = cookie_of(people.gail)
    client.post("/orders/next/")
    assert not verified(secret, owner)
    client.get("/orders/")
    assert verified(secret, owner)


CHANGES = [
    PUBLISH,
    "UPDATE accounts_membership SET role = 'lead' WHERE role = 'agent'",
    "UPDATE accounts_company SET suspended_at = now()",
    "UPDATE accounts_membership SET left_at = now() WHERE role = 'agent'",
    "UPDATE accounts_user SET is_active = false WHERE name = 'Gail'",
    "DELETE FROM accounts_membership WHERE role = 'agent' AND id NOT IN "
    "(SELECT agent_id FROM orders_order WHERE agent_id IS NOT NULL)",
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", CHANGES)
def test_what_it_rests_on_changes_and_it_is_no_longer_verified(
    change: str, owner: psycopg.Connection
) -> None:
    client, secret = cookie_of(people.gail)
    client.get("/orders/")
    assert verified(secret, owner)
    owner.execute(change)
    assert not verified(secret, owner)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_see_who_was_verified_meanwhile_changes_nothing(
    change: str, level: str, owner: psycopg.Connection
) -> None:
    secret = people.pass_of(people.gail)
    with pytest.raises(psycopg.errors.ActiveSqlTransaction), owner.transaction():
        owner.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        owner.execute("SELECT FROM accounts_pass")
        gate.verify(secret)
        owner.execute(change)
    assert verified(secret, owner)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_verified_while_a_publication_is_under_way(owner: psycopg.Connection) -> None:
    client, secret = cookie_of(people.gail)
    with owner.transaction():
        owner.execute(PUBLISH)
        assert client.get("/orders/").status_code == 200
    assert not verified(secret, owner)
    assert client.get("/orders/")["Location"].startswith("/accept/")


@pytest.mark.django_db(transaction=True)
def test_a_publication_waits_for_who_verifies_and_then_doubts(
    owner: psycopg.Connection,
) -> None:
    _client, secret = cookie_of(people.gail)
    publishing = threading.Thread(target=owner.execute, args=[PUBLISH])
    with transaction.atomic():
        gate.verify(secret)
        publishing.start()
        publishing.join(timeout=0.5)
        assert publishing.is_alive()
    connection.close()
    publishing.join(timeout=10)
    assert not verified(secret, owner)


REVOCATIONS = [
    PUBLISH,
    "UPDATE accounts_membership SET left_at = now() WHERE role = 'agent'",
    "UPDATE accounts_user SET password = '!' WHERE name = 'Gail'",
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("revocation", REVOCATIONS)
def test_no_request_that_lasts_keeps_a_revocation_waiting(
    revocation: str, owner: psycopg.Connection
) -> None:
    _client, secret = cookie_of(people.gail)
    owner.execute("SET lock_timeout = '2s'")
    with gate.carrying(secret, verifying=True):
        assert Order.objects.exists()
        owner.execute(revocation)
    assert not verified(secret, owner)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("revocation", REVOCATIONS)
@pytest.mark.parametrize(
    "lock",
    [
        "SELECT pg_advisory_lock(hashtext('gate.verify'))",
        "SELECT gate.verify('', '{secret}')",
        "SELECT gate.end_pass('', '{secret}')",
        "SELECT gate.keep_pass('', '{secret}', '', now())",
        "SELECT gate.choose_company('', 1)",
    ],
)
def test_no_sql_of_a_members_own_keeps_a_revocation_waiting(
    revocation: str, lock: str, owner: psycopg.Connection
) -> None:
    _client, secret = cookie_of(people.gail)
    owner.execute("SET lock_timeout = '2s'")
    with gate.carrying(secret), connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
        try:
            cursor.execute(lock.format(secret=secret))
        except DatabaseError as refusal:
            assert refusal.__cause__.sqlstate == "42501"  # type: ignore[union-attr]
            cursor.execute("ROLLBACK TO before")
        owner.execute(revocation)


@pytest.mark.django_db(transaction=True)
def test_a_session_is_kept_no_longer_than_it_may_last(owner: psycopg.Connection) -> None:
    _client, secret = cookie_of(people.gail)
    assert gate.keep_pass(secret, data="{}", until=timezone.now() + timedelta(days=3650))
    [[lasting]] = owner.execute(
        "SELECT expires_at - now() FROM accounts_pass WHERE hash = sha256(convert_to(%s, 'UTF8'))",
        [secret],
    ).fetchall()
    assert lasting <= timedelta(seconds=settings.SESSION_COOKIE_AGE)


@pytest.mark.django_db
def test_it_is_verified_until_the_next_version_comes_into_force_and_no_longer() -> None:
    publish_crm("# Soon", effective_at=timezone.now() + timedelta(seconds=2))
    gate.verify(secret := people.pass_of(people.gail))
    with gate.carrying(secret):
        assert Order.objects.exists()
        time.sleep(2.1)
        with pytest.raises(DatabaseError) as refusal, transaction.atomic():
            Order.objects.exists()
    assert refusal.value.__cause__.sqlstate == "CV001"  # type: ignore[union-attr]


SLOWLY = """
    ALTER FUNCTION gate.missing_policies(bigint, bigint) RENAME TO missing_at_once;
    CREATE FUNCTION gate.missing_policies(a_user bigint, a_company bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE AS $$
    DECLARE missing jsonb := gate.missing_at_once(a_user, a_company);
    BEGIN PERFORM pg_sleep(1.5); RETURN missing; END $$;
"""


@pytest.mark.django_db(transaction=True)
def test_a_version_that_comes_into_force_meanwhile_is_not_overlooked(
    owner: psycopg.Connection,
) -> None:
    secret = people.pass_of(people.gail)
    owner.execute(SLOWLY)
    owner.execute(PUBLISH.replace("now()", "now() + interval '1 second'"))
    gate.verify(secret)
    assert not verified(secret, owner)


@pytest.mark.django_db
def test_a_verified_pass_reaches_no_other_company() -> None:
    borealis = people.company("borealis").pk
    gate.verify(secret := people.pass_of(people.ann))
    with gate.carrying(secret):
        gate._present({"gate.company": str(borealis)})
        assert not Order.objects.filter(company_id=borealis).exists()
