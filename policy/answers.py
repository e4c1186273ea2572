"""How a refusal reaches whoever asked: a page is led on, htmx sent on, JSON told why.

Every refusal names the rule that refused and what would satisfy it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import Role
from accounts.permissions import PERMISSIONS
from accounts.requests import Request
from policy import stopped
from policy.models import Kind

Response = TypeVar("Response", bound=HttpResponse)

HOME = "/orders/"
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Need:
    """Something that would satisfy the rule, and where to do it."""

    text: str
    met: bool = False
    url: str = ""
    link: str = ""


@dataclass(frozen=True)
class Refusal:
    """`way` is the page that puts it right, where there is one, and `takes_forms` whether it sends
    on a form that was refused; `told` is the template of a page that says first what has happened.
    `problem` names the kind for programs, as the last part of an RFC 9457 type."""

    problem: str
    title: str
    status: int = 403
    rule: str = ""
    way: str = ""
    takes_forms: bool = False
    told: str = ""
    needs: tuple[Need, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """Ends a program's request with this refusal. It is answered within the request's transaction:
    what was written before stays, a count above all."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.problem)
        self.refusal = refusal


def not_signed_in() -> Refusal:
    return Refusal("not-signed-in", _("Sign in first."), 401, way=reverse("account_login"))


def session_ended() -> Refusal:
    """While the request was under way: nothing of it was done."""
    return Refusal(
        "session-ended",
        _("Your session was ended meanwhile. Nothing of this was done."),
        401,
        way=reverse("account_login"),
        told="401.html",
    )


def no_company() -> Refusal:
    return Refusal(
        "no-company",
        _("Choose the company you work in first."),
        way=reverse("accounts:choose_company"),
    )


def not_accepted(missing: list[dict[str, Any]]) -> Refusal:
    """`missing` as gate.missing_policies tells it."""
    way = reverse("policy:accept")
    labels = {kind.value: str(kind.label) for kind in Kind}
    return Refusal(
        "policy-not-accepted",
        _("A policy in force waits for your acceptance."),
        way=way,
        takes_forms=True,
        details={
            "accept_at": way,
            "missing": [
                {**document, "title": labels.get(document["kind"], document["kind"])}
                for document in missing
            ],
        },
    )


def not_permitted(permission: str) -> Refusal:
    roles = [str(Role(role).label) for role in PERMISSIONS[permission]]
    return Refusal(
        "not-permitted",
        _("Your role does not reach this."),
        rule=permission,
        needs=(Need(_("One of these roles: %(roles)s") % {"roles": ", ".join(roles)}),),
        details={"roles": list(PERMISSIONS[permission])},
    )


def not_fresh(proof: str) -> Refusal:
    """`proof` is "any", or "factor"."""
    way = reverse("policy:confirm_by_factor" if proof == "factor" else "policy:confirm")
    return Refusal(
        "not-fresh",
        _("Confirm first that it is you."),
        way=way,
        takes_forms=True,
        details={"confirm_at": way, "proof": proof},
    )


def not_support() -> Refusal:
    return Refusal(
        "not-permitted",
        _("This is support's."),
        rule=_("Support works here, by the links that customers make."),
        needs=(
            Need(_("Where a link of your own led you here: send it to support, who opens it.")),
            Need(_("To work here: to be appointed as support, on the site's server.")),
        ),
    )


def closed_to_support() -> Refusal:
    return Refusal(
        "access-link",
        _("Under an access link this stays shut."),
        rule=_("Clause T4: support sees and does what the link says, and nothing else."),
        needs=(Need(_("End the work under the link first.")),),
    )


def access_over() -> Refusal:
    return Refusal(
        "access-over",
        _("The access link that you worked under opens nothing any more."),
        way=reverse("orders:support"),
    )


def no_second_factor() -> Refusal:
    """What staff and operators do, they do signed in with one."""
    return Refusal(
        "no-second-factor",
        _("Staff and operators sign in with a second factor."),
        way=reverse("policy:confirm_by_factor"),
    )


def not_operator() -> Refusal:
    return Refusal(
        "not-permitted",
        _("This is the operator's."),
        rule="operator",
        needs=(Need(_("To be appointed operator of this site, on its server.")),),
    )


def row_rule_refused() -> Refusal:
    return Refusal(
        "row-rule",
        _("The database refused: this row is not yours to read or change."),
        rule=_("row rule of the database"),
        needs=(Need(_("A role whose scope reaches this row.")),),
    )


def country_not_covered() -> Refusal:
    """The database refused a country that the policy of a strict company leaves out."""
    return Refusal(
        "country_not_covered",
        _("Nothing of this has been stored."),
        422,
        rule=_("Clause P1: this company refuses countries that its policy does not cover."),
        needs=(Need(_("An owner or an admin publishes a version that covers the country.")),),
    )


def person_out_of_bounds() -> Refusal:
    """The database refused what was to be done with a buyer: the list of prohibited jurisdictions
    concerns them, or they were erased."""
    return Refusal(
        "jurisdiction_prohibited",
        _("Nothing of this has been stored."),
        422,
        rule=_("Clause P2: no personal data of prohibited jurisdictions, and none of the erased."),
        needs=(Need(_("An owner or an admin erases the person.")),),
    )


def of_status(status: int) -> Refusal:
    """What HTTP itself says of it, where nobody says more."""
    phrase = HTTPStatus(status).phrase
    return Refusal(phrase.lower().replace(" ", "-"), phrase, status)


def answer(request: Request, refusal: Refusal) -> HttpResponse:
    """The refusal, in the form that fits this client."""
    if wants_json(request):
        return problem(refusal)
    if refusal.told and not is_htmx(request):
        page = {"way": way_on(request, refusal)}
        return challenging(render(request, refusal.told, page, status=refusal.status))
    if refusal.way:
        return lead_on(request, refusal)
    return render(request, "403.html", {"refusal": refusal}, status=refusal.status)


def lead_on(request: Request, refusal: Refusal) -> HttpResponse:
    """To the page that puts it right."""
    taken = refusal.takes_forms and stopped.is_form(request) and not is_htmx(request)
    address = way_on(request, refusal, **({stopped.WAY: request.path} if taken else {}))
    if is_htmx(request):
        return HttpResponseClientRedirect(address)
    return HttpResponseRedirect(address, preserve_request=taken)


def way_on(request: Request, refusal: Refusal, **more: str) -> str:
    """The address of the page that puts it right, which remembers where to return."""
    query = QueryDict(mutable=True)
    query.update({"next": destination(request), **more})
    return f"{refusal.way}?{query.urlencode(safe='/')}"


def go_on(request: Request, next_address: str) -> HttpResponse:
    """From the page that has put it right to where the person was headed, with the form that was
    stopped where there is one: its own view takes it as it was sent."""
    if way := stopped.address(request):
        return HttpResponseRedirect(safe_next(way), preserve_request=True)
    return HttpResponseRedirect(next_address)


def problem(refusal: Refusal) -> JsonResponse:
    """RFC 9457, problem details for HTTP."""
    body = {
        "type": f"urn:covenant:problem:{refusal.problem}",
        "title": refusal.title,
        "status": refusal.status,
        **({"rule": refusal.rule} if refusal.rule else {}),
        **refusal.details,
    }
    response = JsonResponse(
        body, status=refusal.status, content_type=PROBLEM, headers=refusal.headers
    )
    return challenging(response)


def challenging(response: Response) -> Response:
    """A 401 says how one proves who he is (RFC 9110)."""
    if response.status_code == 401:
        response["WWW-Authenticate"] = 'Bearer realm="covenant"'
    return response


def is_api(request: Request) -> bool:
    return request.path.startswith("/api/")


def wants_json(request: Request) -> bool:
    return (
        is_api(request)
        or request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    )


def is_htmx(request: Request) -> bool:
    return bool(getattr(request, "htmx", False))


def destination(request: Request) -> str:
    """Where to return to: the page asked for, or, when something else was asked, the page that
    the person was on."""
    if is_htmx(request):
        current = request.htmx.current_url_abs_path
    elif request.method in ("GET", "HEAD"):
        current = request.get_full_path()
    else:
        current = path_here(request, request.headers.get("Referer", ""))
    return safe_next(current)


def path_here(request: Request, address: str) -> str:
    """The path and query of an address on this host; empty for any other."""
    parts = urlsplit(address)
    if parts.netloc != request.get_host():
        return ""
    return parts._replace(scheme="", netloc="", fragment="").geturl()


def safe_next(address: str | None) -> str:
    """An address to redirect to: on this site only, or else the orders."""
    if address and address.startswith("/") and url_has_allowed_host_and_scheme(address, None):
        return address
    return HOME
