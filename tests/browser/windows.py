"""Windows of the browser, and an eye on what their pages do that no page of ours should."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from tests.browser import steps

PATIENCE = 10_000  # milliseconds


class Windows:
    """Opens windows on the site; `complaints` are of all of them."""

    def __init__(self, browser: Browser, address: str, sessions: dict[str, Any]) -> None:
        self.browser = browser
        self.address = address
        self.sessions = sessions  # e-mail -> the cookie jar of a sign-in that goes on
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

    def of(self, email: str, **options: Any) -> Page:
        """A window of somebody signed in, who has accepted everything and stands at /orders/."""
        page = self.open(storage_state=self.sessions.get(email), **options)
        steps.come_in(page, email)
        self.sessions[email] = page.context.storage_state()
        return page

    def close(self) -> None:
        for context in self.opened:
            context.close()

    # What is watched.

    def hear(self, message: ConsoleMessage) -> None:
        """Errors of scripts and of the content security policy. A page that answers 404 is told
        of here, too, as if that were one; `take_in` tells pages from what they load."""
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def see_off(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "data:", "blob:")):
            self.complaints.append(f"a request to {urlsplit(request.url).netloc}")

    def take_in(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type != "document":
            self.complaints.append(f"{response.status} of {response.url}")
        if response.status >= 500:
            self.complaints.append(f"{response.status} of {response.url}")
