"""The same work with scripts blocked. An import has its own, in test_importing."""

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.steps import AGENT, here
from tests.browser.windows import Windows


def test_one_signs_in_filters_and_signs_out(windows: Windows):
    page = windows.open(java_script_enabled=False)
    page.goto("/orders/")
    steps.come_in(page, AGENT)
    page.click("details.filter > summary")
    page.fill("[name=since]", "2000-01-01")
    page.click(".filters .panel button.primary")
    expect(page.locator(".chip")).to_have_count(1)
    page.fill("[name=q]", "nobody-of-that-name")
    page.press("[name=q]", "Enter")
    expect(page.locator("[data-rows]")).to_have_count(0)
    steps.sign_out(page)
    assert here(page) == "/"


def test_one_enters_an_order_and_leads_it_on(windows: Windows):
    page = windows.of(AGENT, "/orders/new/", java_script_enabled=False)
    page.fill("[name=name]", "Ovidiu Nastase")
    page.fill("[name=phone]", "+40 722 345 678")
    page.click("main .form button.primary")
    steps.move(page, "take")
    expect(page.locator("[name=move][value=cancel]")).to_have_count(1)  # it has been taken
    steps.reveal(page)
    expect(page.locator("#buyer a[href^='tel:+']")).to_be_visible()
    steps.comment(page, "Rings at eight.")
    expect(page.locator(".timeline blockquote").first).to_have_text("Rings at eight.")
    steps.move(page, "cancel", reason="too_expensive")
    expect(page.locator(".head .st")).to_contain_text("Cancelled")


def test_nothing_is_offered_that_only_a_script_could_do(windows: Windows):
    page = windows.of(AGENT, "/orders/new/", java_script_enabled=False)
    for button in page.locator(".needs-script").all():
        expect(button).to_be_hidden()
