"""What an operator types in to enter a request of an authority, and to refuse it."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Company
from policy.disclosures import MOST_ORDERS

MOST_BYTES: Final = 10 * 1024 * 1024  # of a document
NUMBER: Final = re.compile(r"[1-9]\d{0,17}")


class DisclosureForm(forms.Form):
    fields: dict[str, Any]
    company = forms.ChoiceField(label=_("Company"))
    authority = forms.CharField(label=_("Authority"), max_length=200)
    legal_basis = forms.CharField(
        label=_("Legal basis"),
        max_length=500,
        help_text=_("The provision that obliges, word for word as the document names it."),
    )
    orders = forms.CharField(
        label=_("Numbers of the orders"),
        max_length=20_000,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("Each by its number in the company, with spaces or commas between."),
    )
    document = forms.FileField(label=_("The document"), max_length=200)
    secret_until = forms.DateField(
        label=_("Secret until"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Only where a law forbids telling the company. It is told on that day."),
    )
    secrecy_ground = forms.CharField(
        label=_("Legal ground of the secrecy"), max_length=500, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        companies = Company.objects.order_by("name").values_list("pk", "name", "slug")
        self.fields["company"].choices = [
            ("", "—"),
            *((str(pk), f"{name} ({slug})") for pk, name, slug in companies),
        ]

    def clean_orders(self) -> list[int]:
        words = re.split(r"[\s,;]+", self.cleaned_data["orders"].strip(" ,;\n\r\t"))
        wrong = [word for word in words if not NUMBER.fullmatch(word)]
        if wrong:
            raise forms.ValidationError(
                _("“%(word)s” is no order's number."), params={"word": wrong[0][:40]}
            )
        numbers = sorted({int(word) for word in words})
        if len(numbers) > MOST_ORDERS:
            raise forms.ValidationError(
                _("At most %(most)s orders in one request."), params={"most": MOST_ORDERS}
            )
        return numbers

    def clean_document(self) -> bytes:
        document = self.cleaned_data["document"]
        if document.size > MOST_BYTES:
            raise forms.ValidationError(_("At most 10 MiB."))
        content: bytes = document.read()
        return content

    def clean_secret_until(self) -> datetime | None:
        """The beginning of that day, in the time zone that the page says."""
        day = self.cleaned_data["secret_until"]
        if not day:
            return None
        if day < timezone.localdate() + timedelta(days=1):
            raise forms.ValidationError(_("A day to come."))
        return timezone.make_aware(datetime.combine(day, time.min))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        until, ground = given.get("secret_until"), given.get("secrecy_ground")
        if until and not ground:
            self.add_error("secrecy_ground", _("Name the law that forbids telling the company."))
        if ground and not until and "secret_until" not in self.errors:
            self.add_error("secret_until", _("Say when the secrecy ends: it has an end."))
        return given


class RefusalForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=500)
