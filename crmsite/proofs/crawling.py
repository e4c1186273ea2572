"""A visitor who looks at every page there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.urls import reverse

from accounts.founding import OWNER
from accounts.models import Company
from accounts.proving import System, Untried
from accounts.visitors import Answer, Visitor
from orders.trial import company_with_orders

COMPANIES: Final = 5  # whose policies are looked at
MANY: Final = 100  # pages, after which a crawl has seen enough
NOWHERE: Final = ("/nowhere/", "/orders/nowhere/", "/api/v1/leads")  # of errors


def served(system: System) -> str:
    if not system.url:
        raise Untried("nobody said where the system is served: prove --url")
    return system.url


def signed_in(system: System) -> Visitor:
    return company_with_orders(3).visiting(served(system))


def public_pages() -> list[str]:
    """Where to begin, so as to see all of them: nothing links to the companies' policies."""
    slugs = Company.objects.using(OWNER).order_by("pk").values_list("slug", flat=True)[:COMPANIES]
    return ["/", *NOWHERE, *(reverse("policy:company", args=[slug]) for slug in slugs)]


def crawl(visitor: Visitor, start: list[str], avoiding: str = "/logout/") -> Iterator[Answer]:
    """The pages and files that lead on from these, once each, as far as the visitor may."""
    waiting, seen = [*start], {*start}
    while waiting:
        answer = visitor.get(waiting.pop(0))
        if answer.path.startswith(avoiding):
            continue
        yield answer
        new = {link: None for link in answer.links if not link.startswith(avoiding)}
        waiting += [link for link in new if link not in seen][: max(MANY - len(seen), 0)]
        seen.update(new)


def is_page(answer: Answer) -> bool:
    return answer.headers.get_content_type() == "text/html"
