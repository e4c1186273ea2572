"""Each mechanism of policies, broken: the proof of it says so."""

from __future__ import annotations

import psycopg
import pytest

from accounts.proving import System
from policy import bundled
from policy.models import Policy, PolicyVersion
from tests.proofs.conftest import Serve, holds, is_seen_broken, rewrite
from tests.proofs.sabotage import Insister


def test_policies_are_kept(serve: Serve) -> None:
    system = serve()
    holds("policy.no_row_before_acceptance", system)
    holds("policy.no_page_before_acceptance", system)
    holds("policy.whoever_declines_may_go", system)
    holds("policy.ones_own_text_is_in_force", system)


def test_a_gate_that_asks_for_no_acceptance_is_seen(
    system: System, owner: psycopg.Connection
) -> None:
    owner.execute(
        "CREATE OR REPLACE FUNCTION gate.missing_policies(a_user bigint, a_company bigint) "
        "RETURNS jsonb LANGUAGE sql STABLE AS 'SELECT NULL::jsonb'"
    )
    is_seen_broken("policy.no_row_before_acceptance", system, saying="has not accepted")


def test_a_gate_that_is_content_with_an_older_version_is_seen(
    system: System, owner: psycopg.Connection
) -> None:
    rewrite(owner, "gate.missing_policies", "AND w.number >= v.required", "")
    is_seen_broken("policy.no_row_before_acceptance", system, saying="a new version is in force")


def test_pages_that_ask_for_no_acceptance_are_seen(serve: Serve) -> None:
    system = serve(without=("policy.middleware.PolicyMiddleware",))
    is_seen_broken("policy.no_page_before_acceptance", system, saying="opens to one")


def test_a_site_that_lets_nobody_go_is_seen(serve: Serve) -> None:
    is_seen_broken("policy.whoever_declines_may_go", serve(Insister), saying="before one may go")


@pytest.mark.parametrize(
    ("what", "seen"),
    [("accounts.gate.leave_company", "still a member"), ("accounts.gate.end_pass", "signed out")],
)
def test_a_departure_that_changes_nothing_is_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, what: str, seen: str
) -> None:
    monkeypatch.setattr(what, lambda *_: None)
    is_seen_broken("policy.whoever_declines_may_go", serve(), saying=seen)


def test_bundled_texts_that_come_back_are_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impose(policy: Policy, **_: object) -> PolicyVersion:
        return policy.publish(by=None, texts=bundled.texts(policy.kind), bundled=True)

    monkeypatch.setattr(bundled, "publish", impose)
    is_seen_broken("policy.ones_own_text_is_in_force", serve(), saying="not the one that is shown")


def test_an_operator_who_needs_no_other_is_seen(serve: Serve, owner: psycopg.Connection) -> None:
    owner.execute("DROP TRIGGER approved ON policy_policyversion")
    is_seen_broken("policy.ones_own_text_is_in_force", serve(), saying="has not approved")
