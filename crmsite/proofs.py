"""Attacks on what the site shows and keeps: its public pages, its one cookie, its logs."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from ssl import TLSVersion
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from psycopg import Connection, sql
from psycopg.errors import InsufficientPrivilege

from accounts import traces, trial
from accounts.founding import OWNER
from accounts.models import Company
from accounts.proving import EITHER, Broken, Figures, System, Untried, proves
from accounts.visitors import Answer, Visitor
from crmsite import breakouts, chromium, egress, proxies, roles
from crmsite.startup import A_YEAR
from orders.proofs.leaks import walk
from orders.trial import Canary, company_with_orders
from policy import visits
from policy.visits import Counter

ELSEWHERE: Final = re.compile(r'<(?:script|link|img|iframe|form|source)\b[^>]*"(?:https?:)?//')
COUNTER: Final = ("mc.yandex", "metrika/tag.js", "ym(")
COUNTER_IMAGE: Final = re.compile(rf'<img src="{visits.ORIGIN}/watch/\d+\?[^"]*"')
OPENED: Final = {"'self'", visits.ORIGIN}  # to images alone, where the counter is on
ENTRANCE: Final = "/login/"  # the sign-in form and those about it: a cookie keeps their token
COMPANIES: Final = 5  # whose policies are looked at
MANY: Final = 100  # pages, after which a crawl has seen enough


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


@proves(
    "K1",
    tried=_(
        "Signed in by the form and opened %(pages)s pages: one cookie, of one name, and of the "
        "kind that no script reads and no other site's form sends along."
    ),
)
def signing_in_sets_one_cookie(system: System) -> Figures:
    visitor, pages = signed_in(system), 0
    for answer in crawl(visitor, ["/orders/"]):
        pages += 1
        if [cookie.name for cookie in visitor.cookies] != [settings.SESSION_COOKIE_NAME]:
            raise Broken(f"{answer.path} sets a second cookie")
    [cookie] = visitor.cookies
    sent_along = cookie.get_nonstandard_attr("SameSite")
    if not cookie.has_nonstandard_attr("HttpOnly") or sent_along not in ("Lax", "Strict"):
        raise Broken("the cookie is open to scripts or to other sites")
    return {"pages": pages}


@proves(
    "K2",
    tried=_(
        "Signed in and opened %(pages)s pages, then looked for the cookie's value in every table, "
        "file of the database, write-ahead log and log: it is nowhere."
    ),
)
def the_cookie_is_written_down_nowhere(system: System) -> Figures:
    visitor = signed_in(system)
    pages = len(list(crawl(visitor, ["/orders/"])))
    secret = str(visitor.cookies[0].value)
    visitor.get(f"/orders/no-such-page/{pages}/")
    if found := traces.tables_with(system, secret) or traces.files_with(system, secret):
        raise Broken(f"the cookie's value stands in {', '.join(found)}")
    return {"pages": pages}


@proves(
    "T5",
    tried=_(
        "Started the site as production does behind the shipped proxy configuration and shook "
        "hands: TLS 1.0 and 1.1 were refused, 1.2 and 1.3 agreed on. Asked %(plain)s addresses "
        "over plain HTTP: nothing but the redirect. Over HTTPS %(pages)s pages told the browser to "
        "use nothing else for a year, and the cookie travels encrypted only."
    ),
)
def nothing_travels_in_the_clear(system: System) -> Figures:
    if not proxies.found():
        raise Untried("it needs caddy, the proxy that the shipped configuration is for")
    with proxies.proxied() as proxy:
        look_at_handshakes(proxy.https)
        for path in PLAIN:
            look_at_plain_http(proxy, path)
        for path in ENCRYPTED:
            look_at_https(proxy, path)
    return {"plain": len(PLAIN), "pages": len(ENCRYPTED)}


PLAIN: Final = ("/", "/login/", "/healthz", "/metrics", "/static/css/app.css", "/nowhere/")
ENCRYPTED: Final = ("/", "/login/", "/privacy/", "/favicon.ico", "/nowhere/")
HANDSHAKES: Final = {
    TLSVersion.TLSv1: "",
    TLSVersion.TLSv1_1: "",
    TLSVersion.TLSv1_2: "TLSv1.2",
    TLSVersion.TLSv1_3: "TLSv1.3",
}


def look_at_handshakes(port: int) -> None:
    for version, expected in HANDSHAKES.items():
        if (agreed := proxies.handshake(port, version)) != expected:
            raise Broken(f"{version.name} alone agrees on {agreed or 'nothing'}")


def look_at_plain_http(proxy: proxies.Proxy, path: str) -> None:
    answer = proxy.get(path, port=proxy.http)
    there = answer.headers.get("location")
    if (answer.status, there, answer.body) != (308, f"https://{proxies.NAME}{path}", ""):
        raise Broken(f"plain HTTP answers {path} with {answer.status}, not with the redirect alone")


def look_at_https(proxy: proxies.Proxy, path: str) -> None:
    headers = proxy.get(path).headers
    if int((LASTS.search(headers.get("strict-transport-security", "")) or [0, 0])[1]) < A_YEAR:
        raise Broken(f"{path} does not tell browsers to stay with HTTPS")
    cookie = headers.get("set-cookie", "")
    if cookie and not (cookie.startswith("__Host-") and "; Secure" in cookie):
        raise Broken(f"{path} sets a cookie that may travel in the clear")


LASTS: Final = re.compile(r"max-age=(\d+)")


@proves(
    "T2",
    tried=_(
        "Watched the connections of the %(processes)s processes that serve and work while somebody "
        "signed in, opened %(pages)s pages and had letters sent: %(calls)s, all of them to what is "
        "on the list. Tried %(ways)s ways out from inside such a process: each was refused, and "
        "whoever listened outside heard nothing."
    ),
)
def every_connection_is_on_the_list(system: System) -> Figures:
    with listener() as port:
        if ways := breakouts.tried(port):
            raise Broken(f"a process that serves gets out {ways[0].replace('_', ' ')}")
    processes = egress.processes()
    if not processes:
        raise Untried("it needs the processes that serve and work")
    with egress.watching(processes) as seen:
        visitor = signed_in(system)
        pages = len(list(crawl(visitor, ["/orders/", "/"])))
        visitor.fill("/login/password/", email="nobody@aurora.example")
    judge(seen)
    return {
        "processes": len(processes), "pages": pages, "calls": len(seen),
        "ways": len(breakouts.WAYS),
    }  # fmt: skip


def judge(seen: set[egress.Address]) -> None:
    """What was called must be on the list. Raises Broken."""
    known = egress.destinations().values()
    for address, port in seen:
        if not any(port == allowed and egress.leads_to(host, address) for host, allowed in known):
            raise Broken(f"a {egress.kind_of(address)} that is on no list is called")
    if not seen:
        raise Broken("no connection is seen, not even the database's: this attack shows nothing")


@contextmanager
def listener() -> Iterator[int]:
    """Somebody outside, who must hear nothing; his port."""
    with socket.create_server(("127.0.0.1", 0)) as outside:
        outside.setblocking(False)
        yield outside.getsockname()[1]
        with suppress(BlockingIOError):
            outside.accept()
            raise Broken("somebody outside was called")


@proves(
    "T3",
    tried=_(
        "Stored orders with a mark in every field, opened and searched them and typed the mark "
        "wherever something is typed: in %(figures)s figures of the running site and in "
        "%(pages)s pages of errors there was none."
    ),
)
def figures_know_nothing_of_an_order(system: System) -> Figures:
    canary = Canary()
    owner = company_with_orders(10, canary)
    visitor = owner.visiting(served(system))
    walk(visitor, canary.word)
    errors = [visitor.get(path.format(canary.word)) for path in NOWHERE]
    visitor.post(f"/{canary.word}/", {})
    told = visitor.get("/metrics", Authorization=f"Bearer {settings.METRICS_TOKEN}")
    if "covenant_request_seconds_count" not in told.body:
        raise Untried("it needs the METRICS_TOKEN of the site that is served")
    for page in (told, *errors):
        if canary.is_in(page.body) or (owner.company and owner.company.slug in told.body):
            raise Broken(f"{page.path.replace(canary.word, '…')} tells what an order holds")
    return {"figures": len(told.body.splitlines()), "pages": len(errors)}


NOWHERE: Final = ("/{}/", "/orders/{}/", "/c/{}/policy/", "/invitation/{}/")


@proves(
    "T3",
    tried=_(
        "As the operator's own role of the database asked for each of %(tables)s tables in two "
        "ways, and copied it: refused, but for the %(open)s that say nothing of anybody. It has no "
        "right to any other."
    ),
)
def the_operators_role_reads_no_order(system: System) -> Figures:
    company_with_orders(1)
    with system.superuser() as superuser:
        every: dict[str, bool] = dict(
            superuser.execute(TABLES, {"role": roles.OPERATOR_ROLE}).fetchall()
        )
        superuser.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(roles.OPERATOR_ROLE)))
        found = {
            table
            for table, granted in every.items()
            if granted or any(reads(superuser, way, table) for way in READS)
        }
    if beyond := found - OPEN_TO_THE_OPERATOR:
        raise Broken(f"the operator's role reads {', '.join(sorted(beyond))}")
    return {"tables": len(every), "open": len(OPEN_TO_THE_OPERATOR)}


OPEN_TO_THE_OPERATOR: Final = {"policy_proofrun", "policy_proofresult", "django_migrations"}
TABLES: Final = """
SELECT c.oid::regclass::text, has_any_column_privilege(%(role)s, c.oid, 'SELECT, INSERT, UPDATE')
       OR has_table_privilege(%(role)s, c.oid, 'DELETE, TRUNCATE')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname IN ('public', 'gate', 'numbers')
"""
READS: Final = (
    "SELECT * FROM {} LIMIT 1",
    "SELECT count(*) FROM {}",
    "COPY {} TO STDOUT",
)


def reads(operator: Connection, way: str, table: str) -> bool:
    question = sql.SQL(way).format(sql.SQL(table))
    try:
        if way.startswith("COPY"):
            with operator.cursor().copy(question) as copy:
                for _row in copy:
                    pass
        else:
            operator.execute(question)
    except InsufficientPrivilege:
        return False
    return True


# What they share


def served(system: System) -> str:
    if not system.url:
        raise Untried("nobody said where the system is served: prove --url")
    return system.url


def signed_in(system: System) -> Visitor:
    return company_with_orders(3).visiting(served(system))


def public_pages() -> list[str]:
    """Where to begin, so as to see all of them: nothing links to the companies' policies."""
    slugs = Company.objects.using(OWNER).order_by("pk").values_list("slug", flat=True)[:COMPANIES]
    return ["/", *(reverse("policy:company", args=[slug]) for slug in slugs)]


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
