"""The step before a version is published: what will happen then, who approves it, and the deed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.guard import closed_to_support, fresh_factor, operator
from accounts.models import Membership
from accounts.requests import GET_OR_POST, Request
from policy import drafts
from policy.forms import DraftForm, PublicationForm
from policy.models import Draft, Kind
from policy.revisions import NotNew
from policy.turns import NotInTurn
from policy.views.publishing import PLATFORM, Desk, at_both, facts, page, previews


def _publish(request: Request, desk: Desk) -> HttpResponse:
    if desk.draft is None:
        return redirect(desk.address("publish"))
    form = _as_if_sent(request, desk)
    if not form.is_valid():  # it was kept half written, or another version came before it
        return page(request, desk, form)
    if request.method != "POST":
        return _page(request, desk)
    try:
        _seen(request, desk)
        version = desk.draft.publish(by=request.gate)
    except (NotInTurn, NotNew) as refusal:
        messages.error(request, str(refusal))
        return redirect(desk.address("publication"))
    messages.success(request, _("Version %(number)s is published.") % {"number": version.number})
    return redirect(version)


def _as_if_sent(request: Request, desk: Desk) -> DraftForm:
    """The form with what the draft holds, so that it is judged like one that is sent now."""
    kept = desk.form(request, DraftForm)
    data = {bound.html_name: bound.value() for bound in kept if bound.value() not in (None, False)}
    form: DraftForm = desk.form(request, PublicationForm, data)
    return form


def _seen(request: Request, desk: Desk) -> Draft:
    """The draft, where it is still the one that the page showed. Raises NotInTurn."""
    if desk.draft is None or request.POST.get("seal") != desk.draft.seal:
        raise NotInTurn(_("The draft was changed meanwhile: read it again."))
    return desk.draft


publication, company_publication = at_both(GET_OR_POST(_publish))


@closed_to_support
@operator
@fresh_factor
@never_cache
@require_POST
def approval(request: Request, kind: str) -> HttpResponse:
    """The word of one operator that another may publish the draft."""
    desk = _desk_or_404(kind)
    if desk.draft is None:
        return redirect(desk.address("publish"))
    try:
        _seen(request, desk).approve(by=request.gate)
    except NotInTurn as refusal:
        messages.error(request, str(refusal))
    return redirect(desk.address("publication"))


@closed_to_support
@operator
@never_cache
@require_POST
def withdrawal(request: Request, kind: str) -> HttpResponse:
    """Takes one's own approval back."""
    desk = _desk_or_404(kind)
    if desk.draft:
        desk.draft.withdraw(by=request.gate)
    return redirect(desk.address("publication"))


def _desk_or_404(kind: str) -> Desk:
    if kind not in PLATFORM:
        raise Http404
    return Desk.of(kind)


def _page(request: Request, desk: Desk) -> HttpResponse:
    kept = desk.draft
    assert kept is not None
    approvers = {approver.pk for approver in kept.approvers}
    others = [] if desk.company_id else drafts.seconds()
    seconds = [second.user for second in others if second.seated]
    mine = request.gate.user_id in approvers
    context = {
        **facts(request, desk),
        **_consequences(request, desk, kept),
        "draft": kept,
        "number": desk.latest.number + 1 if desk.latest else 1,
        "previews": previews(desk.latest, kept.texts),
        "may_publish": not seconds or any(second.pk in approvers for second in seconds),
        "seconds": seconds,
        "never_here": [f"{each.user} ({each.user.email})" for each in others if not each.seated],
        "may_approve": bool(seconds) and not mine,
        "may_withdraw": mine,
        "kind": desk.kind,
    }
    return render(request, "policy/publication.html", context)


def _consequences(request: Request, desk: Desk, kept: Draft) -> dict[str, Any]:
    """Whom publishing it stops, and when."""
    at_once = kept.effective_at is None or kept.effective_at <= timezone.now()
    asks = desk.kind != Kind.SITE and (kept.material or desk.latest is None)
    people = (
        Membership.objects.living().filter(company_id=desk.company_id).count()
        if asks and desk.company_id and not request.gate.missing
        else None
    )
    return {"at_once": at_once, "asks": asks, "people": people}
