"""What was typed into the search box, as conditions on orders: equality alone (design section 1).

A text can be an order's number, its number at the shop, or something of its buyer: a telephone or,
for those who may see it, its end, an e-mail address, words of the name; the buyer is found by keyed
hashes.
"""

from __future__ import annotations

import re

from orders.conditions import Condition, all_of
from orders.keys import Keys
from orders.persons import query_hashes

_NUMBER = re.compile(r"\d{1,18}")
MOST_WORDS = 5  # what goes beyond is not asked for; each is a join


def ways(text: str, held: Keys | None, *, phone_ends: bool, country: str = "") -> list[Condition]:
    """The ways in which the text can find orders: an order found in one of them is found. Apart,
    since each has its index, and OR has none. Without `held` (a partner's case) by numbers alone.

    Telephones without a country code are taken for numbers of `country` (alpha-2).

    `phone_ends` is for whoever may see telephones whole: for others, who are shown the last three
    digits, trying the ends one after another would tell the rest.
    """
    bare = _bare(text)
    found = [Condition("o.external_id = ANY(%s)", [[text, bare, f"#{bare}"]])]
    if (number := number_in(text)) is not None:
        found.append(Condition("o.number = %s", [number]))
    return found + (_by_person(text, held, phone_ends, country) if held else [])


def number_in(text: str) -> int | None:
    """The order's number that the text is, if it is one."""
    bare = _bare(text)
    return int(bare) if _NUMBER.fullmatch(bare) else None


def _bare(text: str) -> str:
    """As a number is spoken: "1002" is a shop's "#1002"."""
    return text.lstrip("#№ ")


def _by_person(text: str, held: Keys, phone_ends: bool, country: str) -> list[Condition]:
    """One way, which all words must meet, or none where the text has no word to look for."""
    words = query_hashes(text, held.index_key, country, phone_ends=phone_ends)
    if not all(words):
        return []
    found = (
        "o.id IN (SELECT order_id FROM orders_searchword"
        " WHERE company_id = %s AND word = ANY(%s::bytea[]))"
    )
    every = [
        Condition(found, [held.company_id, [term.hash for term in word]])
        for word in words[:MOST_WORDS]
    ]
    return [all_of(every)] if every else []
