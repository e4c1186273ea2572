"""Amounts as people and shops write them, and as they are shown: always Decimal, never float."""

import re
import unicodedata
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from babel import Locale
from babel.numbers import format_currency, get_currency_precision, get_territory_currencies
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

MAX_DIGITS = 12  # before the decimal mark: as many as an order's total holds

# Signs of one currency alone: "$" and "kr" are several countries'.
_SIGNS = {"₸": "KZT", "₽": "RUB", "€": "EUR", "₴": "UAH", "₺": "TRY", "₾": "GEL", "֏": "AMD",
          "₼": "AZN", "₹": "INR", "₫": "VND", "₪": "ILS"}  # fmt: skip

_CODE = re.compile(r"(?<![^\W\d_])[A-Za-z]{3}(?![^\W\d_])")
_TOUCHING = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_FIGURES = re.compile(r"\d(?:[\d., ]*\d)?")
_UNIT = re.compile(r"[^\W\d_]+\.?|[^\w.,+-]")
_AFTER = {"", "-", ",-", ".-"}  # "49,-" is how a price without cents is written
_GROUPED = re.compile(r"\d+|\d{1,3}([., ])\d{3}(?:\1\d{3})*|\d{1,2}(?:,\d{2})+,\d{3}")
_PLAIN = str.maketrans({"−": "-", "'": " ", "’": " ", "٫": ".", "٬": ","})


class InvalidAmount(ValueError):
    """Not one amount; the message says what would be."""


def parse_amount(text: str, currency: str = "") -> Decimal:
    """Return the amount in "12 990,00", "1.234,56", "1,234.56", "49,5" or "₸8900".

    Where one mark stands before three digits, as in "1,234", it groups thousands, unless the
    currency has three decimals. Raises InvalidAmount for what is no single number.
    """
    plain = _plain(text)
    figures = _FIGURES.search(plain)
    if not figures:
        raise InvalidAmount(_("Write an amount in digits, such as 12990.00."))
    sign = _UNIT.sub("", plain[: figures.start()])
    after = _UNIT.sub("", plain[figures.end() :])
    whole, decimals = _split(figures[0], currency)
    if sign not in ("", "+", "-") or after not in _AFTER or not _GROUPED.fullmatch(whole):
        raise InvalidAmount(_("Write one amount, such as 12 990,00 or 12990.00."))
    digits = re.sub(r"\D", "", whole)
    if len(digits.lstrip("0")) > MAX_DIGITS:
        raise InvalidAmount(_("This amount is too large: it has more than 12 digits."))
    return Decimal(f"{sign}{digits}.{decimals}" if decimals else f"{sign}{digits}")


def currency_in(text: str) -> str:
    """Return the ISO 4217 code that an amount is written with, as code or sign; "" if unclear."""
    codes = {_SIGNS[character] for character in text if character in _SIGNS}
    codes |= {code.upper() for code in _CODE.findall(text)} & currencies().keys()
    return codes.pop() if len(codes) == 1 else ""


@cache
def currencies(locale: str = "en") -> dict[str, str]:
    """Return code -> name of the currencies that are legal tender somewhere today, by code."""
    territories = [str(code) for code in Locale("en").territories]
    codes = {
        code
        for territory in territories
        if len(territory) == 2
        for code in get_territory_currencies(territory)
    }
    names = Locale.parse(locale).currencies
    return {code: names.get(code, code) for code in sorted(codes)}


def readers_locale() -> str:
    return to_locale(get_language() or "en")


def format_amount(amount: Decimal, currency: str, locale: str = "") -> str:
    """Return the amount as the reader's language writes it: "12 990,00 ₸", "€49.50". `locale` is
    `readers_locale`, where there are many."""
    locale = locale or readers_locale()
    style = _style(currency, locale)
    if style is None or amount < 0:
        return _spelled(amount, currency, locale)
    return style.write(amount)


def _spelled(amount: Decimal, currency: str, locale: str) -> str:
    """As Babel has it, with the space between letters and figures that CLDR asks for
    (`currencySpacing`) and Babel leaves out: "RON 49.50"."""
    return _TOUCHING.sub("\u00a0", format_currency(amount, currency, locale=locale))


class _Style(NamedTuple):
    """How a language writes a currency's amounts. Babel takes 190 microseconds for each amount,
    ten milliseconds for a page of orders; following what it wrote once takes one."""

    before: str
    after: str
    decimals: int
    marks: dict[int, str]

    def write(self, amount: Decimal) -> str:
        return f"{self.before}{amount:,.{self.decimals}f}".translate(self.marks) + self.after


@cache
def _style(currency: str, locale: str) -> _Style | None:
    """The style, or None where amounts of all sizes are not written alike."""
    written = _spelled(Decimal(1), currency, locale)
    symbols = Locale.parse(locale).number_symbols["latn"]
    found = re.fullmatch(r"(\D*)1(?:\D(0+))?(\D*)", written)
    if not found:
        return None
    marks = {ord(","): symbols["group"], ord("."): symbols["decimal"]}
    style = _Style(found[1], found[3], len(found[2] or ""), marks)
    samples = map(Decimal, ("0", "0.5", "1234.56", "12345.6", "1234567.89"))
    alike = all(style.write(n) == _spelled(n, currency, locale) for n in samples)
    return style if alike else None


def _plain(text: str) -> str:
    """Return the text with ASCII digits, ordinary spaces and marks, nothing invisible."""
    text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    return "".join(
        str(unicodedata.decimal(character, character))
        for character in text
        if unicodedata.category(character) != "Cf"
    )


def _split(figures: str, currency: str) -> tuple[str, str]:
    """Return what stands before the decimal mark, its grouping kept, and what stands after."""
    mark = max(".,", key=figures.rfind)
    whole, _mark, decimals = figures.rpartition(mark)
    if not whole or not decimals.isdigit() or mark in whole:
        return figures, ""
    groups = re.fullmatch(r"[1-9]\d{0,2}", whole) and len(decimals) == 3
    if groups and _decimals_of(currency) < 3:
        return figures, ""
    return whole, decimals


def _decimals_of(currency: str) -> int:
    return get_currency_precision(currency) if currency else 2
