"""The buyer: the one place where personal data is in the clear, and the hashes it is found by.

A `Person` is stored sealed (`orders.sealing`) and never shows itself in a repr, a log or an error.
Search goes by equality of keyed hashes, so that a stolen index is of no use (clause D2).
"""

import hmac
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from policy.telephones import InvalidTelephone, parse

Kind = Literal["phone", "phone_end", "email", "name"]

HASH_BYTES = 16
PHONE_ENDS = (4, 7)  # by how many last digits a number is also found
BEGINNINGS = range(3, 9)  # by how many first letters a word of the name is also found

_E164 = re.compile(r"\+[1-9]\d{4,14}")
_EMAIL = re.compile(r"[^\s,;<>()]+@[^\s,;<>()]+")
_PHONE = re.compile(r"(?<!\w)[+(]*\d(?:[\s().+~-]*\d){3,}(?!\w)")
_WORD = re.compile(r"\w+")


class Term(NamedTuple):
    """A 16-byte keyed hash to find a person by; its kind is hashed in, and told for columns."""

    kind: Kind
    hash: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """A buyer. `phone` is E.164 or ""; `comment` is the buyer's wish; `extra` what a shop adds.

    Country and citizenship are columns of the order: rules apply to them, so they are not sealed.
    """

    name: str = ""
    phone: str = ""
    email: str = ""
    address: str = ""
    city: str = ""
    comment: str = ""
    extra: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.phone and not _E164.fullmatch(self.phone):
            raise ValueError("A person's telephone is E.164: policy.telephones.parse gives it.")

    def __repr__(self) -> str:
        return "<Person>"

    def to_bytes(self) -> bytes:
        """Return the fields that are filled, as compact JSON in UTF-8."""
        filled = {name: value for name, value in asdict(self).items() if value}
        return json.dumps(filled, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Person":
        """Return the person that `to_bytes` wrote; ValueError, without the data, for others."""
        try:
            return cls(**json.loads(data))
        except (ValueError, TypeError):
            raise ValueError("These bytes are not a person.") from None

    @property
    def masked_phone(self) -> str:
        """The number for those who may not see it whole: "+40 ••• ••• 643"."""
        if not self.phone:
            return ""
        code = _calling_code(self.phone)
        national = self.phone[len(code) :]
        hidden = max(len(national) - 3, 0)
        groups = ["•" * min(3, hidden - start) for start in range(0, hidden, 3)]
        return " ".join([code, *groups, national[hidden:]])


def search_hashes(person: Person, index_key: bytes) -> set[Term]:
    """Return all that a person can be found by; `index_key` is their company's."""
    return {_term(kind, value, index_key) for kind, value in _searchable(person)}


def query_hashes(text: str, index_key: bytes, default_region: str = "") -> list[Term]:
    """Return the terms that must all match for what was typed into a search box.

    Understood are e-mail addresses, telephones in any spelling (at home in `default_region`), their
    last four or more digits, and words of the name or their beginnings of three letters and more.
    An empty list means that there is nothing to search for, and matches nobody.
    """
    text = _folded(text)
    emails, text = _taken(_EMAIL, text)
    phones, text = _taken(_PHONE, text)
    wanted: list[tuple[Kind, str]] = [("email", email) for email in emails]
    wanted += [_wanted_phone(phone, default_region) for phone in phones]
    wanted += [("name", word) for word in _WORD.findall(text)]
    return [_term(kind, value, index_key) for kind, value in dict.fromkeys(wanted)]


def phone_hash(phone: str, index_key: bytes) -> bytes | None:
    """Return the hash by which orders of the same E.164 number are found; None without one."""
    return _term("phone", phone, index_key).hash if phone else None


def _searchable(person: Person) -> Iterator[tuple[Kind, str]]:
    if person.phone:
        yield "phone", person.phone
        yield from (("phone_end", person.phone[-count:]) for count in PHONE_ENDS)
    if person.email:
        yield "email", _folded(person.email)
    for word in _WORD.findall(_folded(person.name)):
        yield "name", word
        yield from (("name", word[:count]) for count in BEGINNINGS if count < len(word))


def _wanted_phone(typed: str, region: str) -> tuple[Kind, str]:
    """Return the whole number where what was typed is one, otherwise its last digits."""
    try:
        number = parse(typed, region)
    except InvalidTelephone:
        number = None
    if number and number.valid:
        return "phone", number.e164
    digits = re.sub(r"\D", "", typed)
    count = max(count for count in PHONE_ENDS if count <= len(digits))
    return "phone_end", digits[-count:]


def _taken(pattern: re.Pattern[str], text: str) -> tuple[list[str], str]:
    """Return what the pattern finds, and the text without it."""
    return pattern.findall(text), pattern.sub(" ", text)


def _folded(text: str) -> str:
    """Return the text as it is compared: compatibility forms, case and ё made one."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.strip().replace("ё", "е")


def _calling_code(phone: str) -> str:
    """Return "+40" of "+40723123643": no calling code begins another (ITU-T E.164), so that no
    parsing is needed, which for a page of orders would take as long as all the rest."""
    for end in (2, 3, 4):
        if int(phone[1:end]) in COUNTRY_CODE_TO_REGION_CODE:
            return phone[:end]
    return phone[:2]


def _term(kind: Kind, value: str, index_key: bytes) -> Term:
    digest = hmac.digest(index_key, f"{kind}\0{value}".encode(), "sha256")
    return Term(kind, digest[:HASH_BYTES])
