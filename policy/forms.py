"""Accepting a version, and writing, approving and publishing one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core import signing
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from accounts.gate import Entry
from policy import coverage
from policy.bundled import PLACEHOLDER
from policy.countries import country_code, listed, named
from policy.drafts import AHEAD
from policy.jurisdictions import judge
from policy.models import Draft, Jurisdiction, PolicyText, PolicyVersion
from policy.revisions import NotNew, refuse_unchanged

OPEN_FOR = timedelta(days=1)  # how long a form may stand open before it is shown anew
SALT = "policy.shown"
CHARACTERS = 200_000
NOTHING: Final = ("", "—")
SEPARATORS: Final = re.compile(r"[,;\n]")


def _countries() -> list[tuple[str, str]]:
    return [NOTHING, *named()]


class CountryField(forms.ChoiceField):
    """A country from the list; also taken are its other codes and names, as programs send them."""

    LONGEST: Final = 100
    default_error_messages = {"invalid_choice": _("Choose a country from the list.")}

    def __init__(self, *, required: bool = False, **kwargs: Any) -> None:
        super().__init__(choices=_countries, required=required, **kwargs)

    def to_python(self, value: Any) -> str:
        text = super().to_python(value).strip()
        return (country_code(text) if len(text) <= self.LONGEST else "") or text


class CountriesField(forms.CharField):
    """Several countries, by name or code, with commas between; their codes, each once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=10_000, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else listed(value or ())

    def to_python(self, value: Any) -> Any:
        parts = [part.strip() for part in SEPARATORS.split(super().to_python(value) or "")]
        codes = {part: country_code(part) for part in parts if part}
        if unknown := [part for part, code in codes.items() if not code]:
            raise forms.ValidationError(
                _("No country is known by this name: %(name)s."), params={"name": unknown[0][:60]}
            )
        return sorted(set(codes.values()))


class AcceptanceForm(forms.Form):
    """One document to accept. `shown_at` is signed together with what was shown to whom, so that
    the evidence does not rest on hidden fields."""

    agree = forms.BooleanField(label=_("I have read this and accept it"))
    version = forms.UUIDField(widget=forms.HiddenInput)
    hash = forms.CharField(widget=forms.HiddenInput, max_length=64)
    language = forms.CharField(widget=forms.HiddenInput, max_length=8)
    shown_at = forms.CharField(widget=forms.HiddenInput, max_length=500)

    def __init__(self, *args: Any, user_id: int, **kwargs: Any) -> None:
        self.user_id = user_id
        super().__init__(*args, **kwargs)

    @classmethod
    def showing(cls, text: PolicyText, *, kind: str, user_id: int, at: datetime) -> AcceptanceForm:
        """The form under a text that is shown at this moment. Its prefix is the policy's kind."""
        shown = [str(text.version_id), text.hash, text.language]
        return cls(
            prefix=kind,
            user_id=user_id,
            initial={
                **dict(zip(("version", "hash", "language"), shown, strict=True)),
                "shown_at": signing.dumps([user_id, *shown, at.isoformat()], salt=SALT),
            },
        )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        shown = [str(given.get(name)) for name in ("version", "hash", "language")]
        try:
            signed = signing.loads(given.get("shown_at", ""), salt=SALT, max_age=OPEN_FOR)
        except signing.BadSignature:
            signed = None
        if not signed or signed[:-1] != [self.user_id, *shown]:
            raise forms.ValidationError(
                _("This page stood open for too long, or was changed on its way. Read it again."),
                code="stale",
            )
        return {**given, "shown_at": datetime.fromisoformat(signed[-1])}


def _not_far_ahead(moment: datetime) -> None:
    if moment > timezone.now() + AHEAD:
        raise forms.ValidationError(_("Choose a moment within a year from now."))


class DraftForm(forms.Form):
    """What is being written of a new version, complete or not: a text and a summary for each of the
    site's languages. `seal` is the draft's that the page showed."""

    seal = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)
    material = forms.BooleanField(
        label=_("Ask everybody to accept it"),
        help_text=_("Leave it out only for a correction that changes no promise."),
        required=False,
        initial=True,
    )
    effective_at = forms.DateTimeField(
        label=_("In force from"),
        required=False,
        validators=[_not_far_ahead],
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(
        self,
        *args: Any,
        latest: PolicyVersion | None,
        texts: dict[str, str],
        draft: Draft | None = None,
        **kwargs: Any,
    ) -> None:
        """`texts` is what to start from without a `draft`, by language: those of `latest`, where
        there is one."""
        super().__init__(*args, **kwargs)
        self.latest = latest
        self.published = texts if latest else {}
        if draft:
            texts = draft.texts
            self.initial = {name: getattr(draft, name) for name in ("seal", *Draft.WRITTEN)}
        self.fields["effective_at"].help_text = _("Empty: at once. The time zone is %(zone)s.") % {
            "zone": timezone.get_current_timezone_name()
        }
        for language, name in settings.LANGUAGES:
            self.fields[f"body_{language}"] = forms.CharField(
                label=_("Text in Markdown: %(language)s") % {"language": name},
                widget=forms.Textarea({"rows": 24, "lang": language}),
                max_length=CHARACTERS,
                required=False,
                help_text=_("In one language at least, and in each that was published before."),
                initial=texts.get(language, ""),
            )
            self.fields[f"summary_{language}"] = forms.CharField(
                label=_("What changed: %(language)s") % {"language": name},
                widget=forms.Textarea({"rows": 3, "lang": language}),
                max_length=2_000,
                required=False,
                help_text=_(
                    "In a sentence or two: whoever is asked to accept reads it first. Left empty, "
                    "they see the marked passages alone."
                ),
                initial=draft.summaries.get(language, "") if draft else "",
            )
        self.order_fields([name for name in self.fields if name[:4] in ("body", "summ")])

    def offer_countries(self, met: Iterable[str]) -> None:
        """Ask which countries it covers; `met` are those to start from where none was declared."""
        self.fields["countries"] = CountriesField(
            label=_("Countries it covers"),
            help_text=_(
                "Whose citizens your customers and employees are. Names or codes, with commas "
                "between. They are published with the version, and filled in for [[countries]]."
            ),
            initial=self.latest.countries if self.latest else sorted(met),
        )
        self.order_fields(["countries"])

    def of_each_language(self, name: str) -> dict[str, str]:
        """What was given in the fields called `name`, by language, where anything was."""
        given = {
            code: self.cleaned_data.get(f"{name}_{code}") for code, _name in settings.LANGUAGES
        }
        return {code: text for code, text in given.items() if text}

    def written(self) -> dict[str, Any]:
        """What a draft keeps of it (`Draft.WRITTEN`)."""
        return {
            "texts": self.of_each_language("body"),
            "summaries": self.of_each_language("summary"),
            "material": self.cleaned_data["material"],
            "effective_at": self.cleaned_data["effective_at"],
            "countries": self.cleaned_data.get("countries", []),
        }


class PublicationForm(DraftForm):
    """The same, as it may be published."""

    def clean_effective_at(self) -> datetime | None:
        """A moment that has passed is now: nothing comes into force before it is published."""
        moment: datetime | None = self.cleaned_data["effective_at"]
        if self.latest and (moment or timezone.now()) < self.latest.effective_at:
            raise forms.ValidationError(
                _("Version %(number)s comes into force later; this one cannot overtake it."),
                params={"number": self.latest.number},
            )
        return moment

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        texts = self.of_each_language("body")
        if not texts:
            raise forms.ValidationError(_("Give the text in one language at least."))
        countries = given.get("countries")
        for language, body in texts.items():
            if countries:
                with translation.override(language):
                    body = body.replace("[[countries]]", listed(countries))
                given[f"body_{language}"] = texts[language] = body
            if blank := PLACEHOLDER.search(body):
                self.add_error(
                    f"body_{language}",
                    _("%(blank)s still waits to be filled in.") % {"blank": blank[0]},
                )
        if self.latest and countries and countries != self.latest.countries:
            return given
        try:
            refuse_unchanged(texts, self.published)
        except NotNew as refusal:
            for language, reason in refusal.reasons.items():
                self.add_error(f"body_{language}", reason)
        return given


class CitizenshipForm(forms.Form):
    """A member's own country, or none said."""

    citizenship = CountryField(label=_("Citizenship"))

    def __init__(self, *args: Any, by: Entry, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by

    def clean_citizenship(self) -> str:
        code: str = self.cleaned_data["citizenship"]
        verdict = judge(citizenship=code, prohibited=Jurisdiction.objects.prohibited())
        refusal = verdict if verdict.prohibited else coverage.of(self.by).refusal(citizenship=code)
        if refusal:
            raise forms.ValidationError(refusal.message)
        return code


def _reason() -> forms.CharField:
    return forms.CharField(label=_("Reason"), max_length=500)


class ProhibitionForm(forms.Form):
    """A country that goes on the operator's list."""

    country = CountryField(label=_("Country"), required=True)
    reason = _reason()


class CounterForm(forms.Form):
    """Which counter of Yandex.Metrika's counts the external pages."""

    number = forms.IntegerField(
        label=_("Number of the counter"),
        help_text=_("Leave it empty to switch it off."),
        required=False,
        min_value=1,
        max_value=10**12,
    )


class LiftingForm(forms.Form):
    """Why a country is taken off the list; each has a form of its own on the one page."""

    reason = _reason()

    def __init__(self, prohibition: Jurisdiction, data: Any = None) -> None:
        self.code = prohibition.code
        super().__init__(data, prefix=self.code)
