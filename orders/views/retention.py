"""How long buyers are kept: what periods would erase, before they do, and what they have erased."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.guard import closed_to_support, requires
from accounts.requests import GET_OR_POST, Request
from orders import retention
from orders.buyer_forms import RetentionForm
from orders.models import RetentionRun

SHOWN: Final = 14  # nights


@closed_to_support
@requires("orders.erase")
@GET_OR_POST
@never_cache
def periods(request: Request) -> HttpResponse:
    """The periods in force, or those of the query string, with what they would erase at this
    moment; a POST puts them in force."""
    by = request.gate
    in_force = retention.periods(by.company_id)
    asked = request.POST if request.method == "POST" else request.GET or None
    form = RetentionForm(asked, initial=in_force)
    if request.method == "POST" and form.is_valid():
        retention.set_periods(form.days, by=by)
        messages.success(request, _("These periods are in force from the next night on."))
        return redirect("orders:retention")
    wanted = form.days if form.is_bound and form.is_valid() else in_force
    context = {
        "form": form,
        "previewed": bool(asked) and form.is_valid(),
        "in_force": bool(in_force),
        "due": [_told(kind, due) for kind, due in retention.preview(wanted, by=by).items()],
        "wanted": wanted,
        "runs": [_run(run) for run in _latest(by.company_id)],
    }
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, "orders/buyers/retention.html", context, status=status)


def _latest(company_id: int) -> Any:
    return RetentionRun.objects.filter(company_id=company_id).order_by("-id")[:SHOWN]


def _told(kind: str, due: retention.Due) -> dict[str, Any]:
    return {"kind": retention.KINDS[kind], "count": due.count, "oldest": due.oldest}


def _run(run: RetentionRun) -> dict[str, Any]:
    erased = [f"{retention.KINDS[kind]} {count}" for kind, count in run.erased.items()]
    return {"at": run.started_at, "finished": run.finished_at, "erased": "; ".join(erased)}
