"""A company's audit, as its owners and admins read it: newest first, a page at a time, filtered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts import audit
from accounts.gate import Entry
from accounts.models import AuditChain, AuditEntry, Membership
from accounts.names import by_name
from orders.calling import zone_of
from orders.filters import Choice, DayField, Place, Sieve, beginning
from orders.lists import MOST_CHOICES, PAGE, Page, cut
from orders.models import Order

COLUMNS: Final = {"actor": "actor_id", "person": "person_id", "action": "action"}


class Filters(Sieve):
    actor = forms.ChoiceField(label=_("Who"), required=False, widget=Choice)
    action = forms.ChoiceField(label=_("What"), required=False, widget=Choice)
    person = forms.ChoiceField(label=_("To whom"), required=False, widget=Choice)
    number = forms.IntegerField(label=_("Order no."), required=False, min_value=1)
    since = DayField(label=_("From"), required=False)
    until = DayField(label=pgettext_lazy("days", "Until"), required=False)

    def __init__(self, data: Any, people: list[tuple[int, str]]) -> None:
        super().__init__(data)
        actions = sorted(((key, str(label)) for key, label in audit.ACTIONS.items()), key=_label)
        members = [(str(user_id), name) for user_id, name in people]
        for name, offered in (("actor", members), ("person", members), ("action", actions)):
            self.fields[name].choices = [("", _("any")), *offered]


def _label(choice: tuple[str, str]) -> str:
    return choice[1]


def people(by: Entry) -> list[tuple[int, str]]:
    """Who works or worked in the company: number and name, in the order of the names."""
    members = Membership.objects.filter(company_id=by.company_id).select_related("user")
    return by_name([(each.user_id, str(each.user)) for each in members[:MOST_CHOICES]])


def page(
    by: Entry,
    chosen: dict[str, Any],
    *,
    older_than: Place | None = None,
    newer_than: Place | None = None,
) -> Page[AuditEntry]:
    """Fifty entries, beside a place in the list or from its newest end: one statement, and one more
    where an order's number was chosen."""
    backwards, beside = newer_than is not None, newer_than or older_than
    found = AuditEntry.objects.filter(_conditions(by, chosen), company_id=by.company_id)
    if beside:
        found = found.filter(_beyond(beside, "gt" if backwards else "lt"))
    direction = "" if backwards else "-"
    rows = list(found.order_by(f"{direction}at", f"{direction}id")[: PAGE + 1])
    return cut(rows, lambda row: Place(row.at, row.id), beside=bool(beside), backwards=backwards)


def numbers(by: Entry, rows: Iterable[AuditEntry]) -> dict[UUID, int]:
    """Entry's id -> its number in the company's chain."""
    links = AuditChain.objects.filter(
        company_id=by.company_id, entry_id__in=[row.id for row in rows]
    )
    return dict(links.values_list("entry_id", "number"))


def _beyond(place: Place, side: str) -> Q:
    """On that side of the place, said so that an index gives it."""
    ties = Q(at=place.created_at, **{f"id__{side}": place.id})
    return Q(**{f"at__{side}e": place.created_at}) & (Q(**{f"at__{side}": place.created_at}) | ties)


def _conditions(by: Entry, chosen: dict[str, Any]) -> Q:
    """A day is a day in the company's time zone."""
    zone = zone_of(by)
    found = Q(**{COLUMNS[name]: value for name, value in chosen.items() if name in COLUMNS})
    if since := chosen.get("since"):
        found &= Q(at__gte=beginning(since, zone))
    if until := chosen.get("until"):
        found &= Q(at__lt=beginning(until + timedelta(days=1), zone))
    if number := chosen.get("number"):
        numbered = Order.objects.filter(company_id=by.company_id, number=number)
        found &= Q(object_id__in=list(numbered.values_list("id", flat=True)))
    return found
