"""What support looks at under an access link, told in the company's audit before it is shown.

The database opens no row under a grant to a transaction that has made no entry (migration 0033).
The entry and the answer stand or fall together: the request commits before its answer leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts import audit
from accounts.requests import Request

PLACES = ("lang", "older", "newer", "status")  # of a list's query string: where one is in it


def note(request: Request, named: Mapping[str, Any]) -> None:
    """An entry of what is about to be shown: an order, a list of them, or one that is searched or
    filtered; by what, and not for what, since that may be a buyer's name."""
    by = request.gate
    if order_id := named.get("order_id"):
        audit.record(by=by, action="access.viewed", of=audit.Thing("order", order_id))
    elif asked := sorted(name for name in request.GET if name not in PLACES and request.GET[name]):
        audit.record(by=by, action="access.searched", by_what=[name[:20] for name in asked[:10]])
    else:
        audit.record(by=by, action="access.listed")
