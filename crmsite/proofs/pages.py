"""What the public pages load and leave behind, with the counter of visits off and on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from accounts import trial
from accounts.founding import OWNER
from accounts.proving import EITHER, Broken, Figures, System, Untried, proves
from accounts.visitors import Answer, Visitor
from crmsite import chromium
from crmsite.proofs.crawling import crawl, is_page, public_pages, served, signed_in
from policy import visits
from policy.visits import Counter

ELSEWHERE: Final = re.compile(r'<(?:script|link|img|iframe|form|source)\b[^>]*"(?:https?:)?//')
COUNTER: Final = ("mc.yandex", "metrika/tag.js", "ym(")
COUNTER_IMAGE: Final = re.compile(rf'<img src="{visits.ORIGIN}/watch/\d+\?[^"]*"')
OPENED: Final = {"'self'", visits.ORIGIN}  # to images alone, where the counter is on
ENTRANCE: Final = "/login/"  # the sign-in form and those about it: a cookie keeps their token


@proves(
    "S1",
    tried=_(
        "Asked for %(pages)s public pages and files: each forbids the browser every other "
        "address, none names one to load from, none sets a cookie."
    ),
    where=EITHER,
)
def public_pages_name_no_other_address(system: System) -> Figures:
    visitor, pages = Visitor(served(system)), 0
    for answer in crawl(visitor, public_pages(), avoiding=ENTRANCE):
        pages += 1
        if is_page(answer):
            look_for_others(answer)
        if visitor.cookies:
            raise Broken(f"{answer.path} sets a cookie")
    return {"pages": pages}


@proves(
    "S1",
    tried=_(
        "Made the site answer with %(errors)s kinds of errors, from an address that is none to a "
        "failure of its own: each forbids the browser every other address, none names one to load "
        "from, none sets a cookie."
    ),
)
def errors_name_no_other_address(system: System) -> Figures:
    visitor = Visitor(served(system))
    found = {answer.status: answer for answer in errors(visitor, system)}
    if found.keys() != {400, 403, 404, 500}:
        raise Broken(f"errors are answered with {sorted(found)}: this attack shows nothing")
    for answer in found.values():
        look_for_others(answer)
    if visitor.cookies:
        raise Broken("a page of an error sets a cookie")
    return {"errors": len(found)}


def errors(visitor: Visitor, system: System) -> Iterator[Answer]:
    """No such address, no such site, a form without its token; and a page whose database lacks
    what it asks for, for as long as that takes."""
    yield visitor.get("/nowhere/")
    yield visitor.get("/", Host="elsewhere.example")
    yield visitor.post("/", {})
    with system.superuser() as superuser:
        superuser.execute("ALTER FUNCTION gate.count_visit(text) RENAME TO count_visit_lacking")
        try:
            yield visitor.get("/")
        finally:
            superuser.execute("ALTER FUNCTION gate.count_visit_lacking(text) RENAME TO count_visit")


def look_for_others(answer: Answer) -> None:
    """The counter that an operator has set may be named, which is clause S2's."""
    rules = content_policy(answer)
    if rules.get("img-src") == OPENED:
        del rules["img-src"]
    allowed: set[str] = set().union(*rules.values())
    if rules.get("default-src") != {"'none'"} or not allowed <= {"'self'", "'none'"}:
        raise Broken(f"{answer.path} lets the browser ask others: {rules or 'no policy'}")
    if found := ELSEWHERE.search(COUNTER_IMAGE.sub("", answer.body)):
        raise Broken(f"{answer.path} loads from elsewhere: {found[0]}")


def content_policy(answer: Answer) -> dict[str, set[str]]:
    """The sources that it allows, per directive; neither of them has an order."""
    rules = answer.headers.get("Content-Security-Policy", "").split(";")
    return {name: set(sources) for name, *sources in filter(None, map(str.split, rules))}


@proves(
    "S1", "K1",
    tried=_(
        "Opened %(pages)s public pages in Chromium: %(requests)s requests, none to another "
        "origin; no cookie, and nothing in the browser's storage."
    ),
    where=EITHER,
)  # fmt: skip
def a_browser_is_left_as_it_was(system: System) -> Figures:
    url, path = served(system), chromium.found()
    if not path or not find_spec("playwright"):
        raise Untried("it needs Chromium and Playwright")
    pages = [
        each.path
        for each in crawl(Visitor(url), public_pages(), avoiding=ENTRANCE)
        if is_page(each)
    ]
    asked: list[str] = []
    with chromium.running(path) as browser:
        context = browser.new_context()
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        for each in pages:
            page.goto(f"{url}{each}")
            if context.cookies() or any(page.evaluate(STORED)):
                raise Broken(f"{each} leaves something in the browser")
    for address in asked:
        if not address.startswith((f"{url}/", "data:", f"{visits.ORIGIN}/watch/")):
            raise Broken(f"a public page asks {urlsplit(address).netloc}")
    return {"pages": len(pages), "requests": len(asked)}


STORED: Final = """async () => [localStorage.length, sessionStorage.length,
    (await indexedDB.databases()).length, (await caches.keys()).length]"""


@proves(
    "S2",
    tried=_(
        "Looked for a counter in the bytes of %(pages)s public pages and files: there is none but "
        "the one that the operator has set, if he has."
    ),
    where=EITHER,
)
def there_is_no_counter(system: System) -> Figures:
    pages, is_on = 0, Counter.objects.using(OWNER).number()
    for answer in crawl(Visitor(served(system)), public_pages()):
        pages += 1
        if not (is_on and answer.path in visits.EXTERNAL):
            look_for_a_counter(answer)
    return {"pages": pages}


def look_for_a_counter(answer: Answer) -> None:
    told = f"{answer.headers} {answer.body}"
    if found := [mark for mark in COUNTER if mark in told]:
        raise Broken(f"{answer.path} has a counter: {found[0]}")


@proves(
    "S2",
    tried=_(
        "Set a counter's number as the operator and opened %(pages)s pages, public ones and those "
        "of the CRM: it was on the two external pages alone, as an image without a script, and "
        "only there was the browser let out, to that one origin. Switched off, it was gone. Our "
        "own count has a page, a day and a number."
    ),
)
def a_counter_stays_outside(system: System) -> Figures:
    operator, inside = trial.person(operator=True), signed_in(system)
    with operator.working() as by:
        Counter.objects.decide(1234567, by=by)
    pages = 0
    for answer in [*crawl(Visitor(system.url), public_pages()), *crawl(inside, ["/orders/"])]:
        pages += 1
        if answer.path in visits.EXTERNAL:
            look_at_the_counter(answer)
        else:
            look_for_a_counter(answer)
    with operator.working() as by:
        Counter.objects.decide(None, by=by)
    for page in visits.EXTERNAL:
        look_for_a_counter(Visitor(system.url).get(page))
    with system.superuser() as superuser:
        kept = [name for (name,) in superuser.execute(COLUMNS).fetchall()]
    if kept != ["count", "day", "path"]:
        raise Broken(f"of a visit more is kept: {', '.join(kept)}")
    return {"pages": pages}


COLUMNS: Final = """
SELECT column_name::text FROM information_schema.columns
 WHERE table_name = 'policy_visits' ORDER BY 1
"""


def look_at_the_counter(answer: Answer) -> None:
    opened = content_policy(answer).get("img-src") == OPENED
    if len(COUNTER_IMAGE.findall(answer.body)) != 1 or not opened:
        raise Broken(f"{answer.path} does not have the counter as an image that it lets in")
    look_for_others(answer)
