"""An access link with both at their windows at once: who lets support in, and support."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.looks import TELEPHONE, axe_in_light_and_dark, width
from tests.browser.steps import AGENT, SUPPORT, here
from tests.browser.windows import PATIENCE, Windows

REASON = "The total is higher than the items"


@pytest.fixture
def ana(windows: Windows) -> Page:
    """An agent, at the card of an order that is on hold."""
    page = windows.of(AGENT, "/orders/?status=hold")
    page.goto(steps.first_order(page))
    return page


@pytest.fixture
def sue(windows: Windows) -> Iterator[Page]:
    """Support, at its desk, and afterwards under no link any more. Its session's secret changes."""
    page = windows.of(SUPPORT, "/support/", reduced_motion="reduce")
    yield page
    page.goto("/support/")
    if (end := page.locator("form[action='/support/ending/'] button")).count():
        end.first.click()
    windows.sessions[SUPPORT] = page.context.storage_state()


def test_support_is_let_in_from_an_order_followed_and_shut_out(ana: Page, sue: Page):
    order = here(ana)
    name = ana.locator("#buyer dd").first.inner_text()
    link = steps.make_link(ana, REASON, shown=["name"], moves=["no_answer"])
    ask(sue, link)
    sue.goto(order)
    assert name not in sue.content() and here(sue) == "/staff/"
    sue.goto("/support/")
    let_in(ana, sue)
    looks_at(sue, order, name)
    steps.move(sue, "no_answer")
    expect(sue.locator(".head .st")).to_contain_text("No answer")
    follows(ana, "moved the order")
    follows(ana, "looked at the order")
    ana.click("#shut")
    expect(ana.locator("#watched .st")).to_contain_text("Revoked")
    expect(sue.locator("#standing")).to_be_visible(timeout=PATIENCE)  # by itself
    is_shut_out(sue, name)
    sue.go_back()
    is_shut_out(sue, name)
    ana.goto("/account/")
    expect(ana.locator("main")).to_contain_text("by Sue Archer")


def ask(sue: Page, link: str) -> None:
    sue.goto(link)
    expect(sue.locator("[name=code]")).to_have_value(link.partition("#")[2])
    assert here(sue) == "/support/" and "#" not in sue.url
    send(sue)


def send(sue: Page) -> None:
    sue.click("form[data-link] button.primary")
    steps.come_in(sue, SUPPORT)
    expect(sue.locator("#ask-no-more")).to_be_visible()


def let_in(ana: Page, sue: Page) -> None:
    """Both pages look by themselves."""
    expect(ana.locator("#let-in")).to_contain_text("Sue Archer", timeout=PATIENCE)
    expect(ana.locator("#fresh-link")).to_be_hidden()
    ana.click("#let-in")
    expect(sue.locator("#standing a[href='/orders/']")).to_be_visible(timeout=PATIENCE)


def looks_at(sue: Page, order: str, name: str) -> None:
    sue.goto("/orders/")
    expect(sue.locator("[data-rows] tr")).to_have_count(1)
    sue.goto(order)
    frame = sue.locator(".under-grant")
    expect(frame).to_contain_text(REASON)
    expect(frame.locator("[data-left]")).to_have_attribute("data-left", re.compile("^00:5"))
    buyer = sue.locator("#buyer")
    expect(buyer).to_contain_text(name)
    expect(buyer).to_contain_text("•••")
    expect(buyer.locator("a")).to_have_count(0)


def follows(ana: Page, deed: str) -> None:
    expect(ana.locator("#watched .timeline")).to_contain_text(deed, timeout=PATIENCE)


def is_shut_out(sue: Page, name: str) -> None:
    assert here(sue).startswith("/support/")
    expect(sue.locator(".under-grant")).to_have_count(0)
    expect(sue.locator("#standing .say")).to_contain_text("Aurora is shut to you")
    assert name not in sue.content()


def test_every_page_of_it_suits_everybody_who_has_to_read_it(ana: Page, sue: Page):
    order = here(ana)
    ask(sue, steps.make_link(ana, REASON, shown=["name"], moves=["no_answer"]))
    expect(ana.locator("#let-in")).to_be_visible(timeout=PATIENCE)
    fits(sue, here(sue))
    fits(ana, here(ana))
    ana.click("#let-in")
    for path in ("/support/", "/orders/", order, "/company/"):  # the last is refused
        fits(sue, path)
        expect(sue.locator(".under-grant")).to_be_visible()
    for path in ("/access/", here(ana)):
        fits(ana, path)
    sue.click("#end-access")
    expect(sue.locator("[name=code]")).to_be_visible()


def fits(page: Page, path: str) -> None:
    desk = page.viewport_size
    assert desk
    page.goto(path)
    assert axe_in_light_and_dark(page) == [], path
    page.set_viewport_size(TELEPHONE)
    for language in ("ru", "en"):
        page.set_extra_http_headers({"Accept-Language": language})
        page.reload()
        assert width(page) <= TELEPHONE["width"], (path, language)
    page.set_viewport_size(desk)


def test_a_link_that_was_opened_before_signing_in_is_taken_along(
    windows: Windows, ana: Page, sue: Page
):
    link = steps.make_link(ana, REASON)
    page = windows.open()
    page.goto(link)
    assert here(page) == "/login/?next=/support/"
    steps.come_in(page, SUPPORT)
    expect(page.locator("[name=code]")).to_have_value(link.partition("#")[2])
    assert here(page) == "/support/" and "#" not in page.url


def test_a_link_that_is_opened_during_other_work_waits_for_its_end(ana: Page, sue: Page):
    ask(sue, steps.make_link(ana, REASON))
    ana.goto("/access/")
    other = steps.make_link(ana, REASON)
    sue.goto(other)
    expect(sue.locator("[data-link-waits]")).to_be_visible()
    sue.click("#ask-no-more")
    expect(sue.locator("[name=code]")).to_have_value(other.partition("#")[2])


def test_a_second_browser_says_what_is_open_in_the_first_and_ends_it(
    windows: Windows, ana: Page, sue: Page
):
    ask(sue, steps.make_link(ana, REASON))
    let_in(ana, sue)
    ana.goto("/access/")
    other = steps.make_link(ana, REASON)
    there = windows.open()
    there.goto(other)
    steps.come_in(there, SUPPORT)
    expect(there.locator("#standing .say")).to_contain_text("open to you in another browser")
    expect(there.locator("[data-link-waits]")).to_be_visible()
    assert axe_in_light_and_dark(there) == []
    there.click("#end-elsewhere")
    expect(there.locator("[name=code]")).to_have_value(other.partition("#")[2])
    send(there)
    there.click("#ask-no-more")
    sue.goto("/orders/")
    expect(sue.locator("#standing .say")).to_contain_text("You ended this work in another browser")


def test_it_all_works_without_scripts(windows: Windows, sue: Page):
    plain = {"java_script_enabled": False}
    ana = windows.of(AGENT, windows.order_of(AGENT), **plain)
    order = here(ana)
    link = steps.make_link(ana, REASON)
    page = windows.open(**plain, storage_state=sue.context.storage_state())
    page.goto("/support/")
    page.fill("[name=code]", link)
    send(page)
    ana.goto("/access/")
    ana.click(".table th a >> nth=0")
    ana.click("#let-in")
    page.goto(order)
    expect(page.locator(".under-grant")).to_be_visible()
    ana.click("#shut")
    page.click("a.crumb")
    expect(page.locator("#standing .say")).to_contain_text("Aurora is shut to you")
    sue.context.add_cookies(page.context.cookies())  # the session goes on under another secret


def test_a_page_asks_again_when_its_time_is_over(ana: Page, sue: Page):
    order = here(ana)
    sue.clock.install()
    ask(sue, steps.make_link(ana, REASON))
    let_in(ana, sue)
    sue.goto(order)
    expect(sue.locator("#buyer")).to_be_visible()
    ana.click("#shut")
    expect(ana.locator("#watched .st")).to_contain_text("Revoked")
    sue.clock.fast_forward("01:00:01")
    expect(sue.locator("#standing .say")).to_contain_text("Aurora is shut to you")
