"""What somebody has accepted, and the evidence of it to take along."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.downloads import attached
from accounts.guard import apart_from_support, closed_to_support, public, requires, signed_in
from accounts.requests import Request
from policy import documents, evidence
from policy.models import Acceptance, Kind


@closed_to_support
@signed_in
@never_cache
@require_safe
def acceptances(request: Request) -> HttpResponse:
    """One's own, the newest first. Open to whoever declines what is new, too (clause R1)."""
    mine = (
        Acceptance.objects.filter(user_id=request.gate.user_id)
        .select_related("version__company", "version__policy")
        .prefetch_related("version__texts")
        .order_by("-number")
    )
    context = {
        "acceptances": [_told(each) for each in mine],
        "may_publish": request.gate.may("company.policy"),
    }
    return render(request, "policy/acceptances.html", context)


def _told(accepted: Acceptance) -> dict[str, object]:
    version = accepted.version
    body = version.text_in(get_language()).body
    return {
        "title": documents.document(body).title or Kind(version.kind).label,
        "company": version.company.name if version.company else "",
        "number": version.number,
        "url": version.get_absolute_url(),
        "at": accepted.accepted_at,
        "capacity": accepted.get_capacity_display(),
        "hash": accepted.hash,
    }


@closed_to_support
@signed_in
@never_cache
@require_safe
def receipt(request: Request) -> HttpResponse:
    made = evidence.receipt(request.gate.user_id, platform=request.get_host())
    return attached(evidence.written(made), "acceptances.json", "application/json")


@closed_to_support
@requires("company.policy")
@never_cache
@require_safe
def bundle(request: Request) -> HttpResponse:
    by = request.gate
    made = evidence.bundle(by.company_id, platform=request.get_host())
    return attached(made, f"acceptances-{by.company_slug}.zip", "application/zip")


@apart_from_support
@public
@require_safe
def verifier(request: Request) -> HttpResponse:
    return attached(evidence.VERIFIER.read_bytes(), evidence.VERIFIER.name, "text/x-python")
