"""What people fill in to let support in: which orders, what of them, for how long, and why."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import access
from accounts.gate import Entry
from accounts.models import User
from orders import statuses
from orders.models import Order

MOST_ORDERS: Final = 100  # as the database has it
LASTING: Final = {
    15: _("15 minutes"),
    60: _("1 hour"),
    240: _("4 hours"),
    1440: _("24 hours"),
}  # minutes
# Support takes no order in hand, and puts none back.
MOVES: Final = {
    key: status.label
    for key, status in statuses.STATUSES.items()
    if key not in ("new", "processing")
}


class AccessForm(forms.Form):
    """`by` makes the link; `numbers` empty stands for all that `by` sees."""

    fields: dict[str, Any]

    numbers = forms.CharField(
        label=_("Orders"),
        max_length=1000,
        required=False,
        help_text=_("Their numbers, with commas between. Empty: all that you see yourself."),
    )
    reason = forms.CharField(
        label=_("What support should look at"), max_length=300, widget=forms.Textarea({"rows": 3})
    )
    minutes = forms.TypedChoiceField(
        label=_("For how long"), choices=[*LASTING.items()], coerce=int, initial=60
    )
    staff = forms.ChoiceField(
        label=_("Who of support"),
        required=False,
        help_text=_("Whom you name is let in at once. Anybody else you confirm by name."),
    )
    shown = forms.MultipleChoiceField(
        label=_("What of a buyer is shown"),
        choices=[*access.FIELDS.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Whatever you leave out stays hidden; of a telephone the last digits show."),
    )
    moves = forms.MultipleChoiceField(
        label=_("What support may set an order to"),
        choices=[*MOVES.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Nothing marked: support only reads."),
    )
    mailed = forms.BooleanField(label=_("Mail the link to support"), required=False)

    def __init__(self, *args: Any, by: Entry, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.of_support = {
            str(user.pk): user
            for user in User.objects.filter(is_support=True, is_active=True).order_by("name")
        }
        named = [(key, str(user)) for key, user in self.of_support.items()]
        self.fields["staff"].choices = [("", _("anybody, whom I confirm")), *named]
        if not settings.SUPPORT_EMAIL:
            del self.fields["mailed"]

    def clean_numbers(self) -> list[Order]:
        """The orders named; none for all."""
        said = re.findall(r"\d{1,18}", self.cleaned_data["numbers"])
        numbers = {int(number) for number in said}
        if len(numbers) > MOST_ORDERS:
            raise ValidationError(_("Name 100 orders at most, or none for all that you see."))
        found = Order.objects.filter(company_id=self.by.company_id, number__in=numbers)
        orders = list(found.order_by("number"))
        if missing := sorted(numbers - {order.number for order in orders}):
            raise ValidationError(
                _("You see no order № %(number)s."), params={"number": missing[0]}
            )
        if self.cleaned_data["numbers"].strip() and not orders:
            raise ValidationError(_("Write orders' numbers, such as 1012, 1013."))
        return orders

    def scope(self) -> dict[str, Any]:
        """As `grants.make` takes it."""
        told = self.cleaned_data
        return {
            "reason": told["reason"],
            "orders": [order.id for order in told["numbers"]] or None,
            "fields": told["shown"],
            "moves": told["moves"],
            "lasting": timedelta(minutes=told["minutes"]),
            "staff": self.of_support.get(told["staff"]),
        }


class LinkForm(forms.Form):
    """The code of a link, or the whole link, as support pastes it."""

    code = forms.CharField(
        label=_("The link, or its code"),
        max_length=300,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).rpartition("#")[2].strip()
