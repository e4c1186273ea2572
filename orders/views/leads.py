"""What the lead API answers: a lead added, those that changed, and one by its id."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from accounts import gate
from accounts.gate import Entry
from orders import cursors, leads
from orders.intake import NotAdmitted
from orders.lead_bodies import LeadIn, LeadOut, LeadPage, Problem, Question, Receipt
from orders.models import Lead
from policy import answers, jurisdictions
from policy.answers import Refusal, Refused

router = Router(tags=["leads"])
REFUSALS = dict.fromkeys((400, 401, 403, 404, 409, 413, 422, 429), Problem)


@router.post("/leads", response={201: Receipt, 200: Receipt, **REFUSALS}, summary="Add a lead")
def add(request: HttpRequest, sent: LeadIn) -> Any:
    """201, or 200 where the same lead is there already; 409 where another stands under the number.
    422 names each field that is wrong or unknown, or the rule that keeps the buyer out."""
    sender = request.auth  # type: ignore[attr-defined]  # ninja's: what orders.api.Key gave
    if not sender.has_policy:
        raise Refused(no_policy(sender.by))
    try:
        lead_id, is_new = leads.add(sent, by=sender.by)
    except NotAdmitted as error:
        raise Refused(not_admitted(error, sent)) from None
    except leads.SentOtherwise as error:
        raise Refused(sent_otherwise(error.lead_id)) from None
    lead = leads.find(sender.by, lead_id)
    return Status(201 if is_new else 200, lead)


@router.get("/leads", response={200: LeadPage, **REFUSALS}, summary="Leads that changed")
def changed(request: HttpRequest, asked: Query[Question]) -> Any:
    """Those that changed last come last. Ask again with the cursor for what changed since."""
    by: Entry = request.auth.by  # type: ignore[attr-defined]  # as above
    try:
        found, cursor, more = leads.page(by, after=asked.updated_after, most=asked.limit)
    except cursors.NoPlace:
        wanted = _("Send a cursor that was answered, or a moment such as 2026-11-23T01:30:00Z.")
        raise Refused(wrong({"updated_after": [wanted]})) from None
    return {"leads": found, "cursor": cursor, "more": more}


@router.get("/leads/{uuid:lead_id}", response={200: LeadOut, **REFUSALS}, summary="One lead")
def lead(request: HttpRequest, lead_id: UUID) -> Lead:
    found = leads.find(request.auth.by, lead_id)  # type: ignore[attr-defined]  # as above
    if found is None:
        raise Refused(answers.of_status(404))
    return found


def wrong(errors: dict[str, list[str]]) -> Refusal:
    return Refusal("wrong-fields", _("Some fields are not right."), 422, details={"errors": errors})


def no_policy(by: Entry) -> Refusal:
    return Refusal(
        "company-without-policy",
        _("The company takes no orders before its own policy is in force."),
        rule=_("Clause C1, kept by a row rule of the database"),
    )


def misread(said: Any) -> dict[str, list[str]]:
    """Of a body, whatever it is, what cannot be read of the buyer's countries and telephone."""
    fields = ("country", "citizenship", "phone")
    held = said if isinstance(said, dict) else {}
    texts = {name: held[name] for name in fields if isinstance(held.get(name), str)}
    return {verdict.sign: [verdict.message] for verdict in jurisdictions.misread(**texts)}


def not_admitted(error: NotAdmitted, sent: LeadIn) -> Refusal:
    """Whom clause P2 keeps out leaves a count, and nothing else."""
    verdict = error.verdict
    if verdict.prohibited:
        gate.count_refused_lead(verdict.sign, verdict.jurisdiction)
        kind, rule = "jurisdiction_prohibited", verdict.rule
    elif verdict.outcome == "uncovered":
        kind, rule = "country_not_covered", verdict.message
    else:
        return wrong(misread(sent.model_dump()))
    title, errors = _("Nothing of this has been stored."), {verdict.sign: [verdict.message]}
    return Refusal(kind, title, 422, rule=rule, details={"code": kind, "errors": errors})


def sent_otherwise(lead_id: UUID) -> Refusal:
    return Refusal(
        "sent-otherwise",
        _("Another lead stands under this external_id."),
        409,
        details={"id": str(lead_id)},
    )
