"""Each mechanism of the gate, broken: the proof of it says so."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from accounts import chains, heads, verify_audit
from accounts.guards import guards
from accounts.proving import System
from tests.proofs.conftest import holds, is_seen_broken


def test_the_gate_stands(system: System) -> None:
    holds("accounts.no_rank_reads_an_order", system)
    holds("accounts.the_record_is_only_added_to", system)
    holds("accounts.nobody_comes_or_goes_unseen", system)


@pytest.mark.parametrize(
    "sabotage",
    [
        "ALTER TABLE orders_order DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY staff ON orders_comment FOR SELECT USING (true)",
        "DROP POLICY reads ON accounts_team; CREATE POLICY reads ON accounts_team USING (true)",
        # whoever names a company is of it
        "CREATE OR REPLACE FUNCTION gate.whole(wanted text) RETURNS bigint LANGUAGE sql STABLE "
        "AS 'SELECT gate.claim()'",
    ],
)
def test_a_table_that_opens_is_seen(
    system: System, owner: psycopg.Connection, sabotage: str
) -> None:
    owner.execute(sabotage)
    is_seen_broken("accounts.no_rank_reads_an_order", system, saying="reads ")


@pytest.mark.parametrize(
    ("sabotage", "seen"),
    [
        ("DROP TRIGGER append_only ON accounts_auditentry", "changed, deleted or emptied"),
        ("ALTER TABLE accounts_auditentry DISABLE TRIGGER append_only", "changed, deleted"),
        ("DROP TRIGGER tell_truly ON accounts_auditentry", "what its maker wanted"),
        ("ALTER POLICY adds ON accounts_auditentry WITH CHECK (true)", "in another's name"),
    ],
)
def test_a_record_that_can_be_rewritten_is_seen(
    system: System, owner: psycopg.Connection, sabotage: str, seen: str
) -> None:
    owner.execute(sabotage)
    is_seen_broken("accounts.the_record_is_only_added_to", system, saying=seen)


def test_whoever_rewrites_the_record_is_found(system: System) -> None:
    holds("accounts.whoever_rewrites_the_record_is_found", system)


@pytest.mark.parametrize(
    "sabotage",
    [
        "DROP TRIGGER note_entry ON accounts_auditentry",
        "ALTER TABLE gate.unchained DISABLE TRIGGER chain_at_commit",
        "CREATE OR REPLACE FUNCTION gate.entry_digest(e accounts_auditentry) RETURNS text"
        " LANGUAGE sql AS $$ SELECT '' $$",
    ],
)
def test_a_record_that_is_not_chained_is_seen(
    system: System, owner: psycopg.Connection, sabotage: str
) -> None:
    owner.execute(sabotage)
    proof = "accounts.whoever_rewrites_the_record_is_found"
    is_seen_broken(proof, system, saying="does not hold before")


@pytest.mark.parametrize(
    ("sabotage", "seen"),
    [
        ("DROP TRIGGER tell ON accounts_pass", "of who came and went"),
        ("DROP TRIGGER gates_own ON accounts_auditentry", "a sign-in that was none"),
    ],
)
def test_who_comes_or_goes_unseen_is_seen(
    system: System, owner: psycopg.Connection, sabotage: str, seen: str
) -> None:
    owner.execute(sabotage)
    is_seen_broken("accounts.nobody_comes_or_goes_unseen", system, saying=seen)


@pytest.mark.parametrize(
    ("blinded", "seen"),
    [
        ((verify_audit, "entry_hash", lambda entry: entry["hash"]), "edited: "),
        ((verify_audit, "problems_of_link", lambda *_: iter(())), "deleted: "),
        ((chains, "unchained", lambda company: []), "put in: "),
        ((heads, "known", lambda kept: {}), "cut off: "),
        ((heads, "is_signed", lambda head: True), "written anew with a forged head: "),
    ],
    ids=["what entries say", "links", "what is loose", "heads", "signatures"],
)
def test_a_verifier_that_overlooks_something_is_seen(
    system: System, monkeypatch: pytest.MonkeyPatch, blinded: tuple[Any, str, Any], seen: str
) -> None:
    monkeypatch.setattr(*blinded)
    is_seen_broken("accounts.whoever_rewrites_the_record_is_found", system, saying=seen)


@pytest.mark.parametrize(
    ("sabotage", "seen"),
    [
        ("DROP POLICY reads ON orders_item", "row rule reads of orders_item"),
        ("ALTER TABLE orders_item NO FORCE ROW LEVEL SECURITY", "table orders_item"),
        ("GRANT SELECT ON accounts_pass TO PUBLIC", "right of everybody to accounts_pass"),
        ("GRANT SELECT (hash) ON accounts_pass TO PUBLIC", "right of everybody to accounts_pass.h"),
        ("ALTER FUNCTION gate.retaining(text) SECURITY INVOKER", "function gate.retaining(text)"),
        ("GRANT EXECUTE ON FUNCTION gate.doubt TO PUBLIC", "function gate.doubt(bigint,bigint)"),
        ("ALTER TABLE accounts_auditentry DISABLE TRIGGER append_only", "trigger append_only of"),
        ("ALTER TABLE orders_order DROP CONSTRAINT orders_order_total", "orders_order_total"),
        ("UPDATE gate.permission SET scope = 'all' WHERE role = 'agent'", "permission "),
    ],
)
def test_a_guard_that_differs_from_the_codes_is_seen(
    owner: psycopg.Connection, sabotage: str, seen: str
) -> None:
    system = System(guards=guards())
    holds("accounts.guards_stand_as_the_code_puts_them", system)
    owner.execute(sabotage)
    is_seen_broken("accounts.guards_stand_as_the_code_puts_them", system, saying=seen)
