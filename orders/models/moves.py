"""What a move asks of an order, and what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.gate import Entry
from orders import calling, keys, statuses
from orders.models.items import Item

if TYPE_CHECKING:
    from orders.models.orders import Order

IN_HAND: Final = "processing"  # the status of which an agent has one order at a time
CALLED_AGAIN: Final = ("recall", "no_answer")  # the statuses in which `recall_at` means something
FINISH_FIRST: Final = _("Finish the order that you have in hand first.")


class MoveRefused(Exception):
    """A move whose requirements are not met; `unmet` says what would satisfy them."""

    def __init__(self, unmet: Sequence[Any]) -> None:
        super().__init__("; ".join(map(str, unmet)))
        self.unmet = list(unmet)


def open_to(by: Entry, status: str) -> list[statuses.Move]:
    """The moves that `by` may make from a status: the role's, and under an access link its own."""
    return [move for move in statuses.moves_from(status, by.acting_role) if _granted(move, by)]


def named(key: str, *, by: Entry, status: str) -> statuses.Move | None:
    """That of them which is called so."""
    move = statuses.move_named(key, status, by.acting_role)
    return move if move and _granted(move, by) else None


def _not_open(by: Entry) -> Any:
    if by.under:
        return _("The access link does not allow this step from where the order is.")
    return _("This step is not open to your role from where the order is.")


def _granted(move: statuses.Move, by: Entry) -> bool:
    return by.under is None or move.to in by.under.moves


def make(
    order: Order,
    key: str,
    *,
    by: Entry,
    reason: str = "",
    recall_at: datetime | None = None,
    comment: str = "",
) -> None:
    """Make the move of that key in `orders.statuses` with an order whose row is locked already.

    A comment only meets the requirement of one; the caller stores it. Raises MoveRefused.
    """
    move = named(key, by=by, status=order.status)
    if move is None:
        raise MoveRefused([_not_open(by)])
    if order.erased_at and move.to == IN_HAND:
        raise MoveRefused([_("The person was erased: there is nobody to call.")])
    given = _as_filled(order, move, by, reason=reason, recall_at=recall_at, comment=comment)
    if unmet := statuses.check(move, given):
        raise MoveRefused([statuses.REQUIREMENTS[requirement] for requirement in unmet])
    if move.counts_attempt:
        again = calling.after_no_answer(timezone.now(), calling.zone_of(by))
        recall_at = recall_at or again
    _take_step(order, move, by=by, reason=reason, recall_at=recall_at)


def _as_filled(order: Order, move: statuses.Move, by: Entry, **given: Any) -> SimpleNamespace:
    """What the move's requirements are checked on; opened and counted only where asked for."""
    asked = move.requires
    if asked & {"name", "phone", "address"}:
        person = order.open_person(keys.provided(by))
        given |= {"name": person.name, "phone": person.phone, "address": person.address}
    if "items" in asked:
        items = Item.objects.filter(company_id=order.company_id, order_id=order.id)
        given["items"] = items.exists()
    return SimpleNamespace(**given)


def _take_step(
    order: Order, move: statuses.Move, *, by: Entry, reason: str, recall_at: datetime | None
) -> None:
    """Write the new status. Whoever moves an order into hand is its agent from then on."""
    agent_id = by.membership_id if move.to == IN_HAND else order.agent_id
    try:
        with transaction.atomic():
            order.write(
                status=move.to,
                agent_id=None if move.key == "release" else agent_id,
                attempts=order.attempts + move.counts_attempt,
                recall_at=recall_at if move.to in CALLED_AGAIN else None,
                reason=reason if statuses.reasons_for(move) else "",
            )
    except IntegrityError as error:
        raise MoveRefused([FINISH_FIRST]) from error
    told: dict[str, Any] = {"from": move.frm, "to": move.to}
    told |= {"move": move.key, "reason": order.reason}
    audit.record(by=by, action="order.moved", of=order, **told)
