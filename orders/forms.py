"""What people type about an order, read and judged before any of it is stored.

A message says what would be right and repeats nothing of the buyer's; whatever was typed stays in
the form. Lengths are checked before anything else reads a value.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from accounts.gate import Entry
from accounts.models import Company, Membership, Partner
from accounts.names import by_name
from orders import statuses
from orders.intake import ItemDraft, total_of
from orders.models import Item, Offer, Order
from orders.money import InvalidAmount, currencies, parse_amount
from orders.persons import Person
from policy.forms import NOTHING, CountryField
from policy.jurisdictions import Verdict, screen
from policy.prohibitions import Jurisdiction

MAX_LINES: Final = 300  # at five fields each, what DATA_UPLOAD_MAX_NUMBER_FIELDS lets through
MAX_QUANTITY: Final = 100_000
HOW_MANY: Final = _lazy("Write a whole number from 1 to 100000.")  # MAX_QUANTITY
MAX_PRICE: Final = Decimal("9999999999.99")  # what orders_item.price holds
MAX_TOTAL: Final = Decimal("999999999999.99")  # what orders_order.total holds
MAX_COMMENT: Final = 5_000  # characters
OFTEN: Final = ("EUR", "USD", "GBP", "KZT", "PLN", "RON", "UAH")  # currencies
CALL_AGAIN_WITHIN: Final = timedelta(days=366)


def currency_choices(own: str = "") -> list[tuple[str, str]]:
    """The company's own first, then those that orders often come in, then all others by code."""
    names = currencies(_locale())
    first = [code for code in dict.fromkeys((own, *OFTEN)) if code in names]
    return [(code, f"{code} · {names[code]}") for code in dict.fromkeys((*first, *names))]


def _locale() -> str:
    return to_locale(get_language() or "en")


class AmountField(forms.CharField):
    """An amount of money, as people write it: "12 990,00"; never below nought."""

    def __init__(self, *, up_to: Decimal, **kwargs: Any) -> None:
        self.up_to = up_to
        super().__init__(max_length=40, **kwargs)
        self.widget.attrs["inputmode"] = "decimal"

    def prepare_value(self, value: Any) -> Any:
        return f"{value:f}" if isinstance(value, Decimal) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return self.amount(text) if text else None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)

    def amount(self, text: str) -> Decimal:
        try:
            amount = parse_amount(text)
        except InvalidAmount as error:
            raise ValidationError(str(error)) from None
        if not 0 <= amount <= self.up_to:
            raise ValidationError(_("Write an amount from 0 to %s.") % f"{self.up_to:,}")
        if amount != round(amount, 2):
            raise ValidationError(_("Write at most two decimals, such as 12990.00."))
        return amount


class Suggesting(forms.TextInput):
    """A line of free text that suggests what is known already."""

    def __init__(self, names: list[str] | None = None) -> None:
        super().__init__({"autocomplete": "off"})
        self.names = names or []

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        known = f"{attrs['id']}_known"
        entry = super().render(name, value, {**attrs, "list": known}, renderer)
        options = format_html_join("", '<option value="{}"></option>', ((n,) for n in self.names))
        return format_html('{}<datalist id="{}">{}</datalist>', entry, known, options)


def _identifier(**kwargs: Any) -> forms.TypedChoiceField:
    """The id of a row, chosen by its name; None for none."""
    return forms.TypedChoiceField(
        coerce=uuid.UUID, empty_value=None, required=False, choices=[NOTHING], **kwargs
    )


def offer_choices(form: forms.Form, name: str, choices: list[tuple[str, Any]]) -> None:
    cast(forms.ChoiceField, form.fields[name]).choices = choices


class OrderForm(forms.Form):
    """An order without its lines. `person` is whom an edited order has so far.

    To a role that may not see the telephone, the field is empty and says so: left empty, it keeps
    the number that is there.
    """

    name = forms.CharField(label=_lazy("Name"), max_length=200, required=False)
    phone = forms.CharField(label=_lazy("Telephone"), max_length=100)
    email = forms.EmailField(label=_lazy("E-mail"), max_length=254, required=False)
    country = CountryField(label=_lazy("Country"))
    citizenship = CountryField(
        label=_lazy("Citizenship"),
        help_text=_lazy("Where it is known: it outweighs what the telephone number points to."),
    )
    city = forms.CharField(label=_lazy("City"), max_length=200, required=False)
    address = forms.CharField(label=_lazy("Address"), max_length=1_000, required=False)
    comment = forms.CharField(
        label=_lazy("The buyer wrote"), max_length=MAX_COMMENT, required=False,
        widget=forms.Textarea({"rows": 3}),
    )  # fmt: skip
    offer = forms.CharField(
        label=_lazy("Offer"), max_length=160, required=False, widget=Suggesting()
    )
    partner = _identifier(label=_lazy("Partner"))
    agent = _identifier(label=_lazy("Agent"))
    external_id = forms.CharField(label=_lazy("External number"), max_length=100, required=False)
    currency = forms.ChoiceField(label=_lazy("Currency"), choices=currency_choices)
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, by: Entry, person: Person | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.person_so_far = person
        self.verdict: Verdict | None = None
        self._name_choices(by)
        if person is None:
            del self.fields["version"]
            offer_choices(self, "agent", [NOTHING, *assignable(by, "orders.create")])
        else:
            del self.fields["agent"]
            self._hide_telephone(person)

    @classmethod
    def of(cls, order: Order, person: Person, *, by: Entry, data: Any = None) -> OrderForm:
        """The form of an order that is there, with the person opened."""
        return cls(data, by=by, person=person, initial=written(order, person, by=by))

    def _name_choices(self, by: Entry) -> None:
        assert by.company_id is not None
        offers = Offer.objects.filter(company_id=by.company_id).order_by("name")
        self.fields["offer"].widget.names = list(offers.values_list("name", flat=True)[:500])
        partners = Partner.objects.filter(company_id=by.company_id)
        named = [(str(key), name) for key, name in partners.values_list("id", "name")]
        offer_choices(self, "partner", [NOTHING, *by_name(named)])
        offer_choices(self, "currency", currency_choices(by.company_currency))

    def _hide_telephone(self, person: Person) -> None:
        field = self.fields["phone"]
        if person.phone and not self.by.may("persons.telephone"):
            field.required = False
            field.widget.attrs["placeholder"] = person.masked_phone
            field.help_text = _("Leave it empty to keep the number as it is.")

    @property
    def fieldsets(self) -> list[dict[str, Any]]:
        """The visible fields in groups, as the page shows them."""
        buyer = ("name", "phone", "email", "country", "citizenship", "city", "address", "comment")
        others = [field for field in self.visible_fields() if field.name not in buyer]
        return [
            {"title": _("Buyer"), "fields": [self[name] for name in buyer]},
            {"title": _("Order"), "fields": others},
        ]

    def clean_comment(self) -> str:
        """Browsers send CRLF for every end of a line; so would each save change the comment."""
        comment: str = self.cleaned_data["comment"]
        return comment.replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        """Judge who it is first: for the prohibited, nothing else matters (clause P2)."""
        told = {
            name: self.cleaned_data.get(name) or "" for name in ("country", "citizenship", "phone")
        }
        home = Company.country_of(self.by.company_id) if told["phone"] else ""
        verdict = screen(**told, home=home, prohibited=Jurisdiction.objects.prohibited())
        if verdict.allowed:
            self.cleaned_data["phone"] = verdict.phone
        else:
            self.refuse(verdict)
        return self.cleaned_data

    def refuse(self, verdict: Verdict) -> None:
        """Mark the field that decided, with the reason beside it; a prohibition's stands above the
        form, with what would satisfy the clause."""
        self.verdict = verdict
        said = _("Clause P2 refuses this: see above.") if verdict.prohibited else verdict.message
        self.add_error(verdict.sign or None, said)

    @property
    def prohibited(self) -> bool:
        return bool(self.verdict and self.verdict.prohibited)

    @property
    def filled(self) -> dict[str, Any]:
        """What `Order.objects.add` and `Order.edit` take, but for the items and the version."""
        cleaned = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        parts = ("name", "phone", "email", "city", "address", "comment")
        said = {name: cleaned.pop(name) for name in parts}
        so_far = self.person_so_far or Person()
        said["phone"] = said["phone"] or so_far.phone
        return cleaned | {"person": replace(so_far, **said)}

    def overwrite(self, version: int) -> None:
        """From now on the form knows of `version`: to save it again is to overwrite that."""
        data = cast(QueryDict, self.data).copy()
        data["version"] = str(version)
        self.data = data


def written(order: Order, person: Person, *, by: Entry) -> dict[str, Any]:
    """An order as the form shows it to `by`, under the names of the form's fields."""
    return {
        "name": person.name,
        "phone": person.phone if by.may("persons.telephone") else "",
        "email": person.email,
        "country": order.country,
        "citizenship": order.citizenship,
        "city": person.city,
        "address": person.address,
        "comment": person.comment,
        "offer": order.offer.name if order.offer else "",
        "partner": order.partner_id and str(order.partner_id),
        "external_id": order.external_id,
        "currency": order.currency,
        "version": order.version,
    }


def assignable(by: Entry, permission: str) -> list[tuple[str, str]]:
    """Whom `by` may give orders to under this permission, as (membership's id, name)."""
    assert by.company_id is not None
    members = Membership.objects.filter(company_id=by.company_id, left_at=None)
    reach = {
        "all": Q(),
        "team": Q(id=by.membership_id) | Q(team_id__isnull=False, team_id=by.team_id),
    }.get(by.scope(permission) or "", Q(id=by.membership_id))
    members = members.filter(reach).exclude(role="partner").select_related("user")
    return by_name((str(member.id), str(member.user)) for member in members)


class ItemForm(forms.Form):
    name = forms.CharField(label=_lazy("Item"), max_length=200)
    sku = forms.CharField(label=_lazy("SKU"), max_length=80, required=False)
    quantity = forms.IntegerField(
        label=_lazy("Quantity"), min_value=1, max_value=MAX_QUANTITY, required=False,
        widget=forms.TextInput({"inputmode": "numeric"}),
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), HOW_MANY),
    )  # fmt: skip
    price = AmountField(label=_lazy("Price"), up_to=MAX_PRICE)

    @property
    def is_blank(self) -> bool:
        return not any(str(self[part].value() or "").strip() for part in ("name", "sku", "price"))

    @property
    def draft(self) -> ItemDraft:
        said = self.cleaned_data
        return ItemDraft(said["name"], said["price"], said["quantity"] or 1, said["sku"])


class Lines(forms.BaseFormSet):  # type: ignore[type-arg]  # no generic when it runs
    """An order's lines. A line is removed by its box, or by emptying it: neither needs a script."""

    def add_fields(self, form: ItemForm, index: int | None) -> None:
        super().add_fields(form, index)
        form.empty_permitted = form.is_blank
        form.fields["DELETE"].label = _("Remove")

    def _should_delete_form(self, form: ItemForm) -> bool:
        """Django's own hook, which knows of the box alone."""
        return form.is_blank or form.cleaned_data.get("DELETE", False)

    @property
    def drafts(self) -> list[ItemDraft]:
        """The lines that stay; once the set is valid."""
        return [form.draft for form in self.forms if not self._should_delete_form(form)]

    def clean(self) -> None:
        if not any(self.errors) and total_of(self.drafts) > MAX_TOTAL:
            raise ValidationError(_("These lines come to more than an order can hold."))


LinesFormSet = forms.formset_factory(
    ItemForm, formset=Lines, extra=1, can_delete=True, max_num=MAX_LINES,
    validate_max=True, absolute_max=MAX_LINES + 50,
)  # fmt: skip


def lines_of(items: list[Item], data: Any = None) -> Lines:
    """The formset of an order's lines, for a new order's too."""
    parts = ("name", "sku", "quantity", "price")
    initial = [{part: getattr(item, part) for part in parts} for item in items]
    return cast(Lines, LinesFormSet(data, prefix="items", initial=initial))


class StepForm(forms.Form):
    """What every posted move says: which, and on what version of the order."""

    move = forms.CharField(max_length=40)
    version = forms.IntegerField()


class MoveForm(forms.Form):
    """What a person fills in to make a move: the part of its requirements that is not the order's
    own, and a comment where it asks for anything at all. `said` is a comment made beside it."""

    reason = forms.ChoiceField(label=_lazy("Reason"))
    recall_at = forms.DateTimeField(
        label=_lazy("Call again at"),
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": _lazy("Choose a day and a time, such as 2030-12-31 10:30.")},
    )
    comment = forms.CharField(
        label=_lazy("Comment"), max_length=MAX_COMMENT, widget=forms.Textarea({"rows": 2})
    )

    def __init__(
        self, move: statuses.Move, data: Mapping[str, Any] | None = None, *, said: str = ""
    ) -> None:
        super().__init__(data, auto_id=f"{move.key}_%s")
        self.move = move
        self.said = said
        asked = {name for name in self.fields if name in move.requires}
        offer_choices(self, "reason", [NOTHING, *statuses.reasons_for(move).items()])
        self.fields["comment"].required = "comment" in asked and not said
        for name in set(self.fields) - asked:
            if name != "comment" or not asked:
                del self.fields[name]

    def clean_recall_at(self) -> datetime:
        moment: datetime = self.cleaned_data["recall_at"]
        now = timezone.now()
        if not now < moment < now + CALL_AGAIN_WITHIN:
            raise ValidationError(_("Choose a time in the future, within a year."))
        return moment

    @property
    def answers(self) -> dict[str, Any]:
        """What `Order.move` takes beside the step; once the form is valid."""
        comments = [self.cleaned_data.get("comment"), self.said]
        return self.cleaned_data | {"comment": "\n\n".join(filter(None, comments))}


class CommentForm(forms.Form):
    text = forms.CharField(
        label=_lazy("Comment"), max_length=MAX_COMMENT, widget=forms.Textarea({"rows": 3}),
        help_text=_lazy("It is kept with the step that you choose, or by itself."),
    )  # fmt: skip

    @classmethod
    def left_in(cls, posted: Mapping[str, Any]) -> CommentForm:
        """The box as it came along with something else: it may be empty, but not wrong."""
        return cls(posted if posted.get("text", "").strip() else None)

    @property
    def said(self) -> str:
        """The comment, or "" of an empty box; once the form is valid."""
        return self.cleaned_data["text"] if self.is_bound else ""


class AssignForm(forms.Form):
    agent = _identifier(label=_lazy("Agent"))

    def __init__(self, *args: Any, by: Entry, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_choices(self, "agent", [("", _("free")), *assignable(by, "orders.assign")])
