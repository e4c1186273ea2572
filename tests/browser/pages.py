"""The pages there are, by who opens them. `{order}` is the path of an order of theirs."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.steps import ADMIN, AGENT, OPERATOR, PARTNER, SUPPORT
from tests.browser.windows import Windows

NOBODY = ""
NOWHERE = "/no-such-page/"

PAGES = {
    NOBODY: (
        "/",
        "/privacy/",
        "/privacy/versions/",
        "/privacy/versions/1/",
        "/policy/",
        "/policy/versions/",
        "/policy/versions/1/",
        "/policy/proofs/",
        "/policy/disclosures/",
        "/c/aurora/policy/",
        "/c/aurora/policy/versions/",
        "/c/aurora/policy/versions/1/",
        "/login/",
        "/login/inactive/",
        "/login/password/",
        "/login/password/sent/",
        "/login/password/done/",
        "/login/password/1-wrong/",
        "/invitation/wrong/",
        NOWHERE,
    ),
    AGENT: (
        "/",
        "/orders/",
        "/orders/?status=hold&since=2000-01-01",
        "/orders/?q=nobody-of-that-name",
        "/orders/new/",
        "{order}",
        "{order}edit/",
        "/orders/import/",  # refused
        "/company/",
        "/company/choose/",
        "/company/departure/",
        "/policy/",
        "/decline/",
        "/acceptances/",
        "/password/",
        "/company/citizenship/",
        "/account/data/",
        "/account/deletion/",
        "/account/confirmation/",
        "/account/factors/",
        "/account/factors/app/",
        "/account/factors/passkeys/",
        "/account/",
        "/access/",
        "/access/new/",
        NOWHERE,
    ),
    ADMIN: (
        "/orders/?status=hold",
        "{order}",
        "/orders/import/",
        "/company/",
        "/company/policy/",
        "/company/policy/people/",
        "/company/buyers/",
        "/company/buyers/retention/?cancelled=30",
        "/company/keys/",
        "/company/webhooks/",
        "/company/audit/",
        "/company/audit/?action=policy.accepted",
        "/company/coverage/",
        "/company/refusals/",
        "/company/disclosures/",
        "/orders/?stopped=yes",
        "/orders/?imported=00000000-0000-7000-8000-000000000000",
    ),
    PARTNER: ("/orders/?status=hold", "{order}"),
    SUPPORT: (
        "/staff/",
        "/support/",
        "/account/factors/",
        "/account/factors/app/removal/",
        "/account/factors/codes/",
        "/account/factors/codes/new/",
        "/account/confirmation/factor/",
    ),
    OPERATOR: (
        "/staff/",
        "/operator/",
        "/operator/policy/new/crm/",
        "/operator/jurisdictions/",
        "/operator/disclosures/",
        "/operator/visits/",
    ),
}

EACH = [(who, path) for who, paths in PAGES.items() for path in paths]
each_page = pytest.mark.parametrize(
    ("who", "path"), EACH, ids=lambda value: value.partition("@")[0] or "nobody"
)


def open_page(windows: Windows, who: str, path: str, **options: Any) -> Page:
    if "{order}" in path:
        path = path.format(order=windows.order_of(who))
    if who != NOBODY:
        return windows.of(who, path, **options)
    page = windows.open(**options)
    page.goto(path)
    return page
