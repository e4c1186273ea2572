"""Aurora's orders, asked for by everybody who must not see them."""

from typing import NamedTuple
from uuid import uuid4

import pytest

from tests.browser.steps import AGENT, OPERATOR, STRANGER, SUPPORT, here
from tests.browser.windows import Windows

OTHERS = pytest.mark.parametrize(
    "who", [STRANGER, SUPPORT, OPERATOR], ids=lambda who: who.partition("@")[0]
)


class Known(NamedTuple):
    path: str
    name: str
    phone: str


@pytest.fixture
def order(windows: Windows) -> Known:
    """An order as its agent sees it."""
    page = windows.of(AGENT, windows.order_of(AGENT))
    texts = page.locator("#buyer dd").all_inner_texts()
    return Known(here(page), texts[0], texts[1].split("\n")[0])


@OTHERS
def test_no_list_shows_it_and_no_search_finds_it(windows: Windows, order: Known, who: str):
    page = windows.of(who)
    for path in ("/orders/", f"/orders/?q={order.name}", f"/orders/?q={order.path.split('/')[2]}"):
        page.goto(path)
        assert order.name not in page.locator("main").inner_text()
        assert page.locator(f"a[href='{order.path}']").count() == 0


@OTHERS
@pytest.mark.parametrize("part", ["", "edit/"])
def test_its_address_answers_like_one_that_was_made_up(
    windows: Windows, order: Known, who: str, part: str
):
    answers = []
    for path in (order.path, f"/orders/{uuid4()}/"):
        page = windows.of(who, f"{path}{part}")
        answers.append((here(page).replace(path, "…"), page.title(), page.inner_text("body")))
    assert answers[0] == answers[1]
    assert order.name not in answers[0][2]


def test_its_address_is_not_found_by_another_company_and_closed_to_staff(
    windows: Windows, order: Known
):
    assert windows.of(STRANGER).request.get(order.path).status == 404
    for who in (SUPPORT, OPERATOR):
        assert windows.of(who, order.path).url.endswith("/staff/")
