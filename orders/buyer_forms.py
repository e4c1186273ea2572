"""What people fill in to answer a buyer: whom it is about, what is right of them, what stays."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from orders import erasure, retention
from orders.buyers import Buyer
from orders.models import Order
from policy.forms import NOTHING
from policy.telephones import InvalidTelephone, parse


class Ticks(forms.SelectMultiple):
    """Boxes in the rows of a table, which the template draws."""

    input_type = "hidden"

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        return SafeString()


class TickedField(forms.TypedMultipleChoiceField):
    """The ids of rows that were ticked, once each. Which may be, whoever does the deed asks."""

    widget = Ticks

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(coerce=uuid.UUID, **kwargs)

    def valid_value(self, value: Any) -> bool:
        return True

    def clean(self, value: Any) -> list[uuid.UUID]:
        return [*dict.fromkeys(super().clean(value))]


class BuyerForm(forms.Form):
    """Whom is asked about; `who` is read as an `orders.buyers.Buyer`."""

    who = forms.CharField(
        label=_lazy("Telephone or e-mail"),
        max_length=1_000,
        help_text=_lazy("In any spelling. Several of the same person: with commas between."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country

    def clean_who(self) -> Buyer:
        return Buyer.read(self.cleaned_data["who"], self.country)


class CorrectionForm(forms.Form):
    """What is right of a buyer; what is left empty stays as each order has it, and what is not
    ticked stays as it is. `seen` says which orders were looked at, and how they were."""

    name = forms.CharField(label=_lazy("Name"), max_length=200, required=False)
    phone = forms.CharField(label=_lazy("Telephone"), max_length=100, required=False)
    email = forms.EmailField(label=_lazy("E-mail"), max_length=254, required=False)
    city = forms.CharField(label=_lazy("City"), max_length=200, required=False)
    address = forms.CharField(label=_lazy("Address"), max_length=1_000, required=False)
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)
    orders = TickedField(error_messages={"required": _lazy("Tick the orders to correct.")})

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country

    def clean_phone(self) -> str:
        """In E.164. Whether clause P2 lets it be stored is asked of each order."""
        if not (typed := self.cleaned_data["phone"]):
            return ""
        try:
            return parse(typed, self.country).e164
        except InvalidTelephone as error:
            raise ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        if not self.errors and not self.said:
            raise ValidationError(_("Write what is to be corrected."))
        return self.cleaned_data

    @property
    def said(self) -> dict[str, str]:
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if value and name not in ("seen", "orders")
        }

    def offer(self, seen: str, orders: list[Order]) -> None:
        """These orders, each ticked."""
        self.initial = {"seen": seen, "orders": [str(order.id) for order in orders]}

    def look_again(self, seen: str) -> None:
        """From now on the form knows of orders in this state."""
        data = cast(QueryDict, self.data).copy()
        data["seen"] = seen
        self.data = data


class ErasureForm(forms.Form):
    """Which orders an erasure leaves out, and on what ground: none, where nothing is said."""

    kept = TickedField(required=False)
    because = forms.ChoiceField(
        label=_lazy("Why they stay"), choices=[NOTHING, *erasure.GROUNDS.items()], required=False
    )

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if said.get("kept") and not said.get("because"):
            self.add_error("because", _("Say why the ticked orders stay."))
        if said.get("because") and not said.get("kept"):
            self.add_error("kept", _("Tick the orders that stay, or take the ground for it back."))
        return said


class RetentionForm(forms.Form):
    """After how many days without a change the person of an order is erased, by where it ended;
    empty for never."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key, label in retention.KINDS.items():
            self.fields[key] = forms.IntegerField(
                label=format_lazy(_lazy("{kind}, days"), kind=label),
                required=False,
                min_value=1,
                max_value=retention.MOST_DAYS,
            )

    @property
    def days(self) -> dict[str, int]:
        return {key: days for key, days in self.cleaned_data.items() if days}
