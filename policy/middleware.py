"""The friendly face of the gate: what a view demands is asked before it runs, and answered in kind.

The row rules would refuse all the same; here the refusal becomes a way on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError
from django.http import HttpResponse
from django.views.defaults import page_not_found

from accounts import freshness, sqlstates, watching
from accounts.access import Access
from accounts.gate import Entry
from accounts.guard import Demand, demand_of
from accounts.requests import Request
from policy import answers
from policy.answers import Refusal


class ProblemMiddleware:
    """Programs are told of whatever went wrong in one form (RFC 9457): of an address that is none,
    a method that is not taken and an error of ours, too, wherever it was answered."""

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        response = self.get_response(request)
        told = response.headers.get("Content-Type") == answers.PROBLEM
        if response.status_code < 400 or told or not answers.is_api(request):
            return response
        problem = answers.problem(answers.of_status(response.status_code))
        for name in response.headers.keys() - {"Content-Type", "Content-Length"}:
            problem[name] = response[name]
        return problem


class PolicyMiddleware:
    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: Request, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        demand = demand_of(view)
        if refusal := refuses(request, demand):
            return answers.answer(request, refusal)
        if request.gate.under and demand.under_grant in ("shown", "moves"):
            return self._watch(request, kwargs)
        return None

    def _watch(self, request: Request, named: Any) -> HttpResponse | None:
        """No entry, no answer but the refusal."""
        try:
            watching.note(request, named)
        except DatabaseError as error:
            if refused := self.process_exception(request, error):
                return refused
            raise
        return None

    def process_exception(self, request: Request, error: Exception) -> HttpResponse | None:
        """The database's refusals. The view's savepoint is rolled back by now, the rest stands.

        A row that went out of reach while the view was at work answers as if it had never been.
        """
        if isinstance(error, ObjectDoesNotExist):
            return page_not_found(request, error)
        if isinstance(error, ReauthenticationRequired):
            return answers.answer(request, answers.not_fresh("any"))
        match sqlstates.sqlstate(error):
            case sqlstates.NOT_ACCEPTED:
                cause: Any = error if hasattr(error, "diag") else error.__cause__
                missing = json.loads(cause.diag.message_detail)
                return answers.answer(request, answers.not_accepted(missing))
            case sqlstates.NO_RIGHT | sqlstates.TAKEN_BACK:
                return answers.answer(request, answers.row_rule_refused())
            case sqlstates.NOT_FRESH:
                return answers.answer(request, answers.not_fresh("factor"))
            case sqlstates.NOT_COVERED:
                return answers.answer(request, answers.country_not_covered())
            case sqlstates.OUT_OF_BOUNDS:
                return answers.answer(request, answers.person_out_of_bounds())
        return None


def refuses(request: Request, demand: Demand) -> Refusal | None:
    """The first thing that the view demands and the request lacks, in the order of its asking."""
    gate = request.gate
    if demand.signed_in and not signed_in(request):
        return answers.session_ended() if request.interrupted else answers.not_signed_in()
    if gate.under and closed(demand, gate.under):
        return answers.closed_to_support()
    if demand.operator and not request.user.is_superuser:
        return answers.not_operator()
    if demand.staff and request.user.is_staff and not gate.factor_at:
        return answers.no_second_factor()
    if demand.company and not gate.company_id:
        return nowhere(gate)
    if demand.accepted and gate.missing:
        return answers.not_accepted(gate.missing)
    if demand.permission and not gate.may(demand.permission):
        return answers.not_permitted(demand.permission)
    if demand.proof and not freshness.is_fresh(gate, demand.proof):
        return answers.not_fresh(demand.proof)
    return None


def nowhere(gate: Entry) -> Refusal:
    """To whoever works in no company: perhaps not any more."""
    if not gate.over and not (gate.access and gate.access.confirmed):
        return answers.no_company()
    return answers.not_accepted(gate.missing) if gate.missing else answers.access_over()


def closed(demand: Demand, access: Access) -> bool:
    """Whether an access link does not open this; one that says nothing of support does not."""
    if demand.under_grant == "moves":
        return not access.moves
    return demand.under_grant not in ("apart", "shown")


def signed_in(request: Request) -> bool:
    """Whether the pass is somebody's, and the session in it the same person's. Their passwords need
    no second look: a new one ends every pass, in the database."""
    user_id = request.gate.user_id
    return bool(user_id) and request.session.get(SESSION_KEY) == str(user_id)
