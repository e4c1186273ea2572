"""The life of an order: its statuses, and the moves between them, as two tables.

A call centre takes an order, calls, and decides; whoever ships it leads it on to the money. A move
says who may make it and what must be filled in first; whatever is not listed here cannot be done.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Text = str | Promise
Tone = Literal["new", "work", "ok", "bad", "idle"]
Phase = Literal["wait", "hold", "approved", "cancelled", "trash"]
Requirement = Literal["name", "phone", "address", "items", "comment", "reason", "recall_at"]


@dataclass(frozen=True, slots=True)
class Status:
    """Where an order stands. `icon` is a name in the icon set, `phase` what its partner sees."""

    key: str
    label: Text
    icon: str
    tone: Tone
    phase: Phase


@dataclass(frozen=True, slots=True)
class Move:
    """A step from one status to another. `key` names it within the status that it leaves.

    `counts_attempt`: the move stands for a call that nobody answered, and adds to `attempts`.
    """

    key: str
    frm: str
    to: str
    label: Text
    roles: frozenset[str]
    requires: frozenset[Requirement] = frozenset()
    counts_attempt: bool = False

    @property
    def target(self) -> Status:
        """The status it leads to, whose icon and tone a button shows."""
        return STATUSES[self.to]


STATUSES: Final[dict[str, Status]] = {
    status.key: status
    for status in (
        Status("new", _("New"), "sparkle", "new", "wait"),
        Status("processing", _("In progress"), "headset", "work", "wait"),
        Status("recall", _("Call again"), "calendar-clock", "work", "wait"),
        Status("no_answer", _("No answer"), "phone-missed", "work", "wait"),
        Status("hold", _("On hold"), "pause", "idle", "hold"),
        Status("confirmed", _("Confirmed"), "check", "ok", "approved"),
        Status("packed", _("Packed"), "package", "ok", "approved"),
        Status("sent", _("Sent"), "truck", "ok", "approved"),
        Status("delivered", _("Delivered"), "map-pin-check", "ok", "approved"),
        Status("paid", _("Paid"), "banknote", "ok", "approved"),
        Status("returned", _("Returned"), "undo-2", "bad", "approved"),
        Status("cancelled", _("Cancelled"), "x", "bad", "cancelled"),
        Status("trash", _("Trash"), "trash-2", "idle", "trash"),
    )
}

ENDED: Final = ("delivered", "paid", "returned", "cancelled", "trash")  # where nothing need follow

PHASES: Final[dict[Phase, Text]] = {
    "wait": _("Waiting"),
    "hold": _("On hold"),
    "approved": _("Approved"),
    "cancelled": _("Cancelled"),
    "trash": _("Trash"),
}

CANCEL_REASONS: Final[dict[str, Text]] = {
    "changed_mind": _("Changed their mind"),
    "too_expensive": _("Too expensive"),
    "bought_elsewhere": _("Bought elsewhere"),
    "only_asking": _("Only wanted to know more"),
    "delivery": _("Delivery does not suit"),
    "unsuitable": _("The product does not suit"),
    "out_of_stock": _("Out of stock"),
    "never_answered": _("Never answered"),
    "other": _("Another reason"),
}

TRASH_REASONS: Final[dict[str, Text]] = {
    "wrong_number": _("Wrong number"),
    "not_ordered": _("Did not order"),
    "duplicate": _("Duplicate"),
    "test": _("A test"),
    "joke": _("A joke"),
    "language": _("No common language"),
    "region": _("We do not deliver there"),
    "minor": _("Not of age"),
}

RETURN_REASONS: Final[dict[str, Text]] = {
    "not_collected": _("Not collected"),
    "refused": _("Refused at the door"),
    "not_found": _("Address not found"),
    "damaged": _("Damaged"),
    "withdrawn": _("Sent back by the buyer"),
}

# Why a person was erased: no move's to give, and with it goes an order that was still to be sent.
ERASURES: Final[dict[str, Text]] = {
    "jurisdiction": _("Person erased: prohibited jurisdiction"),
    "request": _("Person erased: at their request"),
    "retention": _("Person erased: the time to keep them is over"),
}

# Nor is this: a file says that an order was given up, and not why.
BROUGHT: Final[dict[str, Text]] = {
    "imported": _("Imported: the file names no reason"),
}

REASONS: Final[dict[str, dict[str, Text]]] = {
    "cancelled": CANCEL_REASONS | BROUGHT,
    "trash": TRASH_REASONS | ERASURES | BROUGHT,
    "returned": RETURN_REASONS | BROUGHT,
}

REQUIREMENTS: Final[dict[Requirement, Text]] = {
    "name": _("Fill in the buyer's name."),
    "phone": _("Fill in the telephone."),
    "address": _("Fill in the address."),
    "items": _("Add at least one item."),
    "comment": _("Say why in a comment."),
    "reason": _("Choose a reason."),
    "recall_at": _("Choose a time to call again, in the future."),
}

_MANAGERS: Final = frozenset({"owner", "admin"})
_LEADS: Final = _MANAGERS | {"lead"}
_CALLERS: Final = _LEADS | {"agent"}

_SHIPPABLE: Final[frozenset[Requirement]] = frozenset({"name", "phone", "address", "items"})
_REASON: Final[frozenset[Requirement]] = frozenset({"reason"})
_COMMENT: Final[frozenset[Requirement]] = frozenset({"comment"})
_RECALL: Final[frozenset[Requirement]] = frozenset({"recall_at"})

# A step is a verb; "Cancel" alone would read as closing the form.
_CANCEL: Final = pgettext_lazy("move", "Cancel the order")
_TRASH: Final = pgettext_lazy("move", "Trash")

# Where an order is while it is being called, and may be decided on.
_CALLING: Final = ("processing", "recall", "no_answer", "hold")

MOVES: Final[tuple[Move, ...]] = (
    # Calling
    Move("take", "new", "processing", _("Take"), _CALLERS),
    *(Move("take", frm, "processing", _("Take"), _CALLERS) for frm in _CALLING[1:]),
    Move("release", "processing", "new", _("Put back"), _CALLERS),
    *(Move("no_answer", frm, "no_answer", _("No answer"), _CALLERS, counts_attempt=True)
      for frm in _CALLING),
    *(Move("recall", frm, "recall", _("Call again"), _CALLERS, _RECALL) for frm in _CALLING),
    *(Move("hold", frm, "hold", _("Hold"), _CALLERS, _COMMENT) for frm in _CALLING[:3]),
    # Deciding
    *(Move("confirm", frm, "confirmed", _("Confirm"), _CALLERS, _SHIPPABLE) for frm in _CALLING),
    *(Move("cancel", frm, "cancelled", _CANCEL, _CALLERS, _REASON) for frm in _CALLING),
    *(Move("trash", frm, "trash", _TRASH, _CALLERS, _REASON) for frm in _CALLING),
    Move("trash", "new", "trash", _TRASH, _LEADS, _REASON),
    # Thinking again
    Move("cancel", "confirmed", "cancelled", _CANCEL, _CALLERS, _REASON),
    Move("cancel", "packed", "cancelled", _CANCEL, _LEADS, _REASON),
    Move("reopen", "confirmed", "processing", _("Reopen"), _CALLERS, _COMMENT),
    Move("reopen", "cancelled", "processing", _("Reopen"), _LEADS, _COMMENT),
    Move("reopen", "trash", "processing", _("Reopen"), _LEADS, _COMMENT),
    # Shipping and money
    Move("pack", "confirmed", "packed", _("Packed"), _LEADS, _SHIPPABLE),
    Move("unpack", "packed", "confirmed", _("Unpack"), _LEADS),
    Move("send", "packed", "sent", _("Sent"), _LEADS),
    Move("deliver", "sent", "delivered", _("Delivered"), _LEADS),
    Move("return", "sent", "returned", _("Returned"), _LEADS, _REASON),
    Move("return", "delivered", "returned", _("Returned"), _LEADS, _REASON),
    Move("pay", "delivered", "paid", _("Paid"), _MANAGERS),
    Move("return", "paid", "returned", _("Returned"), _MANAGERS, _REASON),
)  # fmt: skip

_BY_KEY: Final = {(move.frm, move.key): move for move in MOVES}


def moves_from(status: str, role: str) -> list[Move]:
    """Return the moves that a role may make from a status, in the order of the table."""
    return [move for move in MOVES if move.frm == status and role in move.roles]


def reached_by(role: str) -> set[str]:
    """Return the statuses that a role can set orders to."""
    return {move.to for move in MOVES if role in move.roles}


def move_named(key: str, status: str, role: str) -> Move | None:
    """Return the move of that key, or None where it does not exist or is not for the role."""
    move = _BY_KEY.get((status, key))
    return move if move and role in move.roles else None


def way_back(status: str) -> Move | None:
    """Return the move that takes a decision back, or None where it stands."""
    return _BY_KEY.get((status, "reopen"))


def reasons_for(move: Move) -> dict[str, Text]:
    """Return key -> label of the reasons that the move may give."""
    known = REASONS.get(move.to, {})
    return {key: label for key, label in known.items() if key not in ERASURES | BROUGHT}


def check(move: Move, order_like: object) -> list[Requirement]:
    """Return what the move requires and `order_like` lacks, in the order of REQUIREMENTS.

    Read are its attributes of the requirements' names; a missing one counts as empty. `recall_at`
    must be an aware datetime. `REQUIREMENTS` has the sentence to show for each.
    """
    return [
        requirement
        for requirement in REQUIREMENTS
        if requirement in move.requires
        and not _meets(requirement, getattr(order_like, requirement, None), move)
    ]


def _meets(requirement: Requirement, value: Any, move: Move) -> bool:
    if requirement == "reason":
        return value in reasons_for(move)
    if requirement == "recall_at":
        return isinstance(value, datetime) and value > timezone.now()
    return bool(value.strip() if isinstance(value, str) else value)
