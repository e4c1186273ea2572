"""A form that was on its way when its sender was stopped: by a new version of a policy, or to prove
once more who he is.

It is kept nowhere here. The answer has the browser post it again, to the page that puts it right
(307, RFC 9110 15.4.8), which holds its fields hidden and sends them on after that. So what was
typed about a buyer is stored neither on the server nor by the browser; docs/decisions/0005.
"""

from __future__ import annotations

from accounts.requests import Request
from policy.models import Kind

PROOF = "proof"  # prefix of what is typed to confirm that it is oneself
WAY = "send"  # names in the query string, and then in the form, the path that it was posted to
OURS = ("csrfmiddlewaretoken", "next", WAY)
OF_THE_PAGE = (*Kind.values, PROOF)  # prefixes of fields of the page that holds it
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
        if name not in OURS and name.partition("-")[0] not in OF_THE_PAGE
        for value in values
    ]
    return [(WAY, way), *theirs]
