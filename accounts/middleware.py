"""A request is one transaction that carries the pass from its cookie."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import DatabaseError
from django.http import HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control

from accounts import gate
from accounts.requests import Request
from accounts.sessions import SessionStore

GetResponse = Callable[[Request], HttpResponse]
OURS = re.compile(r"[\w-]{43}", re.ASCII)  # the form of gate.new_secret; a cookie may hold anything


class GateMiddleware(SessionMiddleware):
    """Stands where Django's SessionMiddleware does. `request.gate` tells whose pass it is.

    The view itself runs in a savepoint (ATOMIC_REQUESTS), so that an exception undoes what it did
    and still leaves a session to be saved. Response bodies are complete when the transaction ends:
    what streams has a transaction of its own for each piece, with the same pass. No browser keeps
    what a person was shown: after signing out, its back button has to ask again.

    Where the right to what a request did was taken back before the commit, or the session itself
    was ended meanwhile (signed out in another tab), nothing was done. It is asked once more, and
    refused as any other who comes too late; `request.interrupted` says so.
    """

    def __call__(self, request: Request) -> HttpResponse:  # type: ignore[override]  # ours
        request.interrupted = False
        try:
            return self.carried_out(request)
        except SessionInterrupted:
            pass
        except DatabaseError as error:
            if not gate.taken_back(error):
                raise
        request.interrupted = True
        vars(request).pop("_cached_user", None)  # whom it was then
        return self.carried_out(request)

    def carried_out(self, request: Request) -> HttpResponse:
        cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        secret = cookie if OURS.fullmatch(cookie) else None
        with gate.carrying(secret, verifying=request.method in ("GET", "HEAD")) as entry:
            request.gate = entry
            request.session = (
                SessionStore(secret, data=entry.data, company_id=entry.own_company_id)
                if entry.found
                else SessionStore()
            )
            response: Any = self.get_response(request)
            if entry.user_id:
                patch_cache_control(response, private=True, no_store=True)
            if gate.failed():  # in a view without a savepoint: it is answered, and nothing kept
                return response
            return self.with_session(request, response)

    def with_session(self, request: Request, response: HttpResponse) -> HttpResponse:
        """Raises SessionInterrupted where the session of somebody signed in was ended meanwhile.
        Of somebody who is not, what he has tried is told, and stays counted: or whoever ends his
        session while a code of another's is checked would guess on for ever."""
        try:
            return self.process_response(request, response)
        except SessionInterrupted:
            if request.gate.user_id:
                raise
            return response


class LanguageMiddleware:
    """The language: asked for in the address, kept with the session, the person's own, or the
    browser's. No cookie of its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        asked = request.GET.get("lang", "")
        known = dict(settings.LANGUAGES)
        if asked in known and request.gate.user_id:
            request.session["language"] = asked
        language = next(
            (
                code
                for code in (asked, request.session.get("language"), request.gate.user_language)
                if code in known
            ),
            None,
        )
        with (
            translation.override(language or translation.get_language_from_request(request)),
            timezone.override(request.gate.company_time_zone),
        ):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
        return response
