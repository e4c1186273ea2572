"""The one cookie: who sets it, and where its value stands."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts import traces
from accounts.proving import Broken, Figures, System, proves
from crmsite.proofs.crawling import NOWHERE, crawl, signed_in


@proves(
    "K1",
    tried=_(
        "Signed in by the form and opened %(pages)s pages: one cookie, of one name, and of the "
        "kind that no script reads and no other site's form sends along."
    ),
)
def signing_in_sets_one_cookie(system: System) -> Figures:
    visitor, pages = signed_in(system), 0
    for answer in crawl(visitor, ["/orders/", *NOWHERE]):
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
