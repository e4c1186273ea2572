"""The list of orders as statements: one for the page's rows, one for the counts on its tabs.

Written by hand, since this is the page that everybody looks at all day: rows come as tuples, in the
same few statements however many there are. Row rules decide what is seen; the conditions that
repeat them here (whose orders) only let the planner use an index. Statements are put together of
this module's own words alone (the marks S608); what anybody typed is a parameter.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, NamedTuple, TypeVar

from accounts.gate import Entry
from accounts.names import by_name
from accounts.statements import Statement, answer, answers
from orders import statuses
from orders.conditions import Condition, all_of, reached
from orders.filters import Choices, Place

PAGE = 50
MOST_COUNTED = 1_000
MOST_CHOICES = 500
ANYWAY = Condition("true")
UNDECIDED = ("wait", "hold")  # phases
COLUMNS = """
    o.id, o.number, o.status, o.attempts, o.person, o.currency, o.total, o.created_at, o.recall_at,
    o.offer_id, o.agent_id
"""


class Row(NamedTuple):
    id: uuid.UUID
    number: int
    status: str
    attempts: int
    person: bytes
    currency: str
    total: Decimal
    created_at: datetime
    recall_at: datetime | None
    offer_id: uuid.UUID | None
    agent_id: uuid.UUID | None

    @property
    def place(self) -> Place:
        return Place(self.created_at, self.id)


Listed = TypeVar("Listed")


@dataclass(frozen=True, slots=True)
class Page(Generic[Listed]):
    rows: list[Listed]
    newer: Place | None
    older: Place | None


def page(
    by: Entry,
    conditions: Sequence[Condition] = (),
    *,
    ways: Sequence[Condition] = (),
    older_than: Place | None = None,
    newer_than: Place | None = None,
) -> Page[Row]:
    """Fifty orders, newest first, beside a place in the list or from its newest end.

    All `conditions` must be met, and one of `ways` where there are any.
    """
    lasting = not (conditions or ways)
    backwards = newer_than is not None
    beside = newer_than or older_than
    if beside:
        side = f"(o.created_at, o.id) {'>' if backwards else '<'} (%s, %s)"
        conditions = [*conditions, Condition(side, [beside.created_at, beside.id])]
    arms = [all_of([part, *conditions, way]) for part in reached(by) for way in ways or [ANYWAY]]
    rows = answer(_rows(arms, backwards=backwards, lasting=lasting))
    return cut(rows, lambda row: row.place, beside=bool(beside), backwards=backwards)


def cut(
    rows: list[Listed], place_of: Callable[[Listed], Place], *, beside: bool, backwards: bool
) -> Page[Listed]:
    """A page of what was found, one more than it holds at most: `beside` a place in the list, and
    `backwards` where that is at its older end."""
    more, rows = len(rows) > PAGE, rows[:PAGE]
    if backwards:
        rows.reverse()
    first, last = (place_of(rows[0]), place_of(rows[-1])) if rows else (None, None)
    return Page(
        rows,
        newer=first if (more if backwards else beside) else None,
        older=last if (more or backwards) else None,
    )


def _rows(arms: Sequence[Condition], *, backwards: bool, lasting: bool) -> Statement[list[Row]]:
    """The first orders of all arms together. Each arm is cut to a page by itself, so that each is
    read from an index and no further; UNION, since an order can be found in several ways."""
    order = "ORDER BY created_at, id" if backwards else "ORDER BY created_at DESC, id DESC"
    found = " UNION ".join(
        f"(SELECT {COLUMNS} FROM orders_order o WHERE {arm.sql} {order} LIMIT {PAGE + 1})"  # noqa: S608
        for arm in arms
    )
    return Statement(
        f"SELECT * FROM ({found}) o {order} LIMIT {PAGE + 1}",  # noqa: S608
        [value for arm in arms for value in arm.parameters],
        lambda rows: [Row._make(row) for row in rows],
        lasting,
    )


def names(by: Entry, rows: Sequence[Row], offered: Choices) -> dict[uuid.UUID | None, str]:
    """What the rows' offers and agents are called, and of an order without an offer its first item,
    by the order's id. The choices know them, but for the items, for those who have left and for
    what is beyond MOST_CHOICES: those are asked for.

    Not joined to the rows: each guarded table of a statement asks the gate anew, which made that of
    the list three times as long.
    """
    known: dict[uuid.UUID | None, str] = {
        identifier: name for kind in offered for identifier, name in kind
    }
    offers = {row.offer_id for row in rows if row.offer_id} - known.keys()
    agents = {row.agent_id for row in rows if row.agent_id} - known.keys()
    if not by.may("people.read"):
        agents.clear()
    bare = [row.id for row in rows if row.offer_id is None]
    asked = []
    if offers or agents:
        asked.append(_named(list(offers), list(agents), by))
    if bare:
        asked.append(_first_items(bare, by))
    for found in answers(*asked):
        known |= found
    return known


def _named(
    offers: list[uuid.UUID], agents: list[uuid.UUID], by: Entry
) -> Statement[dict[uuid.UUID | None, str]]:
    return Statement(
        """
        SELECT id, name FROM orders_offer WHERE company_id = %s AND id = ANY(%s)
        UNION ALL
        SELECT m.id, coalesce(nullif(u.name, ''), u.email)
          FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
         WHERE m.company_id = %s AND m.id = ANY(%s)
        """,
        [by.company_id, offers, by.company_id, agents],
        dict,
    )


def _first_items(orders: list[uuid.UUID], by: Entry) -> Statement[dict[uuid.UUID | None, str]]:
    return Statement(
        "SELECT order_id, name FROM orders_item"
        " WHERE company_id = %s AND order_id = ANY(%s) AND position = 1",
        [by.company_id, orders],
        dict,
    )


def counts(by: Entry) -> Statement[dict[str, int]]:
    """Status -> how many orders it has, counted up to one more than MOST_COUNTED."""
    arms = reached(by)
    found = " UNION ALL ".join(
        f"(SELECT FROM orders_order o WHERE {arm.sql} AND o.status = s.status"
        f" LIMIT {MOST_COUNTED + 1})"
        for arm in arms
    )
    sql = f"""
        SELECT s.status, (SELECT count(*) FROM ({found}) a) FROM unnest(%s::text[]) s (status)
        """  # noqa: S608
    parameters = [value for arm in arms for value in arm.parameters]
    return Statement(sql, [*parameters, list(statuses.STATUSES)], dict)


def held_by_the_gone(by: Entry) -> dict[uuid.UUID, int]:
    """Membership's id -> how many orders nobody has decided on yet, of people who have left."""
    waiting = [key for key, status in statuses.STATUSES.items() if status.phase in UNDECIDED]
    asked = Statement(
        """
        SELECT m.id, count(*) FROM accounts_membership m
          JOIN orders_order o ON o.company_id = m.company_id AND o.agent_id = m.id
         WHERE m.company_id = %s AND m.left_at IS NOT NULL AND o.status = ANY(%s)
         GROUP BY m.id
        """,
        [by.company_id, waiting],
        dict,
        lasting=False,
    )
    return answer(asked)


def choices(by: Entry) -> Statement[Choices]:
    """The offers, partners and agents to filter by; none for a partner, whose orders are all of one
    and whose agents are none of their business. Nor are they support's."""
    return Statement(
        f"""
        (SELECT 'offer', id, name FROM orders_offer
          WHERE company_id = %(company)s AND %(told)s ORDER BY name LIMIT {MOST_CHOICES})
        UNION ALL
        (SELECT 'partner', id, name FROM accounts_partner
          WHERE company_id = %(company)s AND %(told)s ORDER BY name LIMIT {MOST_CHOICES})
        UNION ALL
        (SELECT 'agent', m.id, coalesce(nullif(u.name, ''), u.email)
           FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
          WHERE m.company_id = %(company)s AND %(told)s AND NOT %(support)s
            AND m.left_at IS NULL AND m.role <> 'partner'
          ORDER BY 3 LIMIT {MOST_CHOICES})
        """,  # noqa: S608
        {
            "company": by.company_id,
            "told": by.role != "partner",
            "support": by.under is not None,
        },
        _offered,
    )


def _offered(rows: list[tuple[str, uuid.UUID, str]]) -> Choices:
    found: dict[str, list[tuple[uuid.UUID, str]]] = {"offer": [], "partner": [], "agent": []}
    for kind, identifier, name in rows:
        found[kind].append((identifier, name))
    return Choices(*(by_name(found[kind]) for kind in ("offer", "partner", "agent")))
