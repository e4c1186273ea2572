"""What is measured of how a page looks."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

TELEPHONE: ViewportSize = {"width": 320, "height": 568}
ALIKE = "[data-rows] tr:nth-child(n + 15)"  # axe takes its time, and so many rows tell no more


def width(page: Page) -> int:
    page.wait_for_load_state()  # where a form has just led on, there is no document yet
    return int(page.evaluate("document.documentElement.scrollWidth"))


def axe(page: Page, *rules: str) -> list[str]:
    """The violations: their rules, and what breaks them."""
    page.wait_for_load_state()
    only = {"runOnly": list(rules)} if rules else {}
    options = {"resultTypes": ["violations"], "preload": False, **only}
    found = Axe().run(page, context={"exclude": [[ALIKE]]}, options=options)
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
