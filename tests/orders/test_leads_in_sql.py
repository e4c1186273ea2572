"""What a sender's key opens, tried as the web's own role: SQL smuggled into a sender's request."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from accounts import apikeys, attacks, gate
from accounts.models import ApiKey
from accounts.rowrules import NO_PERSON_AND_NO_COMPANY
from orders.models import Lead, Order
from tests import people
from tests.orders.sending import key_of, send
from tests.people import adam, ann, as_, bea, gail, mia, pat

pytestmark = pytest.mark.django_db

OURS = {"orders_lead"}  # that a key reads


@pytest.fixture
def lead_id() -> str:
    return send(key_of()).json()["id"]


@pytest.fixture
def sending(lead_id: str) -> Iterator[str]:
    """A sender's request is under way, with whatever SQL follows; the key's secret."""
    secret = key_of()
    with gate.vouching():
        assert apikeys.present(secret)
        yield secret


def rows(statement: str, *values: object) -> list[tuple]:
    return attacks.attempt(statement, *values)


def every_table(superuser: psycopg.Connection) -> set[str]:
    found = superuser.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {name for (name,) in found.fetchall()} - set(NO_PERSON_AND_NO_COMPANY)


# The application's key, which every request brings, opens these to whoever asks (decision 1).
OPEN_TO_THE_APPLICATION = {
    "accounts_user", "account_emailaddress", "account_emailconfirmation", "accounts_company",
    "policy_policy", "policy_policyversion", "policy_policytext", "policy_jurisdiction",
    "policy_counter", "orders_retention",
}  # fmt: skip


def test_a_key_reads_its_partners_leads_and_no_other_table(sending, superuser):
    read = {table for table in every_table(superuser) if rows(f"SELECT 1 FROM {table} LIMIT 1")}
    assert OURS <= read <= OURS | OPEN_TO_THE_APPLICATION


def test_what_it_reads_names_no_person(sending, lead_id):
    [told] = rows("SELECT row_to_json(l)::text FROM orders_lead l WHERE id = %s", lead_id)
    assert "Ana" not in told[0] and "40721234643" not in told[0]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders_lead SET phase = 'approved'",
        "DELETE FROM orders_lead",
        "INSERT INTO orders_lead SELECT * FROM orders_lead",
        "UPDATE accounts_user SET name = 'Nobody'",
        "UPDATE accounts_membership SET role = 'owner', partner_id = NULL",
        "UPDATE accounts_apikey SET revoked_at = NULL",
        "INSERT INTO policy_acceptance SELECT * FROM policy_acceptance",
        "SELECT gate.leave_company()",
        "SELECT gate.declare_citizenship('RO')",
        "SELECT gate.count_refusals('api', 'phone', 'RU', 1)",
        "SELECT gate.count_refused_lead('', 'phone', 'RU')",
        "SELECT * FROM gate.sealing_keys('', NULL)",
        "SELECT * FROM gate.add_lead('', '{}', '', '', '', '{}')",
        "SELECT * FROM gate.enter_with_key('', 'x', 9)",
        "SELECT gate.make_key('', gen_random_uuid(), 'x', 'x', gen_random_uuid(), 0, NULL)",
        "SELECT * FROM gate.hold_sender('')",
        "SELECT * FROM gate.held_key()",
        "SELECT gate.acting_company()",
        "SELECT * FROM gate.phase",
    ],
)
def test_a_key_does_nothing_else(sending, statement):
    assert rows(statement) in ([], [(False,)])


def test_a_key_adds_no_row_to_any_table(sending, superuser):
    """Each gets a row like one that it holds."""
    company_id = people.company("aurora").pk
    for table in sorted(every_table(superuser)):
        for (row,) in superuser.execute(f"SELECT row_to_json(t) FROM {table} t LIMIT 1").fetchall():
            mine = row | ({"company_id": company_id} if "company_id" in row else {})
            assert not attacks.added(table, mine), table


def test_a_key_is_no_pass(sending):
    present("gate.pass", sending)
    assert rows("SELECT gate.user_id()") == [(None,)]
    assert rows("SELECT 1 FROM orders_order") == []
    assert rows("SELECT gate.allows('orders.read')") == [(None,)]


def test_a_pass_is_no_key_and_a_key_beside_a_pass_is_none(lead_id):
    secret = key_of()
    with as_(pat), connection.cursor() as cursor:
        for presented in ("current_setting('gate.pass')", f"'{secret}'"):
            cursor.execute(f"SELECT set_config('gate.key', {presented}, true)")
            assert rows("SELECT * FROM gate.sender()") == []
            assert rows("SELECT 1 FROM orders_lead") == []


def test_another_companys_claim_opens_nothing(sending):
    other = people.company("borealis").pk
    present("gate.company", str(other))
    assert rows("SELECT 1 FROM orders_lead") == []
    present("gate.company", "")
    assert rows("SELECT 1 FROM orders_lead") == []


def test_another_partner_reads_none_of_the_leads(lead_id):
    from accounts.models import Partner

    with as_(ann) as by:
        other = Partner.objects.create(company_id=by.company_id, name="wm15")
        membership = people.gail.membership()
        membership.place(by=by, role="partner", partner=other)
        secret = apikeys.make(by=by, membership=membership, name="Other")
    with gate.vouching():
        assert apikeys.present(secret)
        assert rows("SELECT 1 FROM orders_lead") == []
        assert not Lead.objects.exists()


@pytest.mark.parametrize("someone", [gail, pat, bea, mia], ids=str)
def test_leads_are_read_by_who_reads_all_orders(lead_id, someone):
    with as_(someone, "borealis" if someone is mia else None):
        assert not Lead.objects.exists()
    with as_(adam):
        assert Lead.objects.count() == 1


@pytest.mark.parametrize("someone", [gail, pat, bea], ids=str)
def test_keys_are_made_seen_and_revoked_by_who_runs_the_company(someone):
    key_of()
    with as_(someone):
        assert not ApiKey.objects.exists()
        assert rows("UPDATE accounts_apikey SET revoked_at = now()") == []
        with pytest.raises(DatabaseError) as refusal, transaction.atomic():
            gate.make_key(
                "cov_x", key_id=gate.UUID(int=1), name="x",
                membership_id=gate.UUID(int=1), payout=None, until=None,
            )  # fmt: skip
        assert refusal.value.__cause__.sqlstate == "42501"
    with as_(ann):
        assert ApiKey.objects.living().count() == 1


def test_a_revoked_key_stays_revoked():
    key_of()
    with as_(ann) as by:
        key = ApiKey.objects.get()
        key.revoke(by=by)
        assert rows("UPDATE accounts_apikey SET revoked_at = NULL") == []
        with pytest.raises(ApiKey.DoesNotExist), transaction.atomic():
            key.revoke(by=by)


def test_no_order_of_the_api_is_added_by_hand():
    with as_(ann):
        state = refusal_of(
            "INSERT INTO orders_order SELECT (json_populate_record(o, json_build_object('id',"
            " gen_random_uuid(), 'source', 'api', 'created_at', clock_timestamp()))).*"
            " FROM orders_order o"
        )
        assert state == "42501"
        assert Order.objects.filter(source="api").count() == 0


def refusal_of(statement: str) -> str:
    with (
        pytest.raises(DatabaseError) as refusal,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    return refusal.value.__cause__.sqlstate


def present(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


@pytest.mark.django_db(transaction=True)
def test_who_revokes_waits_for_a_lead_under_way_and_nothing_comes_after(monkeypatch):
    """The lead that holds its key is stored whole; revoked meanwhile, the next one is none."""
    secret = key_of()
    key_id = seen_by_ann()
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"]) as other, gate.vouching():
        sender = apikeys.present(secret)
        assert sender
        other.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("UPDATE accounts_apikey SET revoked_at = now() WHERE id = %s", [key_id])
    with as_(ann) as by:
        ApiKey.objects.get().revoke(by=by)
    assert send(secret).status_code == 401


def seen_by_ann() -> object:
    with as_(ann):
        return ApiKey.objects.get().id
