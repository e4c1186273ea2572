from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.steps import AGENT, here
from tests.browser.windows import Windows


def test_a_stranger_signs_in_is_stopped_by_the_policies_and_lands_where_he_was_headed(
    windows: Windows,
):
    page = windows.open()
    page.goto("/orders/?status=new")
    steps.sign_in(page, AGENT)
    expect(page.locator(".agree")).to_have_count(2)
    page.goto("/orders/?status=new")
    assert here(page) == "/accept/?next=/orders/%3Fstatus%3Dnew"
    steps.accept(page)
    assert here(page) == "/orders/?status=new"
    expect(page.locator("[data-rows] tr").first).to_be_visible()
