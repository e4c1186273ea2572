"""What holds for every page, whoever opens it."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from django.urls import resolve
from playwright.sync_api import Page

from tests.browser.looks import TELEPHONE, axe, axe_in_light_and_dark, width
from tests.browser.pages import EACH, NOBODY, NOWHERE, PAGES, each_page, open_page
from tests.browser.steps import ADMIN, AGENT, OPERATOR
from tests.browser.windows import Windows


@each_page
def test_axe_finds_nothing_in_light_or_dark(windows: Windows, who: str, path: str):
    assert axe_in_light_and_dark(open_page(windows, who, path, reduced_motion="reduce")) == []


@each_page
def test_nothing_is_wider_than_a_narrow_telephone(windows: Windows, who: str, path: str):
    page = open_page(windows, who, path, viewport=TELEPHONE)
    for language in ("en", "ru"):
        page.set_extra_http_headers({"Accept-Language": language})
        page.reload()
        assert page.locator("html").get_attribute("lang") == language
        assert width(page) <= TELEPHONE["width"], language


@pytest.mark.parametrize("path", ["/orders/", "{order}"])
def test_axe_finds_nothing_in_what_a_page_can_open(windows: Windows, path: str):
    page = open_page(windows, AGENT, path, reduced_motion="reduce")
    page.eval_on_selector_all("details", "all => all.forEach(each => each.open = true)")
    assert axe(page) == []
    for shown in ("palette", "shortcuts"):
        page.evaluate("id => document.getElementById(id).showModal()", shown)
        assert axe_in_light_and_dark(page) == []
        page.keyboard.press("Escape")


def test_whoever_is_not_signed_in_is_given_nothing_to_keep(windows: Windows):
    page = windows.open()
    for path in PAGES[NOBODY]:
        if path not in ("/login/", "/login/password/"):  # forms, whose token a session keeps
            page.goto(path)
            assert page.context.cookies() == [], path
            assert kept_in(page) == [0, 0, 0], path


@pytest.mark.parametrize("who", [AGENT, ADMIN, OPERATOR])
def test_whoever_is_signed_in_carries_exactly_one_cookie(windows: Windows, who: str):
    page = windows.of(who)
    for path in PAGES[who]:
        page.goto(path.format(order="/orders/"))
        assert [cookie["name"] for cookie in page.context.cookies()] == ["covenant"], path
        assert kept_in(page) == [0, 0, 0], path


def kept_in(page: Page) -> list[int]:
    """How many things the page's scripts keep in the browser, by the three places there are."""
    found: list[int] = page.evaluate(
        "async () => [localStorage.length, sessionStorage.length,"
        " (await indexedDB.databases()).length]"
    )
    return found


# The acceptance page is looked at where somebody is stopped (test_arrival), an import where one is
# made (test_importing), an access link where it lets somebody in (test_access), a buyer where one
# is asked for (test_buyers), a difference is there once another test has published; the others are
# files.
ELSEWHERE = {
    "policy:accept", "policy:diff", "policy:receipt", "policy:verifier", "policy:bundle",
    "orders:import_progress", "orders:access_link", "orders:buyer",
}  # fmt: skip


@pytest.mark.parametrize("who", PAGES, ids=lambda who: who.partition("@")[0] or "nobody")
def test_no_page_links_to_one_that_is_not_looked_at_here(windows: Windows, who: str):
    looked_at = {view_of(path) for _who, path in EACH} | ELSEWHERE
    page = windows.of(who) if who else windows.open()
    for path in PAGES[who]:
        read = page.request.get(
            path.format(order=windows.order_of(who) if "{order}" in path else "")
        )
        links = set(re.findall(r'<a [^>]*href="(/[^"?#]*)', read.text()))
        assert {view_of(link) for link in links} <= looked_at, path


def view_of(path: str) -> str:
    known = path.format(order=f"/orders/{UUID(int=0)}/").partition("?")[0]
    return "" if known == NOWHERE else resolve(known).view_name
