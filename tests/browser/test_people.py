"""The people page, on a telephone and beside it, with scripts and without."""

import re

from playwright.sync_api import Page, expect

from tests.browser.looks import TELEPHONE, axe_in_light_and_dark
from tests.browser.steps import ADMIN, OWNER, here
from tests.browser.windows import Windows

LINK = re.compile(r"http://127\.0\.0\.1:\d+/invitation/[\w-]{43}/")


def invite(page: Page, email: str) -> None:
    form = page.locator("form[action='/company/invitations/']")
    form.locator("[name=email]").fill(email)
    form.locator("button").click()


def test_on_a_telephone_nothing_of_a_person_is_cut_off(windows: Windows):
    page = windows.of(ADMIN, "/company/", viewport=TELEPHONE)
    page.locator(".people details.change > summary").first.click()
    outside = page.locator(".people :is(th, td, select, button, summary)").evaluate_all(
        "all => all.filter(each => each.getBoundingClientRect().right > innerWidth).length"
    )
    assert outside == 0
    assert axe_in_light_and_dark(page) == []


def test_an_invitations_link_is_copied(windows: Windows):
    page = windows.of(ADMIN, "/company/", permissions=["clipboard-read", "clipboard-write"])
    invite(page, "nora@new.example")
    page.click("[data-copies]")
    expect(page.locator("[data-copies]")).to_have_text("Copied")
    assert LINK.fullmatch(page.evaluate("navigator.clipboard.readText()"))


def test_where_copying_is_forbidden_the_link_is_selected(windows: Windows):
    page = windows.of(ADMIN, "/company/")
    invite(page, "nils@new.example")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject() }")
    page.click("[data-copies]")
    page.wait_for_function("getSelection().toString()")
    assert LINK.fullmatch(page.evaluate("getSelection().toString()"))


def test_without_scripts_the_link_is_there_to_select(windows: Windows):
    page = windows.of(ADMIN, "/company/", java_script_enabled=False)
    invite(page, "nick@new.example")
    assert LINK.fullmatch(page.locator("#fresh-link").inner_text())
    expect(page.locator("[data-copies]")).to_be_hidden()


def test_the_menu_leads_out_of_the_company_and_back(windows: Windows):
    page = windows.of(OWNER)
    page.click("details.me > summary")
    page.click("details.me a[href='/company/departure/']")
    page.click("main a[href='/orders/']")
    assert here(page) == "/orders/"
    page.goto("/company/departure/")
    page.click("main button.danger")  # the only owner, who is therefore told to stay
    expect(page.locator(".messages .say")).to_be_visible()
    assert here(page) == "/company/departure/"
