"""The list of a company's access links: all of them, a page at a time."""

from __future__ import annotations

import re
from html import unescape
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders import lists
from tests import people
from tests.access import link

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE", 3)
    monkeypatch.setattr("orders.views.access.PAGE", 3)


def listed(page: str) -> list[UUID]:
    return [
        UUID(found) for found in re.findall(r'<th scope="row"><a href="/access/([^/]+)/"', page)
    ]


def beside(page: str, rel: str) -> str | None:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', page)
    return found and unescape(found[1])


def walk(client: Client, path: str | None, rel: str) -> list[list[UUID]]:
    """What each page shows, from there in that direction."""
    pages = []
    while path:
        page = client.get(path).text
        pages.append(listed(page))
        path = beside(page, rel)
    return pages


def test_every_link_stands_on_one_page_and_the_way_back_is_the_same() -> None:
    made = [link(people.gail)[0] for _ in range(7)]
    link(people.bea)  # of another company
    ann = people.sign_in(Client(), people.ann)
    newest = made[::-1]
    there = walk(ann, "/access/", "next")
    assert there == [newest[:3], newest[3:6], newest[6:]]
    last = beside(ann.get(beside(ann.get("/access/").text, "next") or "").text, "next")
    assert walk(ann, last, "prev") == there[::-1]


def test_one_that_is_made_meanwhile_moves_nothing_to_another_page() -> None:
    made = [link()[0] for _ in range(5)]
    ann = people.sign_in(Client(), people.ann)
    older = beside(ann.get("/access/").text, "next")
    link()
    assert older and listed(ann.get(older).text) == [made[1], made[0]]


def test_an_agent_turns_the_pages_of_the_agents_own() -> None:
    mine = [link(people.gail)[0] for _ in range(4)]
    for _ in range(4):
        link(people.ann)
    gail = people.sign_in(Client(), people.gail)
    assert walk(gail, "/access/", "next") == [mine[:0:-1], mine[:1]]


@pytest.mark.parametrize("query", ["older=x", "newer=%00", "older="])
def test_a_place_that_is_none_is_the_newest_end(query: str) -> None:
    made = [link()[0] for _ in range(2)]
    page = people.sign_in(Client(), people.ann).get(f"/access/?{query}").text
    assert listed(page) == made[::-1]


def test_behind_the_last_one_the_list_begins_again() -> None:
    for _ in range(4):
        link()
    ann = people.sign_in(Client(), people.ann)
    older = beside(ann.get("/access/").text, "next") or ""
    newer = beside(ann.get(older).text, "prev") or ""
    assert ann.get(newer.replace("newer=", "older=")).status_code == 302
    assert ann.get(older.replace("older=", "newer=")).status_code == 200


def test_a_page_costs_the_same_wherever_it_is() -> None:
    for _ in range(7):
        link()
    ann = people.sign_in(Client(), people.ann)
    path, counts = "/access/", []
    ann.get(path)
    while path:
        with CaptureQueriesContext(connection) as asked:
            page = ann.get(path).text
        counts.append(len(asked))
        path = beside(page, "next")
    assert len(counts) == 3 and len(set(counts)) == 1
