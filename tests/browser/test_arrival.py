"""The first day: from the sign-in form by the policies to the orders, and through them."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.looks import TELEPHONE, axe_in_light_and_dark, width
from tests.browser.site import Site
from tests.browser.steps import AGENT, OWNER, here
from tests.browser.windows import Windows

pytestmark = pytest.mark.usefixtures("demo_anew")


def test_whoever_signs_in_is_stopped_by_the_policies_and_then_lands_where_he_was_headed(
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


def test_the_page_of_acceptance_suits_everybody_who_has_to_read_it(windows: Windows):
    page = windows.open(viewport=TELEPHONE, reduced_motion="reduce")
    page.goto("/orders/")
    steps.sign_in(page, OWNER)
    assert here(page).startswith("/accept/")
    assert width(page) <= TELEPHONE["width"]
    assert axe_in_light_and_dark(page) == []


def test_nobody_goes_on_with_a_policy_unread(windows: Windows):
    page = windows.open()
    page.goto("/company/")
    steps.sign_in(page, OWNER)
    page.evaluate("document.querySelector('form.accept').noValidate = true")
    page.locator(".agree [type=checkbox]").first.check()
    page.click(".accept button.primary")
    expect(page.locator(".agree")).to_have_count(1)
    steps.accept(page)
    assert here(page) == "/company/"


def test_an_agent_takes_the_next_order_calls_and_confirms_it(windows: Windows):
    page = windows.of(AGENT)
    tomorrow = datetime.now() + timedelta(days=1)
    steps.take_next(page)
    order = here(page)
    steps.move(page, "no_answer")
    expect(page.locator(".head .st")).to_contain_text("No answer")
    steps.move(page, "recall", recall_at=f"{tomorrow:%Y-%m-%dT%H:%M}")
    expect(page.locator(".timeline")).to_contain_text("Call again")
    steps.comment(page, "The courier should ring twice.")
    expect(page.locator(".timeline blockquote").first).to_have_text(
        "The courier should ring twice."
    )
    steps.reveal(page)
    expect(page.locator("#buyer a[href^='tel:+']")).to_be_visible()
    expect(page.locator("#buyer [action$='/reveal/']")).to_have_count(0)
    assert here(page) == order


def test_an_order_is_confirmed_only_with_what_its_delivery_needs(windows: Windows):
    page = windows.of(AGENT, "/orders/new/")
    page.fill("[name=name]", "Ovidiu Nastase")
    page.fill("[name=phone]", "+40 722 345 678")
    page.click("main .form button.primary")
    steps.move(page, "take")
    page.click("summary:has-text('Confirm')")
    page.click(".locked button[name=then][value*='address']")
    page.fill("[name=address]", "Str. Lalelelor 7")
    page.fill("[name=items-0-name]", "Kettle")
    page.fill("[name=items-0-quantity]", "1")
    page.fill("[name=items-0-price]", "39,90")
    page.click("main .form button.primary")
    steps.move(page, "confirm")
    expect(page.locator(".head .st")).to_contain_text("Confirmed")


def test_what_is_being_written_when_a_new_version_comes_is_sent_once_it_is_accepted(
    windows: Windows, site: Site, tmp_path: Path
):
    texts = {language: tmp_path / f"{language}.md" for language in ("en", "ru")}
    for language, text in texts.items():
        text.write_text(f"# The policy in {language}, once more")
    page = windows.of(AGENT, windows.order_of(AGENT), java_script_enabled=False)
    order = here(page)
    site.manage("publish_policy", "--kind=crm", *(f"--lang={k}={v}" for k, v in texts.items()))
    steps.comment(page, "Five minutes' work.")
    assert here(page).startswith("/accept/")
    steps.accept(page)
    assert here(page) == order
    expect(page.locator(".timeline")).to_contain_text("Five minutes' work.")
