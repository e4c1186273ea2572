"""`/policy/proofs/`: what everybody can read of the proofs."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import ProgrammingError
from django.test import Client
from django.utils import timezone

from accounts.founding import OWNER
from accounts.proving import BROKEN, COPY, KEPT, Outcome, every_proof
from policy import source
from policy.clauses import CLAUSES
from policy.models import Kind, Policy, ProofRun
from policy.views import proving
from tests.conftest import copy_anew

JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def database(django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield
        copy_anew()


def keep(outcome: str = KEPT, **others: str) -> None:
    """A run in which every proof ended so, but for those that are named."""
    ProofRun.objects.keep(
        Outcome(name, others.get(name.partition(".")[2], outcome), COPY, said="seen")
        for name in every_proof()
    )


def told(client: Client) -> dict:
    return client.get("/policy/proofs/", headers=JSON).json()


def status(client: Client, clause: str) -> str:
    return next(each["status"] for each in told(client)["clauses"] if each["id"] == clause)


def test_without_a_run_every_clause_is_a_promise_only(client: Client) -> None:
    facts = told(client)
    assert {each["id"] for each in facts["clauses"]} == set(CLAUSES)
    assert {each["status"] for each in facts["clauses"]} == {"promise only"}
    assert facts["last_run"] is None
    assert "Nobody has attacked this system yet" in client.get("/policy/proofs/").text


def test_after_a_run_the_page_says_what_each_proof_saw(client: Client) -> None:
    keep(whoever_declines_may_go=BROKEN)
    assert (status(client, "C1"), status(client, "R1")) == ("kept", "broken")
    assert status(client, "T4") == "kept"
    facts = told(client)
    assert facts["tally"]["broken"] == 1
    assert facts["last_run"]["code"] == facts["code"]["version"] == source.fingerprint()
    page = client.get("/policy/proofs/").text
    assert "Broken:" in page
    assert "The code has changed" not in page


def test_a_proof_that_is_lost_shows_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep()
    assert status(client, "C1") == "kept"
    monkeypatch.delitem(every_proof(), "orders.no_order_before_the_companys_policy")
    assert status(client, "C1") == "promise only"


def test_a_later_run_of_one_proof_replaces_that_ones_result_alone(client: Client) -> None:
    keep()
    ProofRun.objects.keep([Outcome("crmsite.there_is_no_counter", BROKEN, COPY, said="seen")])
    assert (status(client, "S2"), status(client, "C1")) == ("broken", "kept")


def test_a_change_of_the_code_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    keep()
    monkeypatch.setattr(source, "fingerprint", lambda: "another")
    assert told(client)["code_has_changed"]
    ProofRun.objects.keep([Outcome("crmsite.there_is_no_counter", KEPT, COPY)])
    assert told(client)["code_has_changed"]  # of all the other proofs
    page = client.get("/policy/proofs/").text
    assert "The code has changed since" in page
    assert "of an earlier version of the code" in page


def test_a_run_of_long_ago_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    keep()
    later = timezone.now() + 2 * proving.OLD
    monkeypatch.setattr(proving.timezone, "now", lambda: later)
    assert "The last attack was long ago" in client.get("/policy/proofs/").text


def test_a_clause_of_a_text_of_ones_own_is_a_promise_only(client: Client) -> None:
    Policy.objects.using(OWNER).of_platform(Kind.CRM).publish(
        by=None, texts={"en": "# Own\n\n### {#Z9} We are kind\n\nTo everybody."}
    )
    assert status(client, "Z9") == "promise only"
    assert "T4" in {each["id"] for each in told(client)["not_promised"]}
    assert "We are kind" in client.get("/policy/proofs/").text


def test_the_page_speaks_russian(client: Client) -> None:
    keep()
    assert "Пункты и доказательства" in client.get("/policy/proofs/?lang=ru").text


def test_nobody_edits_what_was_proven(owner: psycopg.Connection) -> None:
    keep()
    for command in (
        "UPDATE policy_proofresult SET outcome = 'kept'",
        "DELETE FROM policy_proofrun",
        "TRUNCATE policy_proofresult",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute(command)


def test_the_web_role_adds_no_result() -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        ProofRun.objects.create(code="x")
