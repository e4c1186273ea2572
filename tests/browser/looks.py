"""What is measured of how a page looks."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

TELEPHONE: ViewportSize = {"width": 320, "height": 568}


def width(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))


def axe(page: Page, *rules: str) -> list[str]:
    """The violations: their rules, and what breaks them."""
    only = {"runOnly": list(rules)} if rules else {}
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False, **only})
    return [
        f"{violation['id']}: {node['html']}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]


def axe_in_light_and_dark(page: Page) -> list[str]:
    page.emulate_media(color_scheme="dark")
    dark = axe(page, "color-contrast")
    page.emulate_media(color_scheme="light")
    return axe(page) + dark
