"""The page above an address that has none of its own."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import is_valid_path

from accounts.requests import Request
from policy.answers import wants_json


class PageAboveMiddleware:
    """Whoever opens an address that takes a POST alone (from the history, or after signing in) is
    led to the page that its form stands on: addresses are nested as pages are."""

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        response = self.get_response(request)
        opened = request.method in ("GET", "HEAD") and not wants_json(request)
        if opened and response.status_code == 405:
            return HttpResponseRedirect(quote(page_above(request.path)))
        return response


def page_above(path: str) -> str:
    """The nearest address above `path` that there is; of POSTs alone, it leads further up."""
    while path != "/":
        path = path.rstrip("/").rpartition("/")[0] + "/"
        if is_valid_path(path):
            break
    return path
