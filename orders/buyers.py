"""One buyer: by which telephones and e-mails somebody is found in all that a company holds."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from orders.keys import Keys
from orders.models import Order, SearchWord
from orders.models.orders import OrderQuerySet
from orders.persons import email_hash, emails_in, phone_hash
from policy.prohibitions import Jurisdiction
from policy.telephones import InvalidTelephone, home_digits, parse, runs_of_digits

MOST: Final = 20  # telephones and e-mails of one buyer
ENOUGH_DIGITS: Final = 7  # of a number without its country code, to know it again by
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
        """What was typed, commas between; a number without its code is of `country` (alpha-2).
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

    def orders(self, held: Keys) -> OrderQuerySet:
        """Those of the company that the reader may see, the newest first."""
        index = held.index_key
        words = [phone_hash(phone, index) for phone in self.phones]
        words += [email_hash(email, index) for email in self.emails]
        found = SearchWord.objects.filter(company_id=held.company_id, word__in=words)
        orders = Order.objects.filter(company_id=held.company_id, id__in=found.values("order_id"))
        return orders.order_by("-created_at", "-id")

    def unstopped_orders(self, held: Keys) -> OrderQuerySet:
        """These, but for those that clause P2 has stopped, which can only be erased."""
        orders = self.orders(held)
        stopped = orders.stopped(Jurisdiction.objects.prohibited())
        return orders.exclude(id__in=stopped.order_by().values("id"))

    def is_named_in(self, text: str) -> bool:
        """Whether the text has an e-mail of theirs, or digits in which a number of theirs is."""
        if self.emails and not emails_in(text).isdisjoint(self.emails):
            return True
        return bool(self.phones) and any(
            digits in run for run in runs_of_digits(text) for digits in self._digits
        )

    @cached_property
    def _digits(self) -> list[str]:
        short = {phone: home_digits(phone) for phone in self.phones}
        return [
            digits if len(digits) >= ENOUGH_DIGITS else phone.removeprefix("+")
            for phone, digits in short.items()
        ]


def _number(text: str, country: str) -> str:
    try:
        return parse(text, country).e164
    except InvalidTelephone as error:
        raise ValidationError(str(error)) from None
