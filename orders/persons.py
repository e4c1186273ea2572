"""The buyer: the one place where personal data is in the clear, and the hashes it is found by.

A `Person` is stored sealed (`orders.sealing`) and never shows itself in a repr, a log or an error.
Search goes by equality of keyed hashes, so that a stolen index is of no use (clause D2).
"""

import hmac
import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from policy.telephones import InvalidTelephone, parse

Kind = Literal["phone", "phone_end", "email", "name"]

HASH_BYTES = 16
PHONE_ENDS = (4, 7)  # by how many last digits a number is also found
BEGINNINGS = range(3, 9)  # by how many first letters a word of the name is also found

HIDDEN = "•••"

_E164 = re.compile(r"\+[1-9]\d{4,14}")
_EMAIL = re.compile(r"[^\s,;<>()]+@[^\s,;<>()]+")
_EMAIL_IN_TEXT = re.compile(r"[^\s,;:<>()\[\]{}\"'\\]+@[\w.-]*\w")
_PHONE = re.compile(r"(?<!\w)[+(]*\d(?:[\s().+~-]*\d){3,}(?!\w)")
_WORD = re.compile(r"\w+")
# Accents of Latin, Greek and Cyrillic letters, but for the one that makes й of и.
_ACCENT = re.compile(r"(?<!и)\u0306|[\u0300-\u0305\u0307-\u036f]")
_UNDECOMPOSED = str.maketrans("łøđı", "lodi")


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

    def glimpse(self, fields: Collection[str]) -> "Glimpse":
        """Return the person with nothing to be read but these (`accounts.access.FIELDS`), and the
        telephone's last digits. What is hidden can be seen to be there: a move asks for it."""

        def seen(text: str, field: str) -> str:
            return text if field in fields else text and HIDDEN

        return Glimpse(
            name=seen(self.name, "name"),
            phone=self.phone if "telephone" in fields else self.masked_phone,
            email=seen(self.email, "email"),
            address=seen(self.address, "address"),
            city=seen(self.city, "address"),
            comment=seen(self.comment, "notes"),
            extra=self.extra if "notes" in fields else {},
        )

    @property
    def masked_phone(self) -> str:
        """The number for those who may not see it whole: "+40 ••• ••• 643"."""
        return _masked(self.phone)


@dataclass(frozen=True, slots=True, repr=False)
class Glimpse(Person):
    """A person of whom some is hidden: to be shown, and never to be sealed again."""

    def __post_init__(self) -> None:
        """Its telephone may be masked."""

    def to_bytes(self) -> bytes:
        raise TypeError("Of this person some is hidden: what is not seen is not kept.")

    @property
    def masked_phone(self) -> str:
        return _masked(self.phone) if _E164.fullmatch(self.phone) else self.phone


def search_hashes(person: Person, index_key: bytes) -> set[Term]:
    """Return all that a person can be found by; `index_key` is their company's."""
    return {_term(kind, value, index_key) for kind, value in _searchable(person)}


def query_hashes(
    text: str, index_key: bytes, default_region: str = "", *, phone_ends: bool = True
) -> list[list[Term]]:
    """Return what must match for what was typed into a search box: of each list, one term.

    Understood are e-mail addresses, telephones in any spelling (at home in `default_region`), with
    `phone_ends` their last four or more digits, and words of the name or their beginnings of three
    letters and more; shorter ones count only where there is nothing else. An empty list means
    that there is nothing to search for, and matches nobody; so does an empty list in it.
    """
    emails, text = _taken(_EMAIL, _compared(text))
    phones, text = _taken(_PHONE, text)
    wanted: list[list[tuple[Kind, str]]] = [[("email", email)] for email in emails]
    wanted += [_wanted_phone(phone, default_region, ends=phone_ends) for phone in phones]
    words = _WORD.findall(text)
    long = [word for word in words if len(word) >= BEGINNINGS.start]
    wanted += [_wanted_name(word) for word in (long if long or wanted else words)]
    return [[_term(kind, value, index_key) for kind, value in each] for each in wanted]


def phone_hash(phone: str, index_key: bytes) -> bytes | None:
    """Return the hash by which orders of the same E.164 number are found; None without one."""
    return _term("phone", phone, index_key).hash if phone else None


def email_hash(email: str, index_key: bytes) -> bytes:
    """Return the hash by which orders of the same e-mail address are found."""
    return _term("email", _compared(email), index_key).hash


def emails_in(text: str) -> set[str]:
    """Return the e-mail addresses in a text, as they are compared."""
    return set(_EMAIL_IN_TEXT.findall(as_seen(text)))


def as_seen(text: str) -> str:
    """Return the text as it is compared, without what nobody sees."""
    plain = _compared(text)
    return plain if plain.isascii() else "".join(filter(_is_seen, plain))


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) != "Cf"


def naming(emails: Collection[str]) -> re.Pattern[str]:
    """Return what finds these e-mail addresses, given as they are compared, in a text of any length
    in time in proportion to it; not as the end or the beginning of another's address."""
    wanted = "|".join(map(re.escape, emails))
    return re.compile(rf"(?<![\w.+&!#$%^~-])(?:{wanted})(?!\w|[.-]+\w)", re.IGNORECASE)


def _masked(phone: str) -> str:
    if not phone:
        return ""
    code = _calling_code(phone)
    national = phone[len(code) :]
    hidden = max(len(national) - 3, 0)
    groups = ["•" * min(3, hidden - start) for start in range(0, hidden, 3)]
    return " ".join([code, *groups, national[hidden:]])


def _searchable(person: Person) -> Iterator[tuple[Kind, str]]:
    if person.phone:
        yield "phone", person.phone
        yield from (("phone_end", person.phone[-count:]) for count in PHONE_ENDS)
    if person.email:
        yield "email", _compared(person.email)
    for word in _WORD.findall(_without_accents(person.name)):
        yield "name", word
        yield from (("name", word[:count]) for count in BEGINNINGS if count < len(word))


def _wanted_name(word: str) -> list[tuple[Kind, str]]:
    """The word without its accents, as names are found by, and as typed: names that were stored
    before 22 November 2026 are found with theirs."""
    return [("name", each) for each in dict.fromkeys([_without_accents(word), word])]


def _wanted_phone(typed: str, region: str, *, ends: bool) -> list[tuple[Kind, str]]:
    """The whole number as it is dialled at home, or with its country code but no plus; the last
    digits of what names no country for certain, since a buyer's may be another."""
    digits = re.sub(r"\D", "", typed)
    wholes = [number for text in (typed, f"+{digits}") if (number := _whole(text, region))]
    wanted: list[tuple[Kind, str]] = [("phone", number) for number in dict.fromkeys(wholes)]
    if ends and not (wanted and typed.lstrip("(").startswith(("+", "00"))):
        count = max(count for count in PHONE_ENDS if count <= len(digits))
        wanted.append(("phone_end", digits[-count:]))
    return wanted


def _whole(typed: str, region: str) -> str:
    """The valid number in E.164, or "" where it is none."""
    try:
        number = parse(typed, region)
    except InvalidTelephone:
        return ""
    return number.e164 if number.valid else ""


def _taken(pattern: re.Pattern[str], text: str) -> tuple[list[str], str]:
    """Return what the pattern finds, and the text without it."""
    return pattern.findall(text), pattern.sub(" ", text)


def _compared(text: str) -> str:
    """Return the text as it is compared: compatibility forms, case and ё made one."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.strip().replace("ё", "е")


def _without_accents(text: str) -> str:
    """Return the text as names are compared, for whom "Șerban" is typed "serban"."""
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", _compared(text)))
    return unicodedata.normalize("NFKC", plain).translate(_UNDECOMPOSED)


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
