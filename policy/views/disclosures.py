"""What the register of disclosures shows to everybody, and to the company that it is about."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.guard import apart_from_support, closed_to_support, public, requires
from accounts.requests import Request
from policy.answers import wants_json
from policy.disclosures import Disclosure, counts


@apart_from_support
@public
@require_safe
@vary_on_headers("Accept")
def by_year(request: Request) -> HttpResponse:
    """How many requests there were, and what became of them."""
    years = counts()
    if wants_json(request):
        return JsonResponse({"years": years})
    return render(request, "policy/disclosures.html", {"years": years})


@closed_to_support
@requires("company.policy")
@never_cache
@require_safe
def of_company(request: Request) -> HttpResponse:
    found = Disclosure.objects.listed().filter(company_id=request.gate.company_id)
    return render(request, "policy/company_disclosures.html", {"disclosures": list(found)})
