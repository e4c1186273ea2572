"""What was typed into the search box, as a condition on orders: equality alone (design section 1).

A text can be an order's number, its number at the shop, or something of its buyer: a telephone or
its end, an e-mail address, words of the name; the buyer is found by keyed hashes.
"""

from __future__ import annotations

import re

from accounts.gate import Entry
from orders.conditions import Condition
from orders.keys import Keys
from orders.persons import query_hashes

_NUMBER = re.compile(r"[#№]?\s*(\d{1,18})")
_WORD = "SELECT order_id FROM orders_searchword WHERE company_id = %s AND word = %s"
MOST_WORDS = 5  # what goes beyond is not asked for; each is a join


def condition(text: str, *, by: Entry, held: Keys | None) -> Condition:
    """Orders found by the text; without `held` (a partner's case) by their numbers alone."""
    ways = [_by_external_number(text, by)]
    if number := _NUMBER.fullmatch(text):
        ways.append(_by_number(int(number[1]), by))
    if held:
        ways += _by_person(text, held)
    return Condition(
        f"o.id IN ({' UNION '.join(way.sql for way in ways)})",
        [value for way in ways for value in way.parameters],
    )


def _by_number(number: int, by: Entry) -> Condition:
    return Condition(
        "SELECT id FROM orders_order WHERE company_id = %s AND number = %s",
        [by.company_id, number],
    )


def _by_external_number(text: str, by: Entry) -> Condition:
    return Condition(
        "SELECT id FROM orders_order WHERE company_id = %s AND external_id = %s",
        [by.company_id, text],
    )


def _by_person(text: str, held: Keys) -> list[Condition]:
    """One condition that all words meet, or none where the text has no word to look for."""
    words = [term.hash for term in query_hashes(text, held.index_key)][:MOST_WORDS]
    if not words:
        return []
    sql, parameters = "", []
    for word in words:  # each within the one before: the planner starts with the rarest
        inner = f"AND order_id IN ({sql})" if sql else ""
        sql = f"{_WORD} {inner}"
        parameters = [held.company_id, word, *parameters]
    return [Condition(sql, parameters)]
