"""What is typed in to set a webhook."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from accounts.gate import Entry
from accounts.models import Partner
from accounts.names import by_name


class WebhookForm(forms.Form):
    """Where a partner's server is told of its leads."""

    fields: dict[str, Any]
    partner = forms.ChoiceField(label=_lazy("Partner"))
    url = forms.URLField(
        label=_lazy("Address"),
        max_length=500,
        assume_scheme="https",
        help_text=_lazy("Such as https://partner.example/covenant; a public server, with HTTPS."),
    )

    def __init__(self, *args: Any, by: Entry, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        partners = Partner.objects.filter(company_id=by.company_id)
        self.partners = {str(partner.id): partner for partner in partners}
        named = [(key, partner.name) for key, partner in self.partners.items()]
        self.fields["partner"].choices = by_name(named)

    def clean_partner(self) -> Partner:
        return self.partners[self.cleaned_data["partner"]]

    def clean_url(self) -> str:
        """Whether its name leads to a public address is judged at each call (`crmsite.calls`)."""
        url: str = self.cleaned_data["url"]
        parts = urlsplit(url)
        if parts.scheme != "https" and not settings.WEBHOOKS_TO_LOOPBACK:
            raise ValidationError(_("Write an address that begins with https://."))
        if parts.username is not None or parts.fragment:
            raise ValidationError(_("Leave out names, passwords and what follows “#”."))
        return url
