"""The lead API: who asks, how often, and how a program is told what went wrong (RFC 9457).

django-ninja reads the bodies and writes the OpenAPI document. Its views take no CSRF token, and
need none: a key comes in a header that no browser adds by itself, and the cookie opens nothing
here. Its own page of documentation loads from elsewhere, so there is none.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import HttpBearer

from accounts import apikeys
from accounts.guard import apart_from_support, public
from orders.views import leads
from policy import answers
from policy.answers import Refusal, Refused

ROOT: Final = "api/v1/"
LONGEST: Final = 64 * 1024  # bytes of a body
SECRET: Final = re.compile(re.escape(apikeys.BEGINNING) + r"[\w-]{43}", re.ASCII)


class Key(HttpBearer):
    """Presents the key to the transaction; `request.auth` is its Sender. The whole body is read
    first: from then on the key's row is held, and nobody who sends slowly may keep it."""

    def __call__(self, request: HttpRequest) -> Any:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST:
            raise Refused(too_long())
        request.body  # noqa: B018  (read here, and kept by the request)
        return super().__call__(request)

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        sender = apikeys.present(token) if SECRET.fullmatch(token) else None
        if sender is None:
            return None
        if sender.wait:
            raise Refused(too_fast(sender.wait))
        if sender.by.missing:
            raise Refused(answers.not_accepted(sender.by.missing))
        return sender


api = NinjaAPI(
    title="Covenant: leads",
    version="1",
    description="Adds leads of one partner to one company, and tells how far they are.",
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
    auth=Key(),
)
api.add_router("", leads.router)


def addresses() -> list[URLPattern]:
    """Each under its whole path, once: ninja lists it for each method, all answered by each. Its
    empty root is none of them."""
    patterns, _app, _space = api.urls
    views = {str(each.pattern): each for each in patterns if isinstance(each, URLPattern)}
    ours = [
        path(f"{ROOT}{route}", apart_from_support(public(each.callback)), name=each.name)
        for route, each in views.items()
        if route
    ]
    return [path(f"{ROOT}openapi.json", openapi, name="openapi"), *ours]


@apart_from_support
@public
@require_safe
def openapi(request: HttpRequest) -> JsonResponse:
    return JsonResponse(document())


@cache
def document() -> dict[str, Any]:
    return dict(api.get_openapi_schema(path_prefix=f"/{ROOT}"))


# What goes wrong


@api.exception_handler(Refused)
def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return answers.problem(error.refusal)


@api.exception_handler(AuthenticationError)
def unknown_key(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return answers.problem(
        Refusal("key-unknown", _("Send a living key: Authorization: Bearer <key>."), 401)
    )


@api.exception_handler(ValidationError)
def wrong_fields(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Each field by its name, with what would be right, all at once; "body" for what is no object
    at all."""
    wrong: dict[str, list[str]] = {}
    for each in error.errors:
        named = [str(part) for part in each["loc"] if part not in ("body", "query", "path", "sent")]
        wrong.setdefault(".".join(named) or "body", []).append(str(each["msg"]))
    read = any(each["loc"][0] == "body" for each in error.errors)  # of a GET nobody reads it
    said = json.loads(request.body or b"null") if read else None
    return answers.problem(leads.wrong(leads.misread(said) | wrong))


@api.exception_handler(HttpError)
def no_json(request: HttpRequest, error: HttpError) -> HttpResponse:
    """All that ninja raises by itself: too deep, in no known encoding, a figure too long."""
    return answers.problem(
        Refusal("no-json", _("Send a JSON object, in UTF-8."), error.status_code)
    )


def too_long() -> Refusal:
    return Refusal("too-long", _("A lead takes 64 KiB at most."), 413)


def too_fast(seconds: int) -> Refusal:
    return Refusal(
        "too-fast",
        _("Too many requests: go on in %(seconds)s s.") % {"seconds": seconds},
        429,
        headers={"Retry-After": str(seconds)},
    )
