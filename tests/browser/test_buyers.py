"""A buyer's rights, in a browser: which of the orders that name them are meant."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.looks import TELEPHONE, axe_in_light_and_dark, width
from tests.browser.steps import ADMIN
from tests.browser.windows import Windows


def asked_about(page: Page) -> str:
    """The path of the question about whom the first order names."""
    page.goto("/orders/")
    page.locator("[data-rows] th a").first.click()
    telephone = page.locator("#buyer a[href^='tel:']").first.get_attribute("href") or ""
    page.goto("/company/buyers/")
    page.fill("[name=who]", telephone.removeprefix("tel:"))
    page.click("main button.primary")
    page.wait_for_url(re.compile(r"/company/buyers/[0-9a-f-]{36}/$"))
    return page.url


def test_orders_are_ticked_by_keyboard_and_counted_on_a_narrow_telephone(windows: Windows):
    page = windows.of(ADMIN, viewport=TELEPHONE)
    question = asked_about(page)
    page.goto(f"{question}correction/")
    orders = page.locator("[name=orders]").count()
    counted = page.locator("output[data-counts=orders]")
    expect(counted).to_have_text(f"{orders} / {orders}")
    page.locator("[name=orders]").first.focus()
    page.keyboard.press("Space")
    expect(counted).to_have_text(f"{orders - 1} / {orders}")
    assert width(page) <= TELEPHONE["width"]
    assert axe_in_light_and_dark(page) == []


def test_an_order_is_left_out_of_an_erasure_where_the_page_was_asked_to(windows: Windows):
    page = windows.of(ADMIN, viewport=TELEPHONE)
    question = asked_about(page)
    page.locator("a[href$='/erasure/']").wait_for()  # once all has been read
    page.goto(f"{question}erasure/")
    expect(page.locator("[name=kept]").first).to_be_hidden()
    page.click("summary:has-text('Leave orders out')")
    page.locator("[name=kept]").first.check()
    assert page.locator("output[data-counts=kept]").inner_text().startswith("1 / ")
    page.click("main button.danger")
    expect(page.locator(".say.t-bad")).to_contain_text("Say why")
    assert page.locator("[name=kept]").first.is_checked()
    assert width(page) <= TELEPHONE["width"]
    assert axe_in_light_and_dark(page) == []
