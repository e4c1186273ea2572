"""What a clause is called, by what became of the attacks on it."""

from __future__ import annotations

import re

import pytest

from accounts.proving import BROKEN, COPY, KEPT, RUNNING, UNTRIED, Outcome, Proof, every_proof
from policy import bundled, verdicts
from policy.clauses import CLAUSES, Clause
from policy.models import Kind
from policy.verdicts import PROMISE_ONLY


@pytest.fixture(autouse=True)
def one_clause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clause Z1 has two attacks and a comparison, Z2 the comparison alone, Z3 nothing."""
    proofs = {
        "one": Proof("one", ("Z1",), "Tried %(times)s times.", COPY, lambda system: {}),
        "other": Proof("other", ("Z1",), "Tried.", COPY, lambda system: {}),
        "compared": Proof("compared", ("Z1", "Z2"), "Compared.", RUNNING, lambda system: {}),
    }
    monkeypatch.setattr(verdicts, "every_proof", lambda: proofs)
    for name in ("Z1", "Z2", "Z3"):
        monkeypatch.setitem(CLAUSES, name, Clause(name, "A mechanism."))


def ended(**outcomes: str) -> dict[str, Outcome]:
    return {name: Outcome(name, outcome, COPY) for name, outcome in outcomes.items()}


@pytest.mark.parametrize(
    ("outcomes", "called"),
    [
        ({"one": KEPT, "other": KEPT, "compared": KEPT}, KEPT),
        ({"one": KEPT, "other": BROKEN, "compared": KEPT}, BROKEN),
        ({"one": KEPT, "other": KEPT, "compared": BROKEN}, BROKEN),
        ({"one": KEPT, "other": UNTRIED, "compared": KEPT}, PROMISE_ONLY),
        ({"one": KEPT, "compared": KEPT}, PROMISE_ONLY),
        ({}, PROMISE_ONLY),
    ],
)
def test_a_clause_is_kept_where_every_attack_was_made_and_failed(
    outcomes: dict[str, str], called: str
) -> None:
    assert verdicts.verdict("Z1", ended(**outcomes)) == called


def test_a_comparison_alone_keeps_nothing() -> None:
    assert verdicts.verdict("Z2", ended(compared=KEPT)) == PROMISE_ONLY


def test_what_nothing_attacks_and_what_nobody_knows_is_a_promise_only() -> None:
    assert verdicts.verdict("Z3", {}) == verdicts.verdict("Z4", {}) == PROMISE_ONLY


def test_a_part_without_a_mechanism_makes_it_a_promise_only_but_never_hides_a_break(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(CLAUSES, "Z1", Clause("Z1", "A mechanism.", rest="Not built."))
    whole = ended(one=KEPT, other=KEPT, compared=KEPT)
    assert verdicts.verdict("Z1", whole) == PROMISE_ONLY
    assert verdicts.verdict("Z1", whole | ended(one=BROKEN)) == BROKEN


def test_an_attack_that_fails_by_itself_is_as_loud_as_one_that_succeeds() -> None:
    proof = Proof("wrong", ("Z1",), "Tried.", COPY, lambda system: {}["absent"])
    outcome = proof.carry_out(None, COPY)
    assert outcome.outcome == BROKEN
    assert "the attack itself failed: KeyError" in outcome.said


def test_a_sentence_names_what_was_seen() -> None:
    proof = verdicts.every_proof()["one"]
    assert verdicts.sentence(proof, None) == "Not tried yet. To be tried: Tried … times."
    seen = Outcome("one", KEPT, COPY, {"times": 1234})
    assert verdicts.sentence(proof, seen) == "Tried 1,234 times."
    assert verdicts.sentence(proof, Outcome("one", UNTRIED, COPY, said="no browser")) == (
        "Not tried here: no browser."
    )


def test_the_registry_names_the_clauses_of_the_bundled_texts_and_no_others() -> None:
    texts = [*bundled.texts(Kind.SITE).values(), *bundled.texts(Kind.CRM).values()]
    published = {mark for text in texts for mark in re.findall(r"### \{#([A-Z]\d+)\}", text)}
    assert published == set(CLAUSES) - {"Z1", "Z2", "Z3"}


def test_every_proof_is_of_clauses_that_there_are() -> None:
    for proof in every_proof().values():
        assert set(proof.clauses) <= set(CLAUSES), proof.name
