"""A working day without a mouse."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.steps import AGENT, here
from tests.browser.windows import Windows


@pytest.fixture
def page(windows: Windows) -> Page:
    return windows.of(AGENT)


def is_outlined(element: Locator) -> bool:
    """Itself, or the row that its link covers."""
    style = "e => getComputedStyle(e.closest('tbody tr') ?? e).outlineStyle"
    return bool(element.evaluate(style) == "solid")


def test_the_first_tab_offers_to_skip_to_the_content(page: Page):
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#work")).to_be_focused()


def test_whatever_tab_reaches_is_marked_and_tab_leaves_it_again(page: Page):
    page.goto("/orders/?status=hold")
    reached = []
    for _press in range(40):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if not focused.count():
            break
        assert is_outlined(focused), focused.evaluate("e => e.outerHTML")
        reached.append(focused.evaluate("e => e.outerHTML"))
    assert len(set(reached)) > 20


def test_j_and_k_walk_the_orders_and_enter_opens_one(page: Page):
    orders = page.locator("[data-rows] th a")
    for key in "jjjk":
        page.keyboard.press(key)
    expect(orders.nth(1)).to_be_focused()
    assert is_outlined(orders.nth(1))
    path = orders.nth(1).get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}")


def test_a_slash_leads_to_the_search(page: Page):
    order = page.locator("[data-rows] th a").nth(2)
    number, path = order.inner_text().strip("№\xa0 "), order.get_attribute("href")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}")


def test_the_palette_opens_an_order_by_its_number(page: Page):
    order = page.locator("[data-rows] th a").nth(2)
    number, path = order.inner_text().strip("№\xa0 "), order.get_attribute("href")
    page.goto("/company/")
    page.keyboard.press("Control+k")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}")


def test_a_question_mark_tells_the_keys_and_escape_closes_it(page: Page):
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()


def test_the_palette_takes_the_next_order_and_the_keyboard_decides_on_it(page: Page):
    page.keyboard.press("Control+k")
    page.keyboard.type("take")
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/*-*/")
    page.locator("button:has-text('No answer')").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".head .st")).to_contain_text("No answer")


def test_the_palette_searches_for_what_is_no_command(page: Page):
    page.goto("/company/")
    page.keyboard.press("Control+k")
    page.keyboard.type("zzz")
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/?q=zzz")
    page.keyboard.press("Control+k")
    page.keyboard.type("new")
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/new/")


def test_the_menu_closes_by_escape_and_gives_the_focus_back(page: Page):
    summary = page.locator("details.me > summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details.me .menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("details.me .menu")).to_be_hidden()
    expect(summary).to_be_focused()
    assert here(page) == "/orders/"
