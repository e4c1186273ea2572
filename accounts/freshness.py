"""Whether whoever sends a request is, at this moment, the person whose session it is.

The one question before deeds that a session left open must not suffice for. It asks for the
password now; a second factor, once accounts have one, is asked for here and nowhere else.
"""

from __future__ import annotations

from allauth.core import ratelimit

from accounts.requests import Request


def freshly_proven(request: Request) -> str:
    """By what the request proves its person ("password"), for the record; "" where it does not.
    Too many failures prove nothing for a while, whatever is sent."""
    if not ratelimit.consume(request, action="reauthenticate", user=request.user):
        return ""
    given = request.POST.get("password", "")
    return "password" if request.user.check_password(given) else ""
