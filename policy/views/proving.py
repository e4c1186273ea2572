"""Each clause of the texts in force: what keeps it, how it was last attacked, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.guard import apart_from_support, public
from accounts.proving import RUNNING, Proof, every_proof
from accounts.requests import Request
from policy import documents, source, verdicts
from policy.answers import wants_json
from policy.clauses import CLAUSES
from policy.models import PolicyVersion, PolicyVersionQuerySet
from policy.proofruns import ProofResult

OLD: Final = timedelta(days=30)  # after which a proof is to be tried again
Results = dict[str, ProofResult]


@apart_from_support
@public
@require_safe
@vary_on_headers("Accept")
def proofs(request: Request) -> HttpResponse:
    shown = facts()
    if wants_json(request):
        return JsonResponse(shown)
    return render(request, "policy/proofs.html", {**shown, "promises": promises(shown)})


def promises(shown: dict[str, Any]) -> int:
    return shown["tally"][verdicts.PROMISE_ONLY]


def clauses(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """All of them, also those that no text in force promises."""
    return [*shown["clauses"], *shown["not_promised"]]


def facts() -> dict[str, Any]:
    """All that the page says, in the reader's language."""
    results = ProofResult.objects.last_of_each()
    runs = [results[name].run for name in every_proof() if name in results]
    last = max(runs, key=lambda run: run.at, default=None)
    texts = [_text(version) for version in _in_force()]
    promised = [clause for version in _in_force() for clause in _clauses_of(version, results)]
    named = {clause["id"] for clause in promised}
    return {
        "code": {"version": source.fingerprint(), "commit": source.commit()},
        "last_run": last and {"at": last.at, "code": last.code, "commit": last.commit},
        "code_has_changed": any(each.code != source.fingerprint() for each in runs),
        "is_old": any(each.at < timezone.now() - OLD for each in runs),
        "tally": verdicts.tally(clause["status"] for clause in promised),
        "texts": texts,
        "comparisons": [
            _proof(proof, results.get(proof.name))
            for proof in every_proof().values()
            if proof.where == RUNNING
        ],
        "clauses": promised,
        "not_promised": [_clause(id, results) for id in CLAUSES if id not in named],
    }


def _in_force() -> PolicyVersionQuerySet:
    """The platform's texts: the site's first, as whoever comes here reads them."""
    versions = PolicyVersion.objects.filter(company=None).in_force()
    return versions.prefetch_related("texts").order_by("-kind")


def _text(version: PolicyVersion) -> dict[str, Any]:
    return {
        "id": str(version.pk),
        "kind": version.kind,
        "version": version.number,
        "url": version.get_absolute_url(),
        "title": documents.document(version.text_in(get_language()).body).title,
    }


def _clauses_of(version: PolicyVersion, results: Results) -> Iterator[dict[str, Any]]:
    """The clauses of a text in their order, each by its heading."""
    text = _text(version)
    for passage in documents.passages(version.text_in(get_language()).body):
        if passage.clause and passage.tag == "h3":
            promised = {"title": passage.text, "url": f"{text['url']}#{passage.clause}"}
            yield {**_clause(passage.clause, results), **promised, "promised_in": text["title"]}


def _clause(id: str, results: Results) -> dict[str, Any]:
    known = CLAUSES.get(id)
    return {
        "id": id,
        "status": verdicts.verdict(id, results),
        "kept_by": str(known.kept_by) if known else "",
        "rest": str(known.rest) if known else "",
        "proofs": [_proof(proof, results.get(proof.name)) for proof in verdicts.proofs_of(id)],
    }


def _proof(proof: Proof, result: ProofResult | None) -> dict[str, Any]:
    return {
        "name": proof.name,
        "attacks": proof.where != RUNNING,
        "result": verdicts.result_of(result),
        "tried": verdicts.sentence(proof, result),
        "where": result.where if result else None,
        "at": result.run.at if result else None,
        "code": result.run.code if result else None,
        "of_this_code": bool(result and result.run.code == source.fingerprint()),
        "seconds": result.seconds if result else None,
    }
