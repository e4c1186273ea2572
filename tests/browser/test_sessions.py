"""A session that ends, or is stopped, while its pages are still open."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.steps import AGENT, OPERATOR, SECOND, here
from tests.browser.windows import Windows
from tests.people import PASSWORD


@pytest.fixture
def page(windows: Windows) -> Page:
    """An order's card, in a session of its own."""
    page = windows.open()
    page.goto("/orders/")
    steps.come_in(page, AGENT)
    page.click("[data-rows] th a >> nth=0")
    expect(page.locator("#buyer")).to_be_visible()
    return page


def test_signing_out_in_one_tab_ends_the_other(page: Page):
    order = here(page)
    steps.sign_out(page.context.new_page(), at="/orders/")
    page.reload()
    assert here(page) == f"/login/?next={order}"
    assert page.context.cookies() == [] or page.locator("[name=login]").is_visible()


def test_the_back_button_shows_no_order_after_signing_out(page: Page):
    order = here(page)
    steps.sign_out(page)
    assert here(page) == "/"
    page.go_back()
    assert here(page) == f"/login/?next={order}"
    page.go_back()
    expect(page.locator("[data-rows], #buyer")).to_have_count(0)


def test_no_browser_may_keep_what_it_was_shown(page: Page):
    for path in (here(page), "/orders/", "/company/", "/orders/no-such-page/", "/"):
        kept = page.request.get(path).headers["cache-control"]
        assert {"private", "no-store"} <= set(kept.split(", ")), path


def test_revealing_after_the_session_has_ended_leads_to_the_sign_in_form(page: Page):
    order = here(page)
    steps.sign_out(page.context.new_page(), at="/orders/")
    steps.reveal(page)
    page.wait_for_url(f"**/login/?next={order}")
    steps.sign_in(page, AGENT)
    assert here(page) == order


def test_a_page_from_before_signing_in_anew_is_loaded_anew_and_says_so(page: Page):
    other = page.context.new_page()
    steps.sign_out(other, at="/orders/")
    other.goto("/orders/")
    steps.sign_in(other, AGENT)
    steps.reveal(page)
    expect(page.locator(".messages")).to_contain_text("older than your sign-in")
    steps.reveal(page)
    expect(page.locator("#buyer a[href^='tel:']")).to_be_visible()


HOLD = """() => {
  const form = document.querySelector("form[action='/logout/']").cloneNode(true);
  form.action = "/account/confirmation/";
  for (const [name, value] of [["send", "/access/new/link/"], ["reason", "The total is wrong"]])
    form.append(Object.assign(document.createElement("input"), {name, value}));
  document.body.append(form);
  form.submit();
}"""


def test_a_form_held_for_a_proof_outlives_another_language_and_goes_on_by_enter(page: Page):
    page.evaluate(HOLD)
    page.locator("#confirmation [type=password]").fill(PASSWORD)
    page.locator("button[lang=ru]").click()
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.locator("#confirmation [type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/access/new/link/")
    expect(page.locator("[name=reason]")).to_have_value("The total is wrong")


def publish_anew(windows: Windows, summary: str = "") -> None:
    """The operator adds a line to the CRM's policy in each language and publishes that, with the
    word of another."""
    desk = windows.of(OPERATOR, "/operator/policy/new/crm/")
    for name in ("body_en", "body_ru"):
        field = desk.locator(f"[name={name}]")
        field.fill(f"{field.input_value()}\n\nAnew.")
    desk.fill("[name=summary_en]", summary)
    desk.click("form[action='/operator/policy/new/crm/'] button.primary")
    steps.approve(windows.of(SECOND, here(desk)))
    desk.reload()
    desk.click("form[action='/operator/policy/new/crm/publication/'] button.primary")
    desk.wait_for_url("**/policy/versions/*/")


def test_a_new_version_stops_an_open_session_at_its_next_click(windows: Windows, page: Page):
    order = here(page)
    publish_anew(windows, summary="The days of backups are named.")
    page.click("summary.btn >> nth=0") if page.locator("form.panel").count() else None
    page.goto(f"{order}edit/")
    assert here(page) == f"/accept/?next={order}edit/"
    expect(page.locator(".say.t-new")).to_contain_text("The days of backups are named.")
    steps.accept(page)
    assert here(page) == f"{order}edit/"


def test_a_new_version_stops_a_click_that_reveals_and_returns_to_the_card(
    windows: Windows, page: Page
):
    order = here(page)
    publish_anew(windows)
    steps.reveal(page)
    page.wait_for_url(f"**/accept/?next={order}")
    steps.accept(page)
    assert here(page) == order
    expect(page.locator("#buyer a[href^='tel:+']")).to_have_count(0)
