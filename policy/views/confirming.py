"""Proving once more that it is oneself, for a deed that a session left open must not suffice for.

Like the page of acceptance it holds the form that was stopped, and sends it on (policy/stopped.py).
"""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.forms import PasswordAgainForm
from accounts.guard import closed_to_support, signed_in
from accounts.requests import GET_OR_POST, Request
from policy import answers, stopped


@closed_to_support
@signed_in
@sensitive_post_parameters()
@never_cache
@GET_OR_POST
def confirm(request: Request) -> HttpResponse:
    form = PasswordAgainForm(_sent(request), prefix=stopped.PROOF, request=request)
    next_address = answers.safe_next(request.POST.get("next") or request.GET.get("next"))
    if form.is_bound and form.is_valid():
        return answers.go_on(request, next_address)
    context = {"form": form, "next": next_address, "stopped": stopped.fields(request)}
    return render(request, "policy/confirm.html", context, status=422 if form.is_bound else 200)


def _sent(request: Request) -> object:
    """What this page's own form sent: not the form that it was to hold, nor one whose page asks for
    another language."""
    ours = any(name.startswith(f"{stopped.PROOF}-") for name in request.POST)
    return request.POST if ours and "lang" not in request.GET else None
