"""Whose personal data must not be processed here: how the operator's list is applied.

Clause P2: applied before anything is stored, on citizenship, country and telephone number. What is
prohibited leaves a count and nothing else (`policy.refusals`), so a verdict on it repeats nothing
of what was judged. The list itself is `policy.prohibitions`; whoever judges reads it once, and
hands it on.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policy.countries import countries_among, countries_in, country_name
from policy.telephones import InvalidTelephone, parse, regions_in

Sign = Literal["", "citizenship", "country", "phone"]

_SIGNS: dict[Sign, str | Promise] = {
    "citizenship": gettext_lazy("the citizenship"),
    "country": gettext_lazy("the country"),
    "phone": gettext_lazy("the telephone number"),
}
# Nobody is told to name a false citizenship: the buyer's own, if it is none of the prohibited.
_WAYS_OUT: dict[Sign, str | Promise] = {
    "citizenship": gettext_lazy("Correct the citizenship if it was a slip."),
    "country": gettext_lazy("Choose the right country if it was a slip."),
    "phone": gettext_lazy(
        "Enter another number, or state the buyer's citizenship if it is another country's."
    ),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a person before anything was stored.

    `sign` is the field that decided, "" where the person is allowed. `country` and `citizenship`
    are alpha-2 codes to store and `phone` is E.164, "" where none was given, and where the person
    is not allowed. `advice` says what would be a telephone, where that was invalid.
    """

    outcome: Literal["allowed", "prohibited", "invalid", "uncovered"]
    sign: Sign = ""
    jurisdiction: str = ""
    country: str = ""
    citizenship: str = ""
    phone: str = ""
    advice: str = ""

    @property
    def allowed(self) -> bool:
        return self.outcome == "allowed"

    @property
    def prohibited(self) -> bool:
        """True where nothing of the input may be kept, not even among an import's refused rows."""
        return self.outcome == "prohibited"

    @property
    def message(self) -> str:
        """Say which rule refused, and what would satisfy it; "" for the allowed."""
        if self.allowed:
            return ""
        if self.advice:
            return self.advice
        if self.outcome == "uncovered":
            return _(
                "Clause P1: your company's policy does not cover %(country)s, and the company "
                "refuses what it does not cover."
            ) % {"country": country_name(self.jurisdiction)}
        if not self.prohibited:
            return _("Name %(sign)s by its ISO code or its name, such as KZ or Kazakhstan.") % {
                "sign": _SIGNS[self.sign]
            }
        return f"{self.rule} {self.way_out}"

    @property
    def rule(self) -> str:
        """The rule that a prohibition is of."""
        return _("Clause P2: no personal data from %(jurisdiction)s; %(sign)s points there.") % {
            "jurisdiction": country_name(self.jurisdiction),
            "sign": _SIGNS[self.sign],
        }

    @property
    def way_out(self) -> str:
        """What would satisfy the clause, if anything would."""
        return str(_WAYS_OUT[self.sign])


def screen(
    *,
    prohibited: Collection[str],
    country: str = "",
    citizenship: str = "",
    phone: str = "",
    home: str = "",
) -> Verdict:
    """What was said of a person, judged and then read: the one door before anything is stored, for
    forms and the API alike. An invalid telephone is refused as that, once nobody is prohibited.
    Where no country is named, a number without its code is dialled in the country `home`."""
    verdict = judge(country=country, citizenship=citizenship, phone=phone, prohibited=prohibited)
    if not verdict.allowed:
        return verdict
    return read_telephone(phone, verdict, home=home, prohibited=prohibited)


def read_telephone(
    phone: str, verdict: Verdict, *, home: str = "", prohibited: Collection[str]
) -> Verdict:
    """The verdict with the number that can be called, or what is wrong with it."""
    if not phone:
        return verdict
    try:
        telephone = parse(phone, verdict.country or home)
    except InvalidTelephone as error:
        return Verdict("invalid", "phone", advice=str(error))
    if telephone.region in prohibited and not verdict.citizenship:
        return Verdict("prohibited", "phone", telephone.region)
    return replace(verdict, phone=telephone.e164)


def judge(
    *, prohibited: Collection[str], country: str = "", citizenship: str = "", phone: str = ""
) -> Verdict:
    """Judge a person by what is said of them; a sign of prohibition comes before a spelling error.

    `country` is where they live or are sent to; `prohibited` holds alpha-2 codes. A telephone
    number is only a sign, which a known, declared and permitted citizenship outweighs.
    """
    citizenships, countries = countries_in(citizenship), countries_in(country)
    signs: list[tuple[Sign, Collection[str]]] = [
        ("citizenship", citizenships or countries_among(citizenship)),
        ("country", countries or countries_among(country)),
    ]
    if phone and not citizenships:
        signs.append(("phone", regions_in(phone, next(iter(countries), ""))))
    for sign, codes in signs:
        found = [code for code in codes if code in prohibited]
        if found:
            return Verdict("prohibited", sign, found[0])
    if unclear := _unclear(citizenship, country):
        return unclear[0]
    return Verdict(
        "allowed", country=next(iter(countries), ""), citizenship=next(iter(citizenships), "")
    )


def judge_stored(
    *, country: str, citizenship: str, phone_country: str, prohibited: Collection[str]
) -> Verdict:
    """The same of an order that is stored, by its codes: the list may have grown since."""
    signs: dict[Sign, str] = {"citizenship": citizenship, "country": country}
    if not citizenship:
        signs["phone"] = phone_country
    return next(
        (Verdict("prohibited", sign, code) for sign, code in signs.items() if code in prohibited),
        Verdict("allowed", country=country, citizenship=citizenship),
    )


def misread(*, country: str = "", citizenship: str = "", phone: str = "") -> list[Verdict]:
    """All that cannot be read of what was said of a person; whom the list keeps out is not asked. A
    number may want its country, so beside one that cannot be read it is not judged."""
    unclear = _unclear(citizenship, country)
    if any(verdict.sign == "country" for verdict in unclear):
        return unclear
    living = Verdict("allowed", country=next(iter(countries_in(country)), ""))
    number = read_telephone(phone, living, prohibited=())
    return unclear if number.allowed else [*unclear, number]


def _unclear(citizenship: str, country: str) -> list[Verdict]:
    said: list[tuple[Sign, str]] = [("citizenship", citizenship), ("country", country)]
    return [
        Verdict("invalid", sign) for sign, text in said if text.strip() and not countries_in(text)
    ]
