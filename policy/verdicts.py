"""What the proofs' results say of a clause: kept, broken, or a promise only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.proving import BROKEN, KEPT, RUNNING, UNTRIED, Figures, Proof, every_proof
from policy.clauses import CLAUSES

PROMISE_ONLY: Final = "promise only"


class Result(Protocol):
    """How a proof ended: an accounts.proving.Outcome, or a ProofResult that was kept."""

    @property
    def outcome(self) -> str: ...

    @property
    def figures(self) -> Figures: ...

    @property
    def said(self) -> str: ...


def proofs_of(clause: str) -> list[Proof]:
    return [proof for proof in every_proof().values() if clause in proof.clauses]


def verdict(clause: str, results: Mapping[str, Result]) -> str:
    """KEPT where it has proofs and each of them held, when tried; BROKEN where one did not.

    PROMISE_ONLY is a clause of which a part has no mechanism yet, whatever holds of the rest, and
    one that nothing attacks: comparing a system with its copy shows only that the copy will do.
    """
    proofs, known = proofs_of(clause), CLAUSES.get(clause)
    ended = {result_of(results.get(proof.name)) for proof in proofs}
    if BROKEN in ended:
        return BROKEN
    whole = known is not None and not known.rest
    attacked = any(proof.where != RUNNING for proof in proofs)
    return KEPT if whole and attacked and ended == {KEPT} else PROMISE_ONLY


def result_of(result: Result | None) -> str:
    """Of one proof, the same three."""
    return result.outcome if result and result.outcome != UNTRIED else PROMISE_ONLY


def tally(verdicts: Iterable[str]) -> dict[str, int]:
    counted = dict.fromkeys((KEPT, BROKEN, PROMISE_ONLY), 0)
    for each in verdicts:
        counted[each] += 1
    return counted


def sentence(proof: Proof, result: Result | None) -> str:
    """What was tried and seen, in the reader's language; what went wrong, in the proof's."""
    if result is None:
        return _("Not tried yet. To be tried: %(tried)s") % {"tried": _tried(proof, {})}
    if result.outcome == KEPT:
        return _tried(proof, result.figures)
    if result.outcome == UNTRIED:
        return _("Not tried here: %(lacking)s.") % {"lacking": result.said}
    return result.said


def _tried(proof: Proof, figures: Figures) -> str:
    shown = {name: number_format(n, force_grouping=True) for name, n in figures.items()}
    return str(proof.tried) % defaultdict(lambda: "…", shown)
