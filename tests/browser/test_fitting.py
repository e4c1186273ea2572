"""What a page shows fits its window: nothing is cut off, and nothing has to be pushed sideways."""

import pytest
from playwright.sync_api import Page

from tests.browser.looks import TELEPHONE
from tests.browser.steps import ADMIN, PARTNER
from tests.browser.windows import Windows

CUT = "all => all.filter(each => each.scrollWidth > each.clientWidth).length"


def cut(page: Page, selector: str) -> int:
    return int(page.locator(selector).evaluate_all(CUT))


@pytest.mark.parametrize("width", [1024, 1440])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_all_tabs_are_in_sight_however_many_orders_they_count(
    windows: Windows, width: int, language: str
):
    page = windows.of(ADMIN, viewport={"width": width, "height": 900}, locale=language)
    page.locator(".tabs .count").evaluate_all("all => all.forEach(e => e.textContent = '1,000+')")
    assert cut(page, ".tabs") == 0
    assert page.locator(".tabs a").count() == 14


def test_on_a_telephone_the_open_tab_comes_into_sight(windows: Windows):
    page = windows.of(ADMIN, "/orders/?status=trash", viewport=TELEPHONE)
    box = page.locator(".tabs [aria-current]").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= TELEPHONE["width"]


@pytest.mark.parametrize("who", [ADMIN, PARTNER])
def test_on_a_telephone_no_table_of_a_card_moves_sideways(windows: Windows, who: str):
    page = windows.of(who, windows.order_of(who), viewport=TELEPHONE)
    assert page.locator(".items tbody tr").count() > 0
    assert cut(page, ".scroll") == 0
