"""Which of our statuses a file means: what shops and call centres call theirs, and a first guess.

A file may tell of an order in several columns, one for the money and one for the parcel. They are
read together ("paid, unfulfilled"), since neither says by itself where the order stands here: paid
and shipped is the end of it, paid and not shipped is to be packed. People correct the guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orders import statuses
from orders.mapping import folded, listed

NEW: Final = "new"
# Every status but the one that means an agent's hand: nobody has it in theirs.
BRINGABLE: Final = tuple(key for key in statuses.STATUSES if key != "processing")

WORDS: Final[dict[str, str]] = {
    "new": "new, pending, open, unpaid, unfulfilled, authorized, awaiting payment, created, "
    "received, placed, in progress, processing, in process, "
    "новый, новая, новое, нов, ожидает, ожидание, ожидает оплаты, не оплачен, не оплачено, создан, "
    "принят, в обработке, обрабатывается, в работе, "
    "nuevo, nueva, pendiente, nou, noua, in asteptare",
    "recall": "recall, call again, call back, callback, call later, "
    "перезвонить, перезвон, перезвоны, недозвон перезвон",
    "no_answer": "no answer, not answered, unreachable, missed, busy, "
    "недозвон, не дозвон, не дозвонились, нет ответа, не отвечает, не берет трубку, "
    "no contesta, nu raspunde",
    "hold": "hold, on hold, paused, холд, на удержании, удержание, отложен, отложено, en espera",
    "confirmed": "confirmed, approved, accepted, approve, "
    "подтвержден, подтверждена, подтверждено, подтвержденный, одобрен, апрув, согласован, "
    "confirmado, aprobado, confirmat, aprobat",
    "packed": "packed, ready, ready to ship, ready for pickup, assembled, "
    "собран, укомплектован, упакован, готов, готов к отправке, к отправке, empaquetado, ambalat",
    "sent": "sent, shipped, dispatched, fulfilled, in transit, on its way, partially fulfilled, "
    "отправлен, отправлена, отправлено, отгружен, в пути, доставляется, в доставке, "
    "передан в доставку, enviado, expediat, trimis",
    "delivered": "delivered, at pickup point, доставлен, доставлена, доставлено, вручен, прибыл, "
    "на пункте выдачи, entregado, livrat",
    "paid": "paid, complete, completed, done, closed, finished, "
    "оплачен, оплачена, оплачено, выкуплен, выкуп, выкуплено, выполнен, завершен, закрыт, "
    "pagado, completado, platit, finalizat",
    "returned": "returned, refunded, refund, return, partially refunded, chargeback, "
    "not collected, "
    "возврат, возвращен, возвращено, вернулся, возврат средств, не выкуплен, невыкуп, "
    "devuelto, reembolsado, returnat, rambursat",
    "cancelled": "cancelled, canceled, voided, void, cancel, declined, rejected, refused, failed, "
    "expired, "
    "отказ, отменен, отменена, отменено, отмена, отклонен, отказался, аннулирован, "
    "cancelado, rechazado, anulat, refuzat",
    "trash": "trash, spam, fake, duplicate, double, test, invalid, wrong number, "
    "треш, трэш, мусор, спам, дубль, дубликат, тест, фейк, некорректный, неверный номер, basura",
}
NOT_SENT: Final = frozenset(
    listed(
        "unfulfilled, not shipped, not sent, unshipped, не отправлен, не отправлено, не отгружен"
    )
)
ENDINGS: Final = ("trash", "cancelled", "returned")  # the first of them outweighs all that is said
MEANINGS: Final = {word: status for status, words in WORDS.items() for word in listed(words)}
# Money that came, or went back, for a parcel that never left.
UNSENT: Final = {"paid": "confirmed", "returned": "cancelled"}


def guess_status(said: str) -> str:
    """The status that a file's value means, one column's or several joined by ", "; "" where no
    word of it is known."""
    words = [folded(part) for part in said.split(",")]
    found = [MEANINGS[word] for word in words if word in MEANINGS]
    if not found:
        return ""
    meant = next((end for end in ENDINGS if end in found), None) or furthest(found)
    return UNSENT.get(meant, meant) if NOT_SENT.intersection(words) else meant


def furthest(found: Sequence[str]) -> str:
    return max(found, key=BRINGABLE.index)
