"""What a view asks of whoever calls it, declared on the view itself.

A view without a declaration asks for everything: signed in, in a company, every policy in force
accepted. `policy.middleware` enforces it; a list of paths would rot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from accounts.permissions import PERMISSIONS

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Demand:
    signed_in: bool = True
    company: bool = True
    accepted: bool = True
    operator: bool = False
    staff: bool = False  # whoever has a rank proves a second factor
    permission: str | None = None
    proof: str = ""  # a fresh one: "any", or "factor", a second factor's
    under_grant: str = ""  # what support finds there: see `UNDER_GRANT`


# What an address does for support that works under an access link. One that does not say so is
# refused, and fails the suite.
UNDER_GRANT: Final = {
    "closed": "refused, whatever the link says",
    "apart": "shows and does nothing of a company's, or ends the link's use",
    "shown": "shows what the link opens, once an entry in the company's audit says so",
    "moves": "does that too, and makes a move that the link allows",
}


def demand_of(view: Callable[..., Any]) -> Demand:
    return getattr(view, "demand", Demand())


def _declare(view: View, **demand: Any) -> View:
    vars(view)["demand"] = replace(demand_of(view), **demand)
    return view


def public(view: View) -> View:
    """Open to everybody."""
    return _declare(view, signed_in=False, company=False, accepted=False)


def signed_in(view: View) -> View:
    """Open to whoever is signed in, with or without a company, whatever they have accepted."""
    return _declare(view, company=False, accepted=False)


def member(view: View) -> View:
    """Open to members of a company, whatever they have accepted."""
    return _declare(view, accepted=False)


def staff(view: View) -> View:
    """Open to whoever is signed in; to support staff and operators with a second factor only."""
    return _declare(view, company=False, accepted=False, staff=True)


def operator(view: View) -> View:
    """Open to the operator of the site, who needs no company and accepts nothing, and has signed in
    with a second factor."""
    return _declare(view, company=False, accepted=False, operator=True, staff=True)


def closed_to_support(view: View) -> View:
    return _declare(view, under_grant="closed")


def apart_from_support(view: View) -> View:
    return _declare(view, under_grant="apart")


def shown_to_support(view: View) -> View:
    return _declare(view, under_grant="shown")


def moved_by_support(view: View) -> View:
    return _declare(view, under_grant="moves")


def fresh(view: View) -> View:
    """Open to whoever has just proven who they are, by the password or a second factor (within
    `freshness.LASTING`), on top of whatever else the view asks. Others are led to do so, and then
    on with what they were sending: so declare it on the view that does the deed."""
    return _declare(view, proof="any")


def fresh_factor(view: View) -> View:
    """The same, by a second factor."""
    return _declare(view, proof="factor")


def requires(permission: str) -> Callable[[View], View]:
    """Open to roles that hold `permission`, on top of whatever else the view asks."""
    if permission not in PERMISSIONS:
        raise LookupError(f"{permission} is not in accounts/permissions.py")
    return lambda view: _declare(view, permission=permission)
