"""What a view is given: Django's request, with what GateMiddleware adds to it."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.gate import Entry
from accounts.models import User
from accounts.sessions import SessionStore


class Request(HttpRequest):
    """For annotations only. `user` is nobody's (AnonymousUser) where `gate.user_id` is None."""

    gate: Entry
    session: SessionStore
    user: User
