"""What erasing a person leaves of an order: its goods, its money and its history, and nobody.

The database empties the order and all that hangs on it in the statement that sets `erased_at`
(migration 0007), and lets nobody take it back. An order whose goods are still here goes to the
trash, since there is nobody left to send them to; one that was sent, or ended, stays where it is.
Before that the person's telephone and e-mail are cut out of the goods' names, and a shop's number
for the order that is made of them goes: neither is sealed. A lead gets one of ours for it that
nobody has seen: under its id, which its partner knows, another lead may have been sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.gate import Entry
from accounts.identifiers import uuid7
from orders import keys
from orders.buyers import Buyer
from orders.models.items import Item
from orders.persons import Person
from orders.sealing import SealBroken
from orders.words import Words

if TYPE_CHECKING:
    from orders.models import Order

STILL_HERE: Final = (
    "new", "processing", "recall", "no_answer", "hold", "confirmed", "packed",
)  # fmt: skip
# Of a job that erases: what its pass is for, and how many orders one of its transactions takes, a
# fraction of a second.
REACH: Final = [
    "company.enter", "buyers.answer", "orders.read", "orders.create", "orders.write",
    "orders.import", "orders.erase", "persons.open", "persons.find", "persons.write",
]  # fmt: skip
AT_ONCE: Final = 20
# Why an order may be left out when its buyer is erased: the GDPR (17) is about one's own data,
# and not about what the law obliges to keep (17(3)b).
GROUNDS: Final[dict[str, Any]] = {
    "another": _("somebody else's"),
    "law": _("a law obliges to keep it"),
}
EMPTIED: Final = ("person", "phone_hash", "phone_country", "country", "citizenship", "recall_at")


def erase(order: Order, *, by: Entry, because: str, known_by: Buyer) -> None:
    """Empty an order whose row is locked; `because` is a key of `statuses.ERASURES`, and `known_by`
    what else the person is known by."""
    if not by.may("orders.erase"):
        raise PermissionDenied("This role erases nobody.")
    before = order.status
    ended: dict[str, Any] = {}
    if before in STILL_HERE:
        ended = {"status": "trash", "reason": because}
    buyer = known_by | Buyer.of(_person(order, by))
    _cut_from_goods(order, buyer)
    if buyer.is_named_in(order.external_id):
        ended["external_id"] = str(uuid7()) if order.source == "api" else ""
    order.write(erased_at=timezone.now(), **ended)
    order.refresh_from_db(fields=EMPTIED)
    told: dict[str, Any] = {"because": because, "from": before, "to": order.status}
    audit.record(by=by, action="order.erased", of=order, **told)


def _person(order: Order, by: Entry) -> Person:
    """Nobody, where no seal of ours holds: such a person is erased as well."""
    try:
        return order.open_person(keys.provided(by))
    except SealBroken:
        return Person()


def _cut_from_goods(order: Order, buyer: Buyer) -> None:
    """Also where clause P2 has stopped the order: goods are nobody's."""
    was = Words(Person(), Item.objects.drafts_of([order])[order.id])
    cut = was.without(buyer)
    if cut != was:
        Item.objects.rewrite(order, cut.items)
