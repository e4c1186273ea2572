"""The front page, and what the machine that runs the site asks of it."""

from django.conf import settings
from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.guard import apart_from_support, public
from accounts.requests import Request
from crmsite import metrics
from policy import answers
from policy.views import proving
from policy.visits import counted


@apart_from_support
@counted
@public
def landing(request: HttpRequest) -> HttpResponse:
    """What Covenant is, for everybody; whoever is signed in finds the way to the orders. Of its
    clauses it says what the page of proofs says."""
    proven = proving.facts()
    verdicts = {clause["id"]: clause["status"] for clause in proving.clauses(proven)}
    context = {"proven": proven, "promises": proving.promises(proven), "verdicts": verdicts}
    return render(request, "landing.html", context)


@apart_from_support
@public
def healthz(request: HttpRequest) -> JsonResponse:
    """Alive, and so is the database: where it is not, the answer is a 500."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@apart_from_support
@public
@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """The figures of the running site, for whoever has METRICS_TOKEN."""
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    given = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not constant_time_compare(given, wanted):
        raise Http404
    return HttpResponse(metrics.told(), content_type="text/plain; version=0.0.4; charset=utf-8")


def too_old(request: Request, reason: str = "") -> HttpResponse:
    """What was sent comes from a page of before its sender signed in or out, in another tab: its
    token is another session's. A part of a page is answered by loading the page anew, as htmx would
    show nothing of a refusal."""
    if answers.wants_json(request):
        return answers.problem(answers.Refusal("form-too-old", _("This form is too old")))
    if answers.is_htmx(request):
        messages.warning(
            request,
            _("This page was older than your sign-in. It has been loaded anew; do that again."),
        )
        return HttpResponseClientRefresh()
    back = answers.destination(request)
    return render(request, "403_csrf.html", {"back_url": back}, status=403)
