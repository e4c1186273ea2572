"""The card in a window: what is typed is not lost, and the way back leads where one came from."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.steps import ADMIN, AGENT, here
from tests.browser.windows import Windows

LIST = "/orders/?status=hold"


def test_what_stands_in_the_comment_box_goes_along_with_a_step_that_asks(windows: Windows):
    page = windows.of(ADMIN, LIST)
    page.goto(steps.first_order(page))
    page.fill("#saying textarea", "Rang twice.")
    steps.move(page, "cancel", reason="too_expensive")
    expect(page.locator(".head .st")).to_contain_text("Cancelled")
    expect(page.locator(".timeline blockquote").first).to_have_text("Rang twice.")


def test_and_without_scripts_with_one_that_does_not(windows: Windows):
    page = windows.of(ADMIN, LIST, java_script_enabled=False)
    page.goto(steps.first_order(page))
    page.fill("#saying textarea", "Rang twice.")
    steps.move(page, "no_answer")
    expect(page.locator(".head .st")).to_contain_text("No answer")
    expect(page.locator(".timeline blockquote").first).to_have_text("Rang twice.")


@pytest.mark.parametrize("scripts", [True, False])
def test_what_stands_there_is_kept_when_one_leaves_by_a_button(windows: Windows, scripts: bool):
    page = windows.of(AGENT, "/orders/?status=new", java_script_enabled=scripts)
    page.goto(steps.first_order(page))
    left = here(page)
    page.fill("#saying textarea", "Prefers mornings.")
    page.click(".head [value=edit]")
    expect(page.locator("[name=address]")).to_be_visible()
    page.goto(left)
    page.fill("#saying textarea", "Rings at eight.")
    page.click(".head [value=next]")
    page.wait_for_url(lambda url: left not in url)
    page.goto(left)
    expect(page.locator(".timeline")).to_contain_text("Rings at eight.")
    expect(page.locator(".timeline")).to_contain_text("Prefers mornings.")


def test_and_when_one_leaves_by_the_palette(windows: Windows):
    page = windows.of(AGENT, "/orders/?status=new")
    page.goto(steps.first_order(page))
    left = here(page)
    page.fill("#saying textarea", "Speaks German.")
    page.keyboard.press("Control+k")
    page.click("#command-take")
    page.wait_for_url(lambda url: left not in url)
    page.goto(left)
    expect(page.locator(".timeline")).to_contain_text("Speaks German.")


def test_the_way_back_leads_to_the_list_as_it_was_left_after_deeds_too(windows: Windows):
    page = windows.of(ADMIN, LIST)
    page.locator("[data-rows] th a").first.click()
    steps.comment(page, "Seen.")
    expect(page.locator(".timeline blockquote").first).to_have_text("Seen.")
    page.click("a.crumb")
    page.wait_for_url(f"**{LIST}")
    assert here(page) == LIST
