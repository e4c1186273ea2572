"""Whether whoever sends a request is, at this moment, the person whose session it is.

The one question before deeds that a session left open must not suffice for. A proof is noted with
the pass, by the database's clock, and is fresh for a while; `guard.fresh` and `guard.fresh_factor`
ask a view's caller for one, `gate.fresh(interval)` and `gate.fresh_factor(interval)` ask in SQL.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from allauth.account.signals import authentication_step_completed
from allauth.core import ratelimit
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import gate
from accounts.gate import Entry
from accounts.models import User
from accounts.requests import Request

LASTING: Final = timedelta(minutes=5)  # as the database has it where it asks


# By what somebody proves himself, as the pass and the registers name it.
PROOFS: Final = {
    "password": _("password"),
    "totp": _("authenticator app"),
    "webauthn": _("passkey"),
    "recovery_codes": _("recovery code"),
}


def is_fresh(entry: Entry, proof: str) -> bool:
    """Whether the pass has a fresh proof: "any", or of a second "factor"."""
    at = entry.factor_at if proof == "factor" else entry.proven_at
    return at is not None and at > timezone.now() - LASTING


def freshly_proven(request: Request, password: str) -> str:
    """By what the request proves its person ("password"), for the record; "" where it does not.
    Too many failures prove nothing for a while, whatever is sent."""
    if not ratelimit.consume(request, action="reauthenticate", user=request.user):
        return ""
    if not request.user.check_password(password):
        gate.tell_of_refusal(request.user.pk, "password")
        return ""
    request.session.prove(request.user.pk, "password")
    return "password"


def note(request: Request, user: User, method: str, **told: Any) -> None:
    """A step of signing in, or of doing so again, was taken."""
    request.session.prove(user.pk, told["type"] if method == "mfa" else method)


authentication_step_completed.connect(note, dispatch_uid="accounts.freshness")
