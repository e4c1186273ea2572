"""What a view is given: Django's request, with what our middleware adds to it."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.views.decorators.http import require_http_methods
from django_htmx.middleware import HtmxDetails

from accounts.gate import Entry
from accounts.models import User
from accounts.sessions import SessionStore

GET_OR_POST: Final = require_http_methods(["GET", "HEAD", "POST"])  # of a page with a form


class Request(HttpRequest):
    """For annotations only. `user` is nobody's (AnonymousUser) where `gate.user_id` is None."""

    counter: str  # the address of its image, on a page that has one (policy/visits.py)
    gate: Entry
    htmx: HtmxDetails
    interrupted: bool  # a right or the session was ended meanwhile, and it is asked once more
    session: SessionStore
    user: User
