"""What people type in to invite, to join and to be placed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from allauth.account.fields import PasswordField, SetPasswordField
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.freshness import freshly_proven
from accounts.gate import Entry
from accounts.models import Membership, Partner, Role, Team, User
from accounts.names import by_name
from accounts.people import Roster
from accounts.requests import Request
from accounts.sign_in_forms import InOurWords

EMAIL_LENGTH = 254
LONGEST = timedelta(days=3653)  # of a key that ends by itself


def roles_open_to(entry: Entry) -> list[tuple[str, Any]]:
    """The roles that the entry's holder may give: only owners make owners."""
    return [
        (value, label)
        for value, label in Role.choices
        if value != Role.OWNER or entry.may("people.owners")
    ]


def choices_of(places: Mapping[str, Team | Partner], none: Any = "—") -> list[tuple[str, Any]]:
    return [("", none), *((key, place.name) for key, place in places.items())]


class PlaceForm(forms.Form):
    """A member's role, with the team, or the partner of a partner's member."""

    fields: dict[str, Any]
    role = forms.ChoiceField(label=_("Role"))
    team = forms.ChoiceField(label=_("Team"), required=False)
    partner = forms.ChoiceField(label=_("Partner"), required=False)

    def __init__(self, *args: Any, by: Entry, roster: Roster, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.teams = {str(team.id): team for team in roster.teams}
        self.partners = {str(partner.id): partner for partner in roster.partners}
        self.fields["role"].choices = roles_open_to(by)
        self._offer("team", self.teams, _("no team"))
        self._offer("partner", self.partners, _("no partner"))

    def _offer(self, name: str, places: Mapping[str, Team | Partner], none: Any) -> None:
        """A company without any is not asked."""
        if places:
            self.fields[name].choices = choices_of(places, none)
        else:
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        """Partners' members belong to a partner and to no team, all others the other way round."""
        place = super().clean() or {}
        of_partner = place.get("role") == Role.PARTNER
        place["team"] = None if of_partner else self.teams.get(place.get("team", ""))
        place["partner"] = self.partners.get(place.get("partner", "")) if of_partner else None
        if of_partner and not place["partner"]:
            raise ValidationError(_("Choose the partner whom this person works for."))
        return place


class InvitationForm(forms.Form):
    fields: dict[str, Any]
    email = forms.EmailField(label=_("E-mail"), max_length=EMAIL_LENGTH)
    role = forms.ChoiceField(label=_("Role"), initial=Role.AGENT)
    partner = forms.ChoiceField(label=_("Partner"), required=False)
    new_partner = forms.CharField(
        label=_("New partner"),
        max_length=120,
        required=False,
        help_text=_("For a partner's sign-in: choose the partner, or name a new one."),
    )

    def __init__(self, *args: Any, by: Entry, roster: Roster, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.members = {member.user.email for member in roster.members}
        self.partners = {str(partner.id): partner for partner in roster.partners}
        self.fields["role"].choices = roles_open_to(by)
        self.fields["partner"].choices = choices_of(self.partners)

    def clean_email(self) -> str:
        email = self.cleaned_data["email"].lower()
        if email in self.members:
            raise ValidationError(_("This person works here already."))
        return email

    def clean(self) -> dict[str, Any]:
        offer = super().clean() or {}
        if offer.get("role") == Role.PARTNER:
            if not (offer.get("partner") or offer.get("new_partner")):
                self.add_error("partner", _("Choose the partner, or name a new one."))
        else:
            offer["partner"] = offer["new_partner"] = ""
        return offer

    def chosen_partner(self, *, by: Entry) -> Partner | None:
        """The partner chosen, or the one newly named (made here unless its name is known)."""
        if name := self.cleaned_data["new_partner"]:
            return Partner.objects.get_or_create(company_id=by.company_id, name=name)[0]
        return self.partners.get(self.cleaned_data["partner"])


class JoiningForm(InOurWords, forms.Form):
    """Who is invited and new here: a name, and a password of one's own."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = SetPasswordField(label=_("Password"))
    repeated = PasswordField(label=_("Password, once more"), autocomplete="new-password")

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].user = User(email=email, name=str(self.data.get("name", ""))[:120])

    def clean(self) -> dict[str, Any]:
        entered = super().clean() or {}
        if "password" in entered and entered["password"] != entered.get("repeated"):
            self.add_error("repeated", _("The two passwords differ."))
        return entered


class TeamForm(forms.Form):
    name = forms.CharField(label=_("Name of a new team"), max_length=80)

    def __init__(self, *args: Any, by: Entry, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if Team.objects.filter(company_id=self.by.company_id, name=name).exists():
            raise ValidationError(_("There is a team of this name already."))
        return name


class KeyForm(forms.Form):
    """A key for a partner's machine. `until` is the last day on which it opens anything."""

    fields: dict[str, Any]
    membership = forms.ChoiceField(
        label=_("Who answers for it"),
        help_text=_("A partner's member: the key works while they are here, and have accepted."),
    )
    name = forms.CharField(
        label=_("Name of the key"),
        max_length=80,
        help_text=_("By which you know it, such as “Landing pages”."),
    )
    payout = forms.DecimalField(
        label=_("Payout per lead"),
        required=False,
        localize=True,
        min_value=0,
        max_digits=12,
        decimal_places=2,
        widget=forms.TextInput({"inputmode": "decimal"}),
    )
    until = forms.DateField(
        label=_("Holds until"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Left empty, it holds until it is revoked."),
    )

    def __init__(self, *args: Any, roster: Roster, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.senders = {str(each.id): each for each in roster.members if each.partner_id}
        named = [(key, f"{roster.place_of(m)} · {m.user}") for key, m in self.senders.items()]
        self.fields["membership"].choices = by_name(named)
        self.fields["payout"].help_text = _("In %(currency)s, for an approved one.") % {
            "currency": currency
        }

    def clean_membership(self) -> Membership:
        return self.senders[self.cleaned_data["membership"]]

    def clean_until(self) -> datetime | None:
        """The moment at which that day is over, where the company is."""
        day = self.cleaned_data["until"]
        if day is None:
            return None
        if not timezone.localdate() <= day < timezone.localdate() + LONGEST:
            raise ValidationError(_("Choose a day from today on, within ten years."))
        return timezone.make_aware(datetime.combine(day + timedelta(days=1), time()))


class CompanyForm(forms.Form):
    """Which of one's companies to work in."""

    membership = forms.UUIDField()

    def __init__(self, *args: Any, memberships: list[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.memberships = {membership.id: membership for membership in memberships}

    def clean_membership(self) -> Membership:
        try:
            return self.memberships[self.cleaned_data["membership"]]
        except KeyError:
            raise ValidationError(_("You do not work there.")) from None


class PasswordAgainForm(InOurWords, forms.Form):
    """What is for good, or opens what a session does not, asks for the password once more."""

    password = PasswordField(label=_("Your password"), autocomplete="current-password")

    def __init__(self, *args: Any, request: Request, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_password(self) -> str:
        """By what the person was proven. The password is kept nowhere, not in the form either."""
        proven = freshly_proven(self.request, self.cleaned_data["password"])
        if not proven:
            raise ValidationError(_("This is not your password, or it was tried too often."))
        return proven


class ClosureForm(PasswordAgainForm):
    slug = forms.CharField(label=_("The company's short name"), max_length=60)

    def __init__(self, *args: Any, slug: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = slug
        self.fields["slug"].help_text = _("Type “%(slug)s”.") % {"slug": slug}

    def clean_slug(self) -> str:
        typed: str = self.cleaned_data["slug"]
        if typed != self.wanted:
            raise ValidationError(_("This is another name."))
        return typed
