"""What support looks at under an access link, told in the company's audit before it is shown.

The database opens no row under a grant to a transaction that has made no entry (migration 0033).
The entry and the answer stand or fall together: the request commits before its answer leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts import grants
from accounts.requests import Request

# What a list's query string searches and filters by (`orders.filters`). Any other name in it is the
# reader's own, and none for the audit.
FILTERS = ("q", "since", "until", "offer", "partner", "agent", "stopped", "imported")


def note(request: Request, named: Mapping[str, Any]) -> None:
    """An entry of what is about to be shown: an order, a list of them, or one that is searched or
    filtered; by what, and not for what, since that may be a buyer's name."""
    if order_id := named.get("order_id"):
        grants.look("access.viewed", order_id=order_id)
    elif asked := [name for name in FILTERS if request.GET.get(name)]:
        grants.look("access.searched", by_what=asked)
    else:
        grants.look("access.listed")
