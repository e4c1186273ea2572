"""What people do in a window, by the names in the pages' markup: in every language the same."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page

from tests.factors import App
from tests.people import PASSWORD

AGENT = "agent@aurora.example"
ADMIN = "admin@aurora.example"
PARTNER = "partner@aurora.example"
OWNER = "owner@aurora.example"
STRANGER = "agent@borealis.example"
SUPPORT = "support@covenant.example"
OPERATOR = "operator@covenant.example"
SECOND = "otto@covenant.example"

APPS: dict[str, App] = {}  # of whoever has set one up, by e-mail


def here(page: Page) -> str:
    """The path and the query that the address bar shows."""
    parts = urlsplit(page.url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def come_in(page: Page, email: str) -> None:
    """On to where one was headed, where the way leads by the sign-in form or the acceptance."""
    if here(page).startswith("/login/?next"):
        sign_in(page, email)
    if here(page).startswith("/login/factor/"):
        prove(page, email)
    if here(page).startswith("/account/factors/app/?next"):
        set_up(page, email)
    if here(page).startswith("/accept/?next"):
        accept(page)


def sign_in(page: Page, email: str) -> None:
    """On the sign-in form."""
    page.fill("[name=login]", email)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.primary")


def set_up(page: Page, email: str) -> None:
    """On the page that staff are led to at their first sign-in: a second factor, and its codes."""
    APPS[email] = App.scanning(page.content())
    page.fill("[name=code]", APPS[email].code())
    page.click("main button.primary")
    page.click("main a.primary")


def prove(page: Page, email: str) -> None:
    """On the page that asks for the second factor, at sign-in or anew."""
    page.fill("[name$=code]", APPS[email].code())
    page.click("main button.primary")


def accept(page: Page) -> None:
    """On the page of what waits for acceptance."""
    for box in page.locator(".agree [type=checkbox]").all():
        box.check()
    page.click(".accept button.primary")


def approve(page: Page) -> None:
    """On the page before a version is published, as another operator."""
    form = page.locator("form[action$='/approval/']")
    page.click("details:has(form[action$='/approval/']) > summary")
    form.locator("button.primary").click()
    page.wait_for_selector("form[action$='/withdrawal/']")


def make_link(
    page: Page, reason: str, *, shown: Iterable[str] = (), moves: Iterable[str] = ()
) -> str:
    """From an order's card, or from the page of access links, where it stands for all orders: the
    link, on the page that follows it."""
    whole = not page.locator("a[href*='/access/new/?orders=']").count()
    page.goto(page.locator("a[href*='/access/new/']").first.get_attribute("href") or "")
    page.set_checked("[name=everything]", whole)
    page.fill("[name=reason]", reason)
    for name, values in (("shown", shown), ("moves", moves)):
        for value in values:
            page.check(f"[name={name}][value={value}]")
    page.click("main form.form button.primary")
    if here(page).startswith("/account/confirmation/"):
        page.fill("main [type=password]", PASSWORD)
        page.click("main button.primary")
    return page.locator("#fresh-link").inner_text()


def sign_out(page: Page, at: str = "") -> None:
    if at:
        page.goto(at)
    page.click("details.me > summary")
    page.click("details.me [action='/logout/'] button")


def first_order(page: Page) -> str:
    """The path of the first order that the list shows."""
    return page.locator("[data-rows] th a").first.get_attribute("href") or ""


def take_next(page: Page) -> None:
    page.click("#take-next button")


def move(page: Page, key: str, **required: str) -> None:
    """On an order's card: make the move, filling in what it requires."""
    choice = page.locator(f"[name=move][value={key}]")
    if not required:
        choice.click()
        return
    form = page.locator("form.panel", has=choice)
    form.locator("xpath=preceding-sibling::summary").click()
    for name, value in required.items():
        fill(form.locator(f"[name={name}]:not(button)"), value)
    form.locator(".acts button").click()


def fill(field: Locator, value: str) -> None:
    if field.evaluate("field => field.matches('select')"):
        field.select_option(value)
    else:
        field.fill(value)


def comment(page: Page, text: str) -> None:
    form = page.locator("form[action$='/comment/']")
    form.locator("textarea").fill(text)
    form.locator("button").click()


def reveal(page: Page) -> None:
    page.click("#buyer form[action$='/reveal/'] button")
