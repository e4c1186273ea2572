"""Telephone numbers in any spelling, read as E.164 (ITU-T: "+77472937614").

There are two readers. `parse` wants the one number that an order is called by, or a reason to
refuse it. `regions_in` wants every country that a text may point to, however badly it is written:
a number is a sign of a prohibited jurisdiction (clause P2) whether or not it can be called.

Nothing here keeps a number in a cache or repeats one in a message.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import unquote

import phonenumbers
from django.utils.translation import gettext as _
from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)

from policy.countries import country_code

SHARED = 7  # the calling code of Russia and Kazakhstan
KAZAKH = ("6", "7")  # how Kazakhstan's numbers begin within +7; all others are Russia's

UNKNOWN = "ZZ"  # CLDR's code for an unknown country: satellites, numbers of no country

_EXTENSION = re.compile(
    r"[(,;]?\s*(?:ext(?:ension)?|доб(?:авочный)?|вн(?:утр)?|x|#)[\s.:=#]*\d{1,6}\)?\s*$",
    re.IGNORECASE,
)
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[eEеЕ]\+?\d{1,2}")
_FLOAT = re.compile(r"(\+?\d{7,})[.,]0+")
_WORD = re.compile(r"[^\W\d_]+")
_SEPARATOR = re.compile(r"[;,/|\n]+")
_BEFORE_PLUS = re.compile(r"(?=\+)")
_GROUP = re.compile(r"\d+")

LONGEST = 15  # digits of a number (E.164)
SHORTEST = 10  # digits of one that others follow
_GROUPS_READ = 60  # of a text: each reading takes time

# Between a number's digits: spaces of any width, signs, and what is not seen.
_NUMBER_LIKE = re.compile(
    r"\d(?:(?:[^\S\n]|[().+/~_*·•'’\u2010-\u2015\u2212\u00ad\u200b-\u200f\u2060\ufeff-])*\d){5,}"
)

# As dialled inside Russia and Kazakhstan: 8 or 7, or both by mistake, and ten digits.
_DOMESTIC = re.compile(r"(?:[78]|78|87)([3-9]\d{9})")
_BARE = re.compile(r"[3489]\d{9}")

# What is dialled before a country code where "+" is not: "8-10" in Russia, "011" in America.
_ABROAD = ("810", "011")

# Letters typed, or recognised by a scanner, for the digits they look like.
_LOOKALIKES = str.maketrans("OoОоIlІіЗзБбВB", "00001111336688")
_LOOK_LIKE_DIGITS = re.compile(r"[OoОоIlІіЗзБбВB]{1,3}")

_INVISIBLE = {"Cf", "Cc", "Mn", "Me"}


class InvalidTelephone(ValueError):
    """Not a number that could be called; the message says what would be one."""


@dataclass(frozen=True, slots=True)
class Telephone:
    """A number that can be dialled.

    `region` is its country (alpha-2, "" where it cannot be told). `valid` tells whether it lies in
    a range known to be in use; new ranges open sooner than the lists of them learn it.
    """

    e164: str
    region: str
    valid: bool


def parse(text: str, country: str = "") -> Telephone:
    """Return the number that a text spells in a country, given as a code or a name.

    Raises InvalidTelephone where digits are missing, too many, or lost by a spreadsheet.
    """
    plain = _plain(text)
    if _SCIENTIFIC.fullmatch(plain):
        raise InvalidTelephone(
            _("A spreadsheet has rounded this number. Format its column as text and enter it anew.")
        )
    hint = country_code(country)
    plain = _without_words(plain)
    number = None if _is_several(plain) else _number(plain, hint)
    if number is None or not _is_complete(number):
        raise InvalidTelephone(_what_would_be_right(hint))
    return Telephone(
        phonenumbers.format_number(number, PhoneNumberFormat.E164),
        _region(number),
        _is_kazakh(number) or phonenumbers.is_valid_number(number),
    )


def regions_in(text: str, country: str = "") -> frozenset[str]:
    """Return the countries (alpha-2) that the numbers in a text point to, also broken numbers."""
    plain = _plain(text)
    if _SCIENTIFIC.fullmatch(plain):
        plain = f"{Decimal(plain.lower().replace('е', 'e').replace(',', '.')):f}"
    plain = _without_words(plain)
    hint = country_code(country)
    numbers = (_number(reading, hint) for reading in _readings(plain, hint))
    return frozenset(_region(number) for number in numbers if number) - {""}


def region_of(e164: str) -> str:
    """Return the country (alpha-2) of a number in E.164, UNKNOWN where it cannot be told; "" for
    no number."""
    number = _international(e164.removeprefix("+")) if e164 else None
    return (_region(number) if number else "") or (UNKNOWN if e164 else "")


def home_digits(e164: str) -> list[str]:
    """Return the digits of a number without its country code: "7472937614" of "+77472937614"; and
    as they are dialled at home, where these are others: in Argentina 15 for a 9 of a mobile's."""
    number = phonenumbers.parse(e164)
    own = phonenumbers.national_significant_number(number)
    dialled = _digits(phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL))
    return [own] if own in dialled else [own, dialled.lstrip("0")]


def runs_of_digits(text: str) -> list[str]:
    """Return what may be telephones in a text, as bare ASCII digits, whether or not they are."""
    plain = "".join(map(_plain_character, unicodedata.normalize("NFKC", text)))
    return [_digits(run) for run in _NUMBER_LIKE.findall(plain)]


def with_runs_of_digits(text: str, instead: Callable[[str], str | None]) -> str:
    """Return the text with what is to stand `instead` of each run, as `runs_of_digits` has them but
    for those that something rare interrupts; None leaves it."""

    def replaced(found: re.Match[str]) -> str:
        return next((told for run in runs_of_digits(found[0]) if (told := instead(run))), found[0])

    return _NUMBER_LIKE.sub(replaced, text)


def _plain(text: str) -> str:
    """Return the text with ASCII digits and nothing invisible, without quotes and extension."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(map(_plain_character, text))
    if "%" in text:
        text = unquote(text)
    text = _EXTENSION.sub("", text.strip(" \t\r\n\"'`=‘’"))
    number = _FLOAT.fullmatch(text)
    return number[1] if number else text


def _plain_character(character: str) -> str:
    if character == "➕":
        return "+"
    if unicodedata.category(character) in _INVISIBLE and character != "\n":
        return ""
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


def _without_words(plain: str) -> str:
    """Return the text with "/" for its words, and with digits for letters that look like them."""
    return plain if plain.isdigit() else _WORD.sub(_word, plain)


def _word(match: re.Match[str]) -> str:
    word = match[0]
    if word.casefold() in ("плюс", "plus"):
        return "+"
    return word.translate(_LOOKALIKES) if _LOOK_LIKE_DIGITS.fullmatch(word) else "/"


def _readings(plain: str, hint: str) -> set[str]:
    """Return the text as one number, as several, and with a "+" in its middle left out."""
    parts = {plain, *_SEPARATOR.split(plain)}
    if _is_several(plain):
        parts.update(_BEFORE_PLUS.split(plain))
    if len(_digits(plain)) > LONGEST:
        parts.update(_in_a_row(_GROUP.findall(plain)[:_GROUPS_READ], hint))
    return parts | {part.replace("+", "") for part in parts if part.find("+") > 0}


def _in_a_row(groups: list[str], hint: str) -> Iterator[str]:
    """Yield the numbers that follow one another with nothing but spaces between them: each of as
    few groups of digits as make one that can be called."""
    begins = 0
    for stop in range(1, len(groups) + 1):
        digits = "".join(groups[begins:stop])
        number = _number(digits, hint) if SHORTEST <= len(digits) <= LONGEST else None
        if number and _is_complete(number):
            begins = stop
            yield digits


def _number(plain: str, hint: str) -> PhoneNumber | None:
    """Return the number that the digits of a text make, as they are dialled in a country."""
    before, plus, after = plain.rpartition("+")
    digits = _digits(after)
    if plus and len(digits) >= 7:
        return _international(digits)
    digits = _digits(before + after)
    if len(digits) < 5:
        return None
    if digits.startswith("00"):
        return _international(digits)
    for prefix in _ABROAD:
        if digits.startswith(prefix) and len(digits) >= len(prefix) + 10:
            return _international(digits[len(prefix) :])
    return _local(digits, hint)


def _digits(plain: str) -> str:
    return "".join(character for character in plain if "0" <= character <= "9")


def _international(digits: str) -> PhoneNumber | None:
    """Return the number of digits that begin with a country code."""
    digits = digits.lstrip("0")
    domestic = _DOMESTIC.fullmatch(digits)
    if digits.startswith("7"):
        return _of_shared(domestic[1] if domestic else digits[1:])
    number = _parsed("+" + digits)
    if number and phonenumbers.is_valid_number(number):
        return number
    if domestic:  # "+8 916 ...": the 8 for calls at home after the + for calls abroad
        return _of_shared(domestic[1])
    return _bare(digits) or number


def _local(digits: str, hint: str) -> PhoneNumber | None:
    """Return the number of digits without a sign that a country code is among them.

    Where they could be the hinted country's and Russia's or Kazakhstan's, they are taken for the
    former only if people there write them so: a trunk prefix left out is the rarer mistake.
    """
    possible = _parsed(digits, hint) if hint else None
    own = possible if possible and phonenumbers.is_valid_number(possible) else None
    domestic = _DOMESTIC.fullmatch(digits)
    if domestic and not (own and _is_written_so(own, digits)):
        return _of_shared(domestic[1])
    return own or _bare(digits) or _possible(possible) or _possible(_parsed("+" + digits))


def _bare(digits: str) -> PhoneNumber | None:
    """Return ten digits as a Russian number without its 7 or 8, if they may be one."""
    number = _of_shared(digits) if _BARE.fullmatch(digits) else None
    if number and (digits.startswith("9") or phonenumbers.is_valid_number(number)):
        return number
    return None


def _of_shared(national: str) -> PhoneNumber | None:
    return PhoneNumber(SHARED, int(national)) if national else None


def _parsed(digits: str, region: str | None = None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(digits, region)
    except NumberParseException:
        return None


def _possible(number: PhoneNumber | None) -> PhoneNumber | None:
    return number if number and phonenumbers.is_possible_number(number) else None


def _is_several(plain: str) -> bool:
    return any(len(_digits(before)) >= 5 for before in plain.split("+")[:-1])


def _is_complete(number: PhoneNumber) -> bool:
    """Tell whether a number is as long as those that people are called by, whatever its range."""
    return phonenumbers.is_valid_number(number) or any(
        phonenumbers.is_possible_number_for_type_with_reason(number, kind)
        == ValidationResult.IS_POSSIBLE
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
    )


def _is_written_so(number: PhoneNumber, digits: str) -> bool:
    """Tell whether these are the digits by which people dial the number, at home or abroad."""
    forms = (PhoneNumberFormat.NATIONAL, PhoneNumberFormat.E164)
    return any(_digits(phonenumbers.format_number(number, form)) == digits for form in forms)


def _is_kazakh(number: PhoneNumber) -> bool:
    return number.country_code == SHARED and str(number.national_number).startswith(KAZAKH)


def _region(number: PhoneNumber) -> str:
    """Return the number's country; for one in no known range, the main country of its code."""
    if number.country_code == SHARED:
        return "KZ" if _is_kazakh(number) else "RU"
    region = phonenumbers.region_code_for_number(number)
    if region is None and number.country_code:
        region = phonenumbers.region_code_for_country_code(number.country_code)
    return region if region and region.isalpha() and region != "ZZ" else ""


def _what_would_be_right(hint: str) -> str:
    example = hint and phonenumbers.example_number_for_type(hint, PhoneNumberType.MOBILE)
    if not example:
        return _("Write the telephone with + and its country code, such as +44 20 7946 0958.")
    spelled = phonenumbers.format_number(example, PhoneNumberFormat.INTERNATIONAL)
    return _("Write the telephone in full, such as %(example)s.") % {"example": spelled}
