"""Conditions on orders: parts of a WHERE about the alias `o`, each with its parameters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.access import Access
from accounts.gate import Entry


@dataclass(frozen=True, slots=True)
class Condition:
    sql: str
    parameters: Sequence[Any] = field(default=())


def all_of(conditions: Sequence[Condition]) -> Condition:
    return Condition(
        " AND ".join(condition.sql for condition in conditions) or "true",
        [value for condition in conditions for value in condition.parameters],
    )


def stopped(prohibited: Collection[str]) -> Condition:
    """The orders that the list of prohibited jurisdictions concerns since it has grown."""
    codes = list(prohibited)
    return Condition(
        "(o.citizenship = ANY(%s) OR o.country = ANY(%s)"
        " OR o.citizenship = '' AND o.phone_country = ANY(%s))",
        [codes, codes, codes],
    )


def reached(by: Entry) -> list[Condition]:
    """The orders that a role reaches, as disjoint parts, each of which an index serves.

    Row rules decide what is seen, whatever stands here. The company stands in them, where the
    planner sees it; but it cannot see through the gate's answer, and would look through all of a
    company's orders for those of one agent.
    """
    whose = by.under or by
    listed = listed_by(by.under)
    free = Condition("o.agent_id IS NULL")
    own = Condition("o.agent_id = %s", [whose.membership_id])
    teams = Condition("o.team_id = %s AND o.agent_id <> %s", [whose.team_id, whose.membership_id])
    partners = Condition("o.partner_id = %s", [whose.partner_id])
    parts: dict[str, list[list[Condition]]] = {
        "all": [[]],
        "team": [[free], [own], [teams]],
        "own": [[free], [own]],
        "partner": [[partners]],
    }
    return [all_of([*listed, *part]) for part in parts.get(by.scope("orders.read") or "", ())]


def listed_by(access: Access | None) -> list[Condition]:
    """Those that an access link lists, where it lists any."""
    if access is None or access.orders is None:
        return []
    return [Condition("o.id = ANY(%s)", [list(access.orders)])]
