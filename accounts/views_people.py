"""The people of a company: who they are, and their coming and going."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import audit, gate, invitations
from accounts.forms import InvitationForm, PlaceForm, TeamForm
from accounts.guard import closed_to_support, member, requires
from accounts.models import CompanyOwned, Invitation, LastOwner, Membership, Team
from accounts.people import Roster, Standing, roster
from accounts.requests import GET_OR_POST, Request


@closed_to_support
@require_safe
@requires("people.read")
def people(request: Request) -> HttpResponse:
    return _page(request, roster(request.gate))


@closed_to_support
@never_cache
@require_POST
@requires("people.manage")
def invite(request: Request) -> HttpResponse:
    """The link is shown in this answer and nowhere else: kept for a page to come, its secret would
    have to be stored."""
    known = roster(request.gate)
    form = InvitationForm(request.POST, by=request.gate, roster=known)
    if not form.is_valid():
        return _page(request, known, invite_form=form)
    invitation, secret = invitations.invite(
        by=request.gate,
        email=form.cleaned_data["email"],
        role=form.cleaned_data["role"],
        partner=form.chosen_partner(by=request.gate),
    )
    link = request.build_absolute_uri(invitations.path(secret))
    invitations.mail(
        link=link,
        to=form.cleaned_data["email"],
        company=request.gate.company_name,
        invited_by=request.gate.user_name,
    )
    return _page(request, roster(request.gate), fresh_link=link, fresh_until=invitation.expires_at)


@closed_to_support
@require_POST
@requires("people.manage")
def withdrawal(request: Request, invitation_id: UUID) -> HttpResponse:
    invitation = _own_or_404(Invitation.objects.open(), request.gate, invitation_id)
    invitation.withdraw(by=request.gate)
    messages.success(request, _("The invitation is withdrawn."))
    return redirect("accounts:people")


@closed_to_support
@require_POST
@requires("people.manage")
def place(request: Request, membership_id: UUID) -> HttpResponse:
    """A member's role and team."""
    membership = _member_or_404(request.gate, membership_id)
    form = PlaceForm(request.POST, by=request.gate, roster=roster(request.gate))
    if not form.is_valid():
        for wrong in (text for texts in form.errors.values() for text in texts):
            messages.error(request, str(wrong))
        return redirect("accounts:people")
    try:
        membership.place(by=request.gate, **form.cleaned_data)
    except LastOwner:
        messages.error(request, _("A company keeps an owner: name another one first."))
    else:
        messages.success(request, _("Changed."))
    return redirect("accounts:people")


@closed_to_support
@require_POST
@requires("people.manage")
def removal(request: Request, membership_id: UUID) -> HttpResponse:
    membership = _member_or_404(request.gate, membership_id)
    if membership.user_id == request.gate.user_id:
        return leave(request)
    try:
        membership.end(by=request.gate)
    except LastOwner:
        messages.error(request, _("A company keeps an owner: name another one first."))
    else:
        messages.success(request, _("%(name)s works here no longer.") % {"name": membership.user})
    return redirect("accounts:people")


@closed_to_support
@GET_OR_POST
@member
def departure(request: Request) -> HttpResponse:
    """What leaving means, and then one's own going."""
    if request.method == "POST":
        return leave(request)
    return render(request, "accounts/departure.html")


def leave(request: Request) -> HttpResponse:
    """The pass of this company ends with the membership, so the session gets another."""
    membership = Membership.objects.select_related("user").get(
        company_id=request.gate.company_id, id=request.gate.membership_id
    )
    try:
        membership.leave(by=request.gate)
    except LastOwner:
        messages.error(request, _("A company keeps an owner: name another one first."))
        return redirect("accounts:departure")
    messages.success(
        request, _("You no longer work in %(company)s.") % {"company": request.gate.company_name}
    )
    request.session.company_id = None
    request.session.cycle_key()
    return redirect("accounts:choose_company")


@closed_to_support
@require_POST
@requires("people.manage")
def teams(request: Request) -> HttpResponse:
    """A new team."""
    form = TeamForm(request.POST, by=request.gate)
    if not form.is_valid():
        return _page(request, roster(request.gate), team_form=form)
    team = Team.objects.create(company_id=request.gate.company_id, **form.cleaned_data)
    audit.record(by=request.gate, action="team.made", of=team)
    return redirect("accounts:people")


Row = TypeVar("Row", bound=CompanyOwned)


def _member_or_404(entry: gate.Entry, membership_id: UUID) -> Membership:
    return _own_or_404(Membership.objects.living().select_related("user"), entry, membership_id)


def _own_or_404(rows: QuerySet[Row], entry: gate.Entry, row_id: UUID) -> Row:
    found = rows.filter(company_id=entry.company_id, id=row_id).first()
    if found is None:
        raise Http404
    return found


def _page(request: Request, known: Roster, **more: Any) -> HttpResponse:
    entry = request.gate
    context = {
        "people": [_person(each, known, entry) for each in known.members],
        "gone": [_gone(each, known) for each in known.gone],
        "invitations": [_invited(each) for each in known.invitations],
        "teams": known.teams,
        "shows_standing": bool(known.standing),
        "can_invite": entry.may("people.manage"),
        "invite_form": InvitationForm(by=entry, roster=known),
        "team_form": TeamForm(by=entry),
        **more,
    }
    wrong = any(form.is_bound for name, form in context.items() if name.endswith("_form"))
    return render(request, "accounts/people.html", context, status=422 if wrong else 200)


def _person(membership: Membership, known: Roster, entry: gate.Entry) -> dict[str, Any]:
    user, standing = membership.user, known.standing.get(membership.user_id, Standing())
    changeable = entry.may("people.owners" if membership.role == "owner" else "people.manage")
    you = user.pk == entry.user_id
    return {
        "id": membership.id,
        "name": user.name,
        "email": user.email,
        "role_label": membership.get_role_display(),
        "of": known.place_of(membership),
        "lacks_team": membership.role == "lead" and not membership.team_id,
        "active": user.is_active,
        "you": you,
        "accepted_at": standing.accepted_at,
        "missing": standing.missing,
        "role_form": changeable and _place_form(membership, known, entry),
        "role_url": reverse("accounts:place", args=[membership.id]),
        "deactivate_url": changeable
        and not you  # leaving is an action of its own
        and reverse("accounts:removal", args=[membership.id]),
    }


def _gone(membership: Membership, known: Roster) -> dict[str, Any]:
    return {
        "name": str(membership.user),
        "email": membership.user.email,
        "role_label": membership.get_role_display(),
        "left_at": membership.left_at,
        "held": known.held.get(membership.id, 0),
    }


def _place_form(membership: Membership, known: Roster, entry: gate.Entry) -> PlaceForm:
    return PlaceForm(
        by=entry,
        roster=known,
        auto_id=f"{membership.id}_%s",
        initial={
            "role": membership.role,
            "team": str(membership.team_id or ""),
            "partner": str(membership.partner_id or ""),
        },
    )


def _invited(invitation: Invitation) -> dict[str, Any]:
    return {
        "email": invitation.email,
        "role_label": invitation.get_role_display(),
        "expires_at": invitation.expires_at,
        "revoke_url": reverse("accounts:withdrawal", args=[invitation.id]),
    }
