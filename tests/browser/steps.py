"""What people do in a window, by the names in the pages' markup: in every language the same."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.people import PASSWORD

AGENT = "agent@aurora.example"
ADMIN = "admin@aurora.example"
PARTNER = "partner@aurora.example"
OWNER = "owner@aurora.example"
STRANGER = "agent@borealis.example"
SUPPORT = "support@covenant.example"
OPERATOR = "operator@covenant.example"


def here(page: Page) -> str:
    """The path and the query that the address bar shows."""
    parts = urlsplit(page.url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def come_in(page: Page, email: str) -> None:
    """To the orders, signing in and accepting where that is asked."""
    page.goto("/orders/")
    if here(page).startswith("/login/"):
        sign_in(page, email)
    if here(page).startswith("/accept/"):
        accept(page)


def sign_in(page: Page, email: str) -> None:
    """On the sign-in form."""
    page.fill("[name=login]", email)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.primary")


def accept(page: Page) -> None:
    """On the page of what waits for acceptance."""
    for box in page.locator(".agree [type=checkbox]").all():
        box.check()
    page.click(".accept button.primary")


def sign_out(page: Page) -> None:
    page.click("details.me > summary")
    page.click("details.me [action='/logout/'] button")


def first_order(page: Page) -> str:
    """The path of the first order that the list shows."""
    return page.locator("[data-rows] th a").first.get_attribute("href") or ""
