"""Conditions on orders: parts of a WHERE about the alias `o`, each with its parameters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.gate import Entry


@dataclass(frozen=True, slots=True)
class Condition:
    sql: str
    parameters: Sequence[Any] = field(default=())


def all_of(conditions: Sequence[Condition]) -> Condition:
    return Condition(
        " AND ".join(condition.sql for condition in conditions),
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

    Row rules decide what is seen, whatever stands here; but the planner cannot see through the
    gate's answer, and would look through a company's orders for those of one agent.
    """
    whose = by.under or by
    company = Condition("o.company_id = %s", [by.company_id])
    if by.under and by.under.orders is not None:
        listed = Condition("o.id = ANY(%s)", [list(by.under.orders)])
        company = all_of([company, listed])
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
    return [all_of([company, *part]) for part in parts.get(by.scope("orders.read") or "", ())]
