"""Orders and what hangs on them. Every table here belongs to a company and stands under row rules.

The buyer's personal data is in `Order.person` and `Comment.body` alone, sealed (`orders.sealing`);
whatever is searched is searched by keyed hash.

Writes are verbs: keyword-only `by`, one transaction, with the audit entry in it.
"""

from orders.models.comments import Comment
from orders.models.exports import Closure, Export, ExportChunk
from orders.models.imports import Import, ImportChunk, ImportRefusal
from orders.models.inquiries import Inquiry
from orders.models.items import Item
from orders.models.leads import Lead
from orders.models.moves import MoveRefused
from orders.models.offers import Offer
from orders.models.orders import Conflict, Order, Source
from orders.models.retentions import Retention, RetentionRun
from orders.models.searchwords import SearchWord
from orders.models.webhooks import Delivery, Webhook

__all__ = [
    "Closure",
    "Comment",
    "Conflict",
    "Delivery",
    "Export",
    "ExportChunk",
    "Import",
    "ImportChunk",
    "ImportRefusal",
    "Inquiry",
    "Item",
    "Lead",
    "MoveRefused",
    "Offer",
    "Order",
    "Retention",
    "RetentionRun",
    "SearchWord",
    "Source",
    "Webhook",
]
