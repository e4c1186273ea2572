"""What a partner's machine says of a lead, and what it is told; the OpenAPI document is made of it.

Lengths are those of the form (`orders.forms`). A message says what would be right, and repeats
nothing that was sent.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from ninja import Field, Schema
from pydantic import ConfigDict, field_validator

from orders.forms import MAX_COMMENT, MAX_PRICE, MAX_QUANTITY
from orders.money import currencies

MOST: Final = 500  # leads in an answer
MARK: Final = Field("", max_length=200)  # by which a sender tells its traffic apart


class LeadIn(Schema):
    """A buyer who wants an offer. The same lead sent again is answered as the first time."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    external_id: str = Field(..., min_length=1, max_length=100, description="Your own number of it")
    offer: str = Field(..., min_length=1, max_length=160, description="What the buyer wants")
    phone: str = Field(..., min_length=1, max_length=100, description="In any spelling")
    country: str = Field(..., min_length=1, max_length=100, description="ISO 3166 code, or name")
    name: str = Field("", max_length=200)
    email: str = Field("", max_length=254)
    address: str = Field("", max_length=1_000)
    comment: str = Field("", max_length=MAX_COMMENT)
    quantity: int = Field(1, strict=True, ge=1, le=MAX_QUANTITY)
    price: Decimal = Field(Decimal(0), ge=0, le=MAX_PRICE, decimal_places=2)
    currency: str = Field("", description="ISO 4217 code; the company's own where none is sent")
    citizenship: str = Field(
        "", max_length=100, description="Where known: it outweighs what the number points to"
    )
    stream: str = MARK
    sub1: str = MARK
    sub2: str = MARK
    sub3: str = MARK
    sub4: str = MARK
    sub5: str = MARK
    click_id: str = MARK
    utm_source: str = MARK
    utm_medium: str = MARK
    utm_campaign: str = MARK
    utm_term: str = MARK
    utm_content: str = MARK
    utm_id: str = MARK

    @field_validator("*")
    @classmethod
    def storable(cls, said: Any) -> Any:
        if isinstance(said, str) and "\0" in said:
            raise ValueError(_("Send no null characters."))
        return said

    @field_validator("email")
    @classmethod
    def an_email(cls, said: str) -> str:
        try:
            validate_email(said)
        except ValidationError:
            raise ValueError(_("This is not an e-mail address.")) from None
        return said

    @field_validator("currency")
    @classmethod
    def a_currency(cls, said: str) -> str:
        if said not in currencies():
            raise ValueError(_("Send the code of a currency in use, such as EUR."))
        return said

    @property
    def marks(self) -> dict[str, str]:
        """What the sender tells its own traffic apart by."""
        names = ("stream", "sub", "click_id", "utm_")
        said = self.model_dump(exclude_defaults=True)
        return {name: value for name, value in said.items() if name.startswith(names)}


class Receipt(Schema):
    id: UUID
    external_id: str
    phase: str


class LeadOut(Receipt):
    """How far a lead is. `payout` is what an approved one earns, where that was agreed on."""

    reason: str = Field(description="Why it was cancelled or went to the trash")
    payout: Decimal | None
    currency: str
    created_at: datetime
    updated_at: datetime


class Question(Schema):
    updated_after: str = Field(
        "", max_length=100, description="A cursor that was answered, or a moment (RFC 3339)"
    )
    limit: int = Field(100, ge=1, le=MOST)


class LeadPage(Schema):
    """Those that changed last come last. `cursor` is where to go on, now or later."""

    leads: list[LeadOut]
    cursor: str
    more: bool


class Problem(Schema):
    """RFC 9457. `errors` says of each field what would be right."""

    type: str
    title: str
    status: int
    errors: dict[str, list[str]] = {}
