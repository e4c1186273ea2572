"""What people fill in to let support in: which orders, what of them, for how long, and why."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
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
    """`by` makes the link, which opens nothing that is shut to `by`."""

    fields: dict[str, Any]

    reason = forms.CharField(
        label=_("What support should look at"),
        max_length=300,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("It stands in letters and on support's pages: name no buyer here."),
        validators=[
            RegexValidator(
                access.CONTACT,
                _("No telephone and no e-mail: this text is kept. Name an order by its number."),
                inverse_match=True,
            )
        ],
    )
    numbers = forms.CharField(
        label=_("Orders"),
        max_length=1000,
        required=False,
        help_text=_("Their numbers, with commas between."),
    )
    everything = forms.BooleanField(label=_("All orders that I see myself"), required=False)
    shown = forms.MultipleChoiceField(
        label=_("Of the buyer, support also sees"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Nothing marked: all of this stays hidden."),
    )
    moves = forms.MultipleChoiceField(
        label=_("Support may set an order to"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Nothing marked: support only reads. Whoever may set a status may comment. A new order "
            "has to be taken by one of you before it is confirmed or held."
        ),
    )
    staff = forms.ChoiceField(
        label=_("Whom it lets in"),
        required=False,
        help_text=_("Whom you name here is let in without asking you again."),
    )
    minutes = forms.TypedChoiceField(
        label=_("For how long"),
        choices=[*LASTING.items()],
        coerce=int,
        initial=60,
        help_text=_("From now on. You can shut it at any moment before."),
    )
    mailed = forms.BooleanField(required=False)

    def __init__(self, *args: Any, by: Entry, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.fields["shown"].choices = [*_shown_to(by).items()]
        self.fields["moves"].choices = [*_made_by(by).items()]
        self.of_support = {
            str(user.pk): user
            for user in User.objects.filter(is_support=True, is_active=True).order_by("name")
        }
        named = [(key, str(user)) for key, user in self.of_support.items()]
        self.fields["staff"].choices = [("", _("one person, whom I confirm")), *named]
        mailed_to = settings.SUPPORT_EMAIL
        self.fields["mailed"].label = _("Mail the link to %(address)s") % {"address": mailed_to}
        if not mailed_to:
            del self.fields["mailed"]

    def clean_numbers(self) -> list[Order]:
        """The orders named; none for all."""
        said = re.findall(r"\d{1,18}", self.cleaned_data["numbers"])
        numbers = {int(number) for number in said}
        if len(numbers) > MOST_ORDERS:
            raise ValidationError(_("Name 100 orders at most, or mark all that you see."))
        found = Order.objects.filter(company_id=self.by.company_id, number__in=numbers)
        orders = list(found.order_by("number"))
        if missing := sorted(numbers - {order.number for order in orders}):
            raise ValidationError(
                _("You see no order № %(number)s."), params={"number": missing[0]}
            )
        if self.cleaned_data["numbers"].strip() and not orders:
            raise ValidationError(_("Write orders' numbers, such as 1012, 1013."))
        return orders

    def clean(self) -> None:
        told = self.cleaned_data
        if "numbers" not in told or bool(told["numbers"]) != told["everything"]:
            return
        if told["everything"]:
            self.add_error("numbers", _("Either name orders or mark all of them, not both."))
        else:
            self.add_error("numbers", _("Name the orders, or mark that all are meant."))

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


def labelled(labels: Mapping[str, Any], chosen: Collection[str]) -> list[Any]:
    """The labels of what is chosen, in their own order."""
    return [label for key, label in labels.items() if key in chosen]


def _shown_to(by: Entry) -> dict[str, Any]:
    """The fields of a buyer that `by` sees, and so can show."""
    hidden = () if by.may("persons.telephone") else ("telephone",)
    return {name: label for name, label in access.FIELDS.items() if name not in hidden}


def _made_by(by: Entry) -> dict[str, Any]:
    """The statuses that `by` can set orders to, and so let support set."""
    reached = statuses.reached_by(by.acting_role)
    return {key: label for key, label in MOVES.items() if key in reached}


class LinkForm(forms.Form):
    """The code of a link, or the whole link, as support pastes it."""

    code = forms.CharField(
        label=_("The link, or its code"),
        max_length=300,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).rpartition("#")[2].strip()
