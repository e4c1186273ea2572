"""Passkeys in Chromium, with an authenticator that its protocol makes up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from crmsite.sites import Site
from tests.browser import steps
from tests.browser.looks import axe_in_light_and_dark
from tests.browser.steps import here
from tests.browser.windows import Windows

LEAD = "lead@aurora.example"
KEYS = "/account/factors/passkeys/"
FACTORS = "/account/factors/"


@pytest.fixture
def named(browser: Browser, site: Site) -> Iterator[Windows]:
    """The same site under a name: browsers make no passkeys for a numeric address."""
    windows = Windows(browser, site.address.replace("127.0.0.1", "localhost"))
    yield windows
    assert windows.close() == []


def key_of(page: Page, **options: Any) -> Any:
    """A key that is always at hand, and knows its owner by PIN or finger."""
    protocol = page.context.new_cdp_session(page)
    protocol.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    protocol.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return protocol


def test_a_passkey_from_its_making_to_its_end(named: Windows):
    page = named.open(reduced_motion="reduce")
    key_of(page)
    page.goto("/orders/")
    steps.come_in(page, LEAD)
    add(page)
    sign_in_by_passkey(page)
    sign_in_by_password_and_passkey(page)
    confirm_by_passkey(page)
    remove(page)


def add(page: Page) -> None:
    page.goto(KEYS)
    assert axe_in_light_and_dark(page) == []
    page.check("[name=passwordless]")
    page.fill("[name=name]", "Pocket key")
    page.click("#add-passkey")
    page.wait_for_url("**/account/factors/codes/")
    assert page.locator("#recovery-codes li").count() == 10
    assert axe_in_light_and_dark(page) == []
    page.goto(FACTORS)
    assert "Pocket key" in page.inner_text("main")
    assert axe_in_light_and_dark(page) == []


def sign_in_by_passkey(page: Page) -> None:
    steps.sign_out(page, "/orders/")
    page.goto("/login/")
    assert axe_in_light_and_dark(page) == []
    page.click("#by-passkey")
    page.wait_for_url("**/orders/")
    assert [cookie["name"] for cookie in page.context.cookies()] == ["covenant"]


def sign_in_by_password_and_passkey(page: Page) -> None:
    steps.sign_out(page, "/orders/")
    page.goto("/login/")
    steps.sign_in(page, LEAD)
    assert here(page) == "/login/factor/"
    assert axe_in_light_and_dark(page) == []
    page.goto("/orders/")
    assert here(page).startswith("/login/")
    page.goto("/login/factor/")
    page.click("#by-passkey")
    page.wait_for_url("**/orders/")


def confirm_by_passkey(page: Page) -> None:
    before = page.context.cookies()[0]["value"]
    page.goto(f"/account/confirmation/factor/?next={FACTORS}")
    assert axe_in_light_and_dark(page) == []
    page.click("#by-passkey")
    page.wait_for_selector("a.danger")
    assert here(page) == FACTORS
    assert page.context.cookies()[0]["value"] != before


def remove(page: Page) -> None:
    page.click("a.danger")
    page.click("main button.danger")
    assert here(page) == FACTORS
    steps.sign_out(page)
    page.goto("/login/")
    steps.sign_in(page, LEAD)
    assert here(page) == "/orders/"


def test_a_refused_passkey_is_said(named: Windows):
    page = named.open()
    protocol = key_of(page)
    page.goto("/login/")
    page.click("#by-passkey")
    page.wait_for_selector("#passkey-refused:visible")
    assert "no passkey" in page.inner_text("#passkey-refused")
    protocol.send("WebAuthn.disable")


def test_under_a_numeric_address_none_is_offered(windows: Windows):
    page = windows.open()
    page.goto("/login/")
    assert page.locator("#by-passkey").count() == 0
