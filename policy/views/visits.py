"""The operator's page about visits: our own count, and whether a counter of another's is on."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.guard import closed_to_support, operator
from accounts.requests import GET_OR_POST, Request
from policy.forms import CounterForm
from policy.visits import Counter, lately


@closed_to_support
@operator
@never_cache
@GET_OR_POST
def visits(request: Request) -> HttpResponse:
    current = Counter.objects.number()
    given = request.POST if request.method == "POST" else None
    form = CounterForm(given, initial={"number": current})
    if form.is_valid():
        if form.cleaned_data["number"] != current:
            Counter.objects.decide(form.cleaned_data["number"], by=request.gate)
            messages.success(request, _("Done: from now on so."))
        return redirect("policy:visits")
    context = {
        "form": form,
        "current": current,
        "visits": lately(),
        "history": Counter.objects.select_related("decided_by").order_by("-decided_at"),
    }
    return render(request, "policy/visits.html", context, status=422 if form.errors else 200)
