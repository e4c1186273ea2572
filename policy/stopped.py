"""A form that was on its way when a new version of a policy stopped its sender.

It is kept nowhere here. The answer has the browser post it again, to the page of acceptance (307,
RFC 9110 15.4.8), which holds its fields hidden and sends them on once all is accepted. So what was
typed about a buyer is stored neither on the server nor by the browser; docs/decisions/0005.
"""

from __future__ import annotations

from accounts.requests import Request
from policy.models import Kind

WAY = "send"  # names in the query string, and then in the form, the path that it was posted to
OURS = ("csrfmiddlewaretoken", "next", WAY)
FORM = "application/x-www-form-urlencoded"  # files cannot be held by a page: they are chosen anew


def is_form(request: Request) -> bool:
    return request.method == "POST" and request.content_type == FORM


def address(request: Request) -> str:
    """Where the stopped form was going; empty where there is none. Only a POST can bring one, whose
    token shows that a page of ours sent it: a link could name any path."""
    if request.method != "POST":
        return ""
    return request.POST.get(WAY) or request.GET.get(WAY, "")


def fields(request: Request) -> list[tuple[str, str]]:
    """The fields of the stopped form, and where it goes."""
    if not (way := address(request)):
        return []
    theirs = [
        (name, str(value))
        for name, values in request.POST.lists()
        if name not in OURS and name.partition("-")[0] not in Kind.values
        for value in values
    ]
    return [(WAY, way), *theirs]
