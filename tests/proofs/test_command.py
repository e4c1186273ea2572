"""`manage.py prove`: what it prints, keeps and answers, its copy left out."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.guards import guards
from accounts.proving import BROKEN, COPY, KEPT, Outcome, Proof
from crmsite.management.commands import prove
from policy import source
from policy.clauses import CLAUSES
from policy.models import ProofResult, ProofRun


@pytest.fixture(autouse=True)
def copy(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """How the proofs end that are not given here: held."""
    ended: dict[str, str] = {}

    def prove_on_copy(wanted: list[Proof]) -> tuple[list[Outcome], dict[str, str]]:
        outcomes = [Outcome(p.name, ended.get(p.name, KEPT), COPY, said="seen") for p in wanted]
        return outcomes, guards()

    monkeypatch.setattr(prove, "prove_on_copy", prove_on_copy)
    monkeypatch.setattr(prove, "served", lambda url: nullcontext(""))
    return ended


def told(*only: str) -> list[str]:
    out = StringIO()
    try:
        call_command("prove", *only, stdout=out)
    finally:
        lines = out.getvalue().splitlines()
    return lines


def test_a_line_says_clause_result_and_what_was_tried() -> None:
    lines = told("C1")
    assert any(line.startswith("C1  kept          Entered an order") for line in lines)
    assert any(line.startswith("C1  kept          Compared every row rule") for line in lines)
    assert not any(line.startswith("T4") for line in lines)


def test_what_nothing_keeps_yet_is_a_promise_only(monkeypatch: pytest.MonkeyPatch) -> None:
    unkept = replace(CLAUSES["T4"], rest="The link is not built")
    monkeypatch.setitem(CLAUSES, "T4", unkept)
    assert any(line.startswith("T4  promise only  The link") for line in told("T4"))


def test_a_broken_clause_ends_it_with_an_error(copy: dict[str, str]) -> None:
    copy["orders.no_order_before_the_companys_policy"] = BROKEN
    out = StringIO()
    with pytest.raises(CommandError, match="A clause is broken"):
        call_command("prove", "C1", stdout=out)
    assert "C1  broken        seen (on a copy)" in out.getvalue()


def test_what_came_of_it_is_kept_with_the_codes_version() -> None:
    told("C1")
    run = ProofRun.objects.get()
    assert run.code == source.fingerprint()
    results = ProofResult.objects.last_of_each()
    assert results["orders.no_order_before_the_companys_policy"].where == COPY
    assert results["accounts.guards_stand_as_the_code_puts_them"].where == "running"


def test_the_running_system_is_left_as_it_was(system) -> None:
    def rows() -> list[tuple]:
        with system.superuser() as superuser:
            return superuser.execute(
                "SELECT (SELECT count(*) FROM accounts_pass), (SELECT count(*) FROM accounts_user),"
                " (SELECT max(number) FROM orders_order),"
                " (SELECT count(*) FROM accounts_auditentry)"
            ).fetchall()

    before = rows()
    told()
    assert rows() == before
