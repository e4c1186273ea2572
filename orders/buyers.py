"""One buyer: by which telephones and e-mails somebody is known in all that a company holds."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Final
from urllib.parse import unquote

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from orders.persons import (
    HIDDEN,
    Person,
    as_seen,
    email_hash,
    emails_in,
    naming,
    phone_hash,
)
from policy.telephones import (
    InvalidTelephone,
    home_digits,
    parse,
    runs_of_digits,
    with_runs_of_digits,
)

MOST: Final = 20  # telephones and e-mails of one buyer
ENOUGH_DIGITS: Final = 7  # of a number without its country code, to know it again by
_ABROAD: Final = re.compile(r"[\s(]*(?:\+|00)")
_SEPARATORS: Final = re.compile(r"[,;\n]+")


@dataclass(frozen=True, repr=False)
class Buyer:
    """Telephones in E.164, e-mails as they are compared; whoever has any of them is this one."""

    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "<Buyer>"

    @classmethod
    def read(cls, text: str, country: str) -> Buyer:
        """What was typed, commas between; a number without a plus is of `country` (alpha-2).
        Raises ValidationError, which repeats nothing of it."""
        phones: dict[str, None] = {}
        emails: dict[str, None] = {}
        parts = [part.strip() for part in _SEPARATORS.split(text)]
        for part in filter(None, parts):
            if "@" in part:
                validate_email(part)
                emails |= dict.fromkeys(emails_in(part))
            else:
                phones[_number(part, country)] = None
        if not 1 <= len(phones) + len(emails) <= MOST:
            raise ValidationError(_("Write a telephone number or an e-mail address."))
        return cls(tuple(phones), tuple(emails))

    @classmethod
    def of(cls, person: Person) -> Buyer:
        return cls((person.phone,) if person.phone else (), tuple(emails_in(person.email)))

    @classmethod
    def from_bytes(cls, data: bytes) -> Buyer:
        said = json.loads(data)
        return cls(tuple(said["phones"]), tuple(said["emails"]))

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    def __str__(self) -> str:
        return ", ".join((*self.phones, *self.emails))

    def __or__(self, other: Buyer) -> Buyer:
        return Buyer(
            tuple(dict.fromkeys((*self.phones, *other.phones))),
            tuple(dict.fromkeys((*self.emails, *other.emails))),
        )

    def __sub__(self, other: Buyer) -> Buyer:
        return Buyer(
            tuple(phone for phone in self.phones if phone not in other.phones),
            tuple(email for email in self.emails if email not in other.emails),
        )

    def __bool__(self) -> bool:
        return bool(self.phones or self.emails)

    def shares_with(self, other: Buyer) -> bool:
        return self - other != self

    def hashes(self, index_key: bytes) -> list[bytes]:
        """What their orders are found by; `index_key` is the company's."""
        numbers = [phone_hash(phone, index_key) for phone in self.phones]
        return [*filter(None, numbers), *(email_hash(each, index_key) for each in self.emails)]

    def is_named_in(self, text: str) -> bool:
        """Whether the text has an e-mail of theirs, or digits in which a number of theirs is, also
        as addresses of pages spell them."""
        return any(map(self._is_in, {text, unquote(text)}))

    def _is_in(self, text: str) -> bool:
        if self.emails and self._email.search(as_seen(text)):
            return True
        return bool(self.phones) and any(map(self._has_number, runs_of_digits(text)))

    def cut_from(self, text: str) -> str:
        """The text with HIDDEN for each e-mail and number of theirs; HIDDEN alone, where they are
        spelled in a way that leaves them in it."""
        if not self.is_named_in(text):
            return text
        cut = self._email.sub(HIDDEN, text) if self.emails else text
        cut = with_runs_of_digits(cut, lambda run: HIDDEN if self._has_number(run) else None)
        return HIDDEN if self.is_named_in(cut) else cut

    def _has_number(self, run: str) -> bool:
        return any(digits in run for digits in self._digits)

    @cached_property
    def _email(self) -> re.Pattern[str]:
        return naming(self.emails)

    @cached_property
    def _digits(self) -> list[str]:
        return [
            digits if len(digits) >= ENOUGH_DIGITS else phone.removeprefix("+")
            for phone in self.phones
            for digits in home_digits(phone)
        ]


def _number(text: str, country: str) -> str:
    """One that names no country is of `country`, or refused: read as another country's, it would
    find a stranger, or nobody."""
    try:
        number = parse(text, country)
    except InvalidTelephone as error:
        raise ValidationError(str(error)) from None
    if number.region != country and not _ABROAD.match(text):
        raise ValidationError(
            _("Write a number of another country with a plus and its code, as +40 721 234 643.")
        )
    return number.e164
