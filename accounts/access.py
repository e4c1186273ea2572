"""What support works under: the grant of somebody of a company, as the gate tells it.

Which orders a grant lists, which moves it allows and what it shows of a buyer the database decides
(accounts/migrations/0033); what stands here is for what pages offer, and for the one place that
opens sealed persons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

# Of a buyer. Whatever is not shown can be seen to be there, and a telephone's last digits read.
FIELDS: Final = {
    "name": _("Name"),
    "telephone": _("Telephone, whole"),
    "email": _("E-mail"),
    "address": _("Address"),
    "notes": _("Comments and the shop's own fields"),
}

# What a reason must not hold, since it outlives the buyer: an e-mail, or as many digits as make a
# telephone, of any script that telephones are written in, with anything between them that is taken
# along where they are copied. As PostgreSQL reads it, and Python.
DIGIT: Final = r"[\d\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff10-\uff19]"
BETWEEN: Final = r"[ \t\u00a0\u00ad\u2000-\u2015\u2019\u202f\u2060\u2212\ufeff().+/_-]"
CONTACT: Final = rf"\S[@\uff20]\S+[.\uff0e]\S|({DIGIT}{BETWEEN}*){{9}}"

STATES: Final = {
    "waiting": pgettext_lazy("access link", "Waiting to be used"),
    "asked": pgettext_lazy("access link", "Asks to be let in"),
    "open": pgettext_lazy("access link", "Open"),
    "ended": pgettext_lazy("access link", "Ended"),
    "refused": pgettext_lazy("access link", "Refused"),
    "revoked": pgettext_lazy("access link", "Revoked"),
    "expired": pgettext_lazy("access link", "Expired"),
}

# By what a link came to its end, where nobody shut it: as a reader is told it, and as its maker is.
CAUSES: Final = {
    "support": _("support ended the work"),
    "session": _("support's session came to its end"),
    "staff": _("that person of support was deactivated"),
    "rank": _("that person is of support no more"),
    "colleague": _("that person of support became a member of the company"),
    "another": _("that person of support works under another link"),
    "role": _("its maker has another role now"),
    "place": _("its maker has another team or partner now"),
    "left": _("its maker is no member of the company any more"),
    "password": _("its maker set a new password"),
    "deactivated": _("its maker was deactivated"),
    "suspended": _("the company was suspended"),
    "closed": _("the company was closed"),
}
MAKERS_OWN: Final = {
    "role": _("you have another role now"),
    "place": _("you have another team or partner now"),
    "left": _("you were no member of the company for a while"),
    "password": _("you set a new password"),
    "deactivated": _("you were deactivated for a while"),
}


def cause_of_end(cause: str, *, own: bool) -> str:
    """Why a link is over, for a reader whose `own` it is or is not; "" where it was shut by hand or
    by the clock."""
    said = MAKERS_OWN.get(cause) if own else None
    return str(said or CAUSES.get(cause) or "")


@dataclass(frozen=True)
class Access:
    """A grant that a pass of support's names. Until it is `open` it says nothing of what there is,
    and `scopes` (permission -> the maker's scope) is empty. One that is `confirmed` and not open
    opens nothing for now, as while its maker has a policy to accept. `orders` is None for all that
    the maker sees; `role` and the three ids are the maker's."""

    id: UUID
    open: bool
    confirmed: bool
    company_name: str
    maker: str
    reason: str
    expires_at: datetime
    scopes: Mapping[str, str]
    orders: frozenset[UUID] | None
    fields: frozenset[str]
    moves: frozenset[str]
    role: str | None
    membership_id: UUID | None
    team_id: UUID | None
    partner_id: UUID | None

    @classmethod
    def told(cls, told: Mapping[str, Any]) -> Access:
        """As `gate.grant_in_hand` tells it."""
        expires_at = parse_datetime(told["expires_at"])
        assert expires_at
        return cls(
            id=UUID(told["id"]),
            open=told["open"],
            confirmed=told["confirmed"],
            company_name=told["company_name"],
            maker=told["maker"],
            reason=told["reason"],
            expires_at=expires_at,
            scopes=told["scopes"] or {},
            orders=None if told["orders"] is None else frozenset(map(UUID, told["orders"])),
            fields=frozenset(told["fields"]),
            moves=frozenset(told["moves"]),
            role=told["role"],
            **{
                name: told[name] and UUID(told[name])
                for name in ("membership_id", "team_id", "partner_id")
            },
        )


class Over(NamedTuple):
    """A grant that a pass of support's still names, and that opens nothing. `why` is "refused",
    "revoked" or "expired"; "support" where it was ended in another session, "colleague" and
    "suspended" (as in CAUSES); "shut" where anything else that it rested on has changed."""

    company_name: str
    maker: str
    why: str


class Elsewhere(NamedTuple):
    """A grant that the same person of support has in hand in another session: open, once it is
    `confirmed`. `maker` is a name."""

    company_name: str
    maker: str
    reason: str
    expires_at: datetime
    confirmed: bool


class LastOpened(NamedTuple):
    """`staff` is a name."""

    at: datetime
    staff: str
    grant_id: UUID


class Deed(NamedTuple):
    """What was done under a grant: `doer` is a name, `action` one of `accounts.audit.ACTIONS`."""

    at: datetime
    doer: str
    action: str
    object_type: str
    object_id: UUID | None
    changes: Any


class LetterDue(NamedTuple):
    """`what` has happened under a grant: "asked" or "entered", "viewed", "written", "over".
    `readers` are dicts of "email", "language", which may be "", and whether the link is "mine"."""

    grant_id: UUID
    what: str
    company: str
    staff: str
    maker: str
    reason: str
    readers: list[dict[str, Any]]
