"""Windows of the browser, and an eye on what their pages do that no page of ours should."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from tests.browser import steps

PATIENCE = 15_000  # milliseconds


class Windows:
    """Opens windows on the site. `complaints` are about all that have been open since the last
    `close`."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address
        self.sessions: dict[str, Any] = {}  # e-mail -> the cookies of a session that goes on
        self.orders: dict[str, str] = {}  # e-mail -> the path of an order that they see
        self.opened: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, **options: Any) -> Page:
        """A window of somebody who has never been here. `options` are Playwright's new_context's"""
        context = self.browser.new_context(base_url=self.address, **options)
        context.set_default_timeout(PATIENCE)
        context.on("console", self.hear)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", self.see_off)
        context.on("response", self.take_in)
        self.opened.append(context)
        return context.new_page()

    def of(self, email: str, at: str = "/orders/", **options: Any) -> Page:
        """A window of somebody who has signed in and accepted what was asked, open at a path.

        One sign-in serves many tests: passwords are checked slowly, and so many a minute.
        """
        page = self.open(storage_state=self.sessions.get(email), **options)
        if email not in self.sessions:
            page.goto("/orders/")
            steps.come_in(page, email)
            self.sessions[email] = page.context.storage_state()
        page.goto(at)
        steps.come_in(page, email)
        return page

    def order_of(self, email: str) -> str:
        """The path of the first order that they see."""
        if email not in self.orders:
            self.orders[email] = steps.first_order(self.of(email))
        return self.orders[email]

    def forget(self) -> None:
        """Nobody is signed in any more, or has a second factor, and other orders are there."""
        self.sessions.clear()
        self.orders.clear()
        steps.APPS.clear()

    def close(self) -> list[str]:
        """Close all, and return the complaints."""
        for context in self.opened:
            context.close()
        complaints = self.complaints
        self.opened, self.complaints = [], []
        return complaints

    # What is watched.

    def hear(self, message: ConsoleMessage) -> None:
        """Errors of scripts and of the content security policy. Answers of 404 are errors to the
        console, too, pages among them: `take_in` tells those from what a page loads."""
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def see_off(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "data:", "blob:")):
            self.complaints.append(f"a request to {urlsplit(request.url).netloc}")

    def take_in(self, response: Response) -> None:
        worst = 500 if response.request.resource_type == "document" else 400
        if response.status >= worst:
            self.complaints.append(f"{response.status} of {response.url}")
