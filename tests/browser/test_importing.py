"""A real shop's order file, from its upload to what became of its lines."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.looks import TELEPHONE, axe_in_light_and_dark, width
from tests.browser.steps import ADMIN
from tests.browser.windows import Windows

EXPORTS = Path(__file__).parent.parent / "orders" / "exports"
FILES = pytest.mark.parametrize("name", ["shop.csv", "zakazy-cp1251.csv"])
LEADS = {
    "name": "leads.csv",
    "mimeType": "text/csv",
    "buffer": (
        b"Order number,Name,Phone,E-mail\n"
        b"L1,Ana Pop,+40 721 234 643,ana@example.org\nL2,Ioana Ene,+40 721 234 654,ana at home\n"
    ),
}  # fmt: skip
STATED = {
    "name": "stated.csv",
    "mimeType": "text/csv",
    "buffer": (
        b"Order number,Phone,Status\nT1,+40 721 234 661,in the post\nT2,+40 721 234 662,refused\n"
    ),
}
# Forms stay where they are, and those that would have been sent are counted.
COUNT_SENT = """() => {
  window.sent = 0;
  addEventListener("submit", (event) => {
    sent += !event.defaultPrevented;
    event.preventDefault();
  });
}"""
BEYOND = """table => Math.max(
  ...[...table.querySelectorAll("th, td")].map((cell) => cell.getBoundingClientRect().right))"""
ITS_ORDERS = "a.primary[href^='/orders/?imported=']"
WORKER = 30_000  # milliseconds that it may take


def figures(page: Page) -> list[int]:
    """What became of the lines: stored, …, refused, in the order of the table."""
    return [int(text) for text in page.locator(".counts td").all_inner_texts()]


@FILES
def test_a_file_is_shown_before_it_is_stored_and_ends_with_counts(windows: Windows, name: str):
    page = windows.of(ADMIN, "/orders/import/", reduced_motion="reduce")
    page.set_input_files("[name=file]", EXPORTS / name)
    expect(page.locator(".preview tbody tr").first).to_be_visible()
    assert axe_in_light_and_dark(page) == []
    for window in ({"width": 1280, "height": 800}, TELEPHONE):  # the total is in sight at once
        page.set_viewport_size(window)
        assert page.locator(".preview").evaluate(BEYOND) <= window["width"]
    page.click("button[value=start]")
    expect(page.locator(ITS_ORDERS)).to_be_visible(timeout=WORKER)
    stored = figures(page)[0]
    assert stored > 10
    assert axe_in_light_and_dark(page) == []
    page.set_viewport_size(TELEPHONE)
    assert width(page) <= TELEPHONE["width"]
    page.click(ITS_ORDERS)
    expect(page.locator(".chip")).to_contain_text(name)
    expect(page.locator("[data-rows] tr")).to_have_count(min(stored, 50))
    assert axe_in_light_and_dark(page) == []
    assert width(page) <= TELEPHONE["width"]


def test_a_status_is_corrected_before_it_is_stored(windows: Windows):
    page = windows.of(ADMIN, "/orders/import/", reduced_motion="reduce")
    page.set_input_files("[name=file]", STATED)
    page.get_by_label("in the post").select_option("sent")
    page.click("button[value=check]")
    expect(page.locator("#mapping .s-ok").first).to_contain_text("1 Sent")
    page.click("button[value=start]")
    expect(page.locator(ITS_ORDERS)).to_be_visible(timeout=WORKER)
    assert figures(page) == [2, 0, 1, 1]
    page.get_by_role("link", name="Sent").click()
    expect(page.locator("[data-rows] tr")).to_have_count(1)


def test_a_start_that_takes_a_while_says_so_and_is_sent_once(windows: Windows):
    page = windows.of(ADMIN, "/orders/import/", reduced_motion="reduce")
    page.set_input_files("[name=file]", EXPORTS / "shop.csv")
    expect(page.locator("button[value=start] .busy")).to_be_hidden()
    page.evaluate(COUNT_SENT)
    for _ in range(2):
        page.click("button[value=start]")
        expect(page.locator("button[value=start] .busy")).to_be_visible()
    assert page.evaluate("sent") == 1


def test_an_optional_value_that_cannot_be_read_is_left_out_where_one_says_so(windows: Windows):
    page = windows.of(ADMIN, "/orders/import/", reduced_motion="reduce")
    page.set_input_files("[name=file]", LEADS)
    expect(page.locator("#mapping .say.t-work")).to_be_visible()
    page.select_option("[name=unreadable]", "leave_out")
    page.click("button[value=check]")
    expect(page.locator("#mapping .say.t-new")).to_be_visible()
    assert axe_in_light_and_dark(page) == []
    page.click("button[value=start]")
    expect(page.locator(ITS_ORDERS)).to_be_visible(timeout=WORKER)
    assert figures(page)[:3] == [2, 1, 0]
    assert axe_in_light_and_dark(page) == []
    page.set_viewport_size(TELEPHONE)
    assert width(page) <= TELEPHONE["width"]
    with page.expect_download() as download:
        page.click("a[href$='/left-out/']")
    assert "ana at home" in Path(download.value.path()).read_text("utf-8-sig")


def test_a_file_of_another_kind_is_refused_in_words(windows: Windows):
    page = windows.of(ADMIN, "/orders/import/")
    page.set_input_files("[name=file]", {
        "name": "orders.csv", "mimeType": "text/csv", "buffer": b"\x89PNG\r\n\x1a\n\0\0"
    })  # fmt: skip
    expect(page.locator("#mapping [role=alert]")).to_be_visible()
    expect(page.locator("button[value=start]")).to_have_count(0)


def test_an_import_works_without_scripts(windows: Windows):
    page = windows.of(ADMIN, "/orders/import/", java_script_enabled=False)
    page.set_input_files("[name=file]", EXPORTS / "shop.csv")
    page.click("button[value=preview]")
    page.set_input_files("[name=file]", EXPORTS / "shop.csv")
    page.click("button[value=start]")
    expect(page.locator("a.primary[href^='/orders/']")).to_be_visible(timeout=WORKER)
    assert "/orders/import/" in steps.here(page)


def test_a_preview_after_the_session_has_ended_leads_to_the_sign_in_form(windows: Windows):
    page = windows.open()
    page.goto("/orders/import/")
    steps.come_in(page, ADMIN)
    steps.sign_out(page.context.new_page(), at="/orders/")
    page.set_input_files("[name=file]", EXPORTS / "shop.csv")
    page.wait_for_url("**/login/?next=/orders/import/")
