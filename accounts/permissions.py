"""Who may do what: the whole of it, in one table.

A permission maps each role that holds it to its scope, which tells which rows it reaches:

``all``      every row of the company
``team``     rows of the member's own team, and free ones
``own``      the member's own rows, and free ones
``partner``  rows that the member's partner sent

A role that is not named is refused. `gate.install` copies the table into the database after each
migration, where the row rules read it; nothing else decides.
"""

from typing import Final

ROLES: Final = ("owner", "admin", "lead", "agent", "partner")

_RUNS_COMPANY: Final = {"owner": "all", "admin": "all"}
_WORKS_ORDERS: Final = {**_RUNS_COMPANY, "lead": "team", "agent": "own"}

PERMISSIONS: Final[dict[str, dict[str, str]]] = {
    # the company itself
    "company.enter": {**_WORKS_ORDERS, "partner": "partner"},
    "company.policy": _RUNS_COMPANY,
    "company.export": {"owner": "all"},
    "company.close": {"owner": "all"},
    "people.read": {**_RUNS_COMPANY, "lead": "all", "agent": "all"},
    "people.manage": _RUNS_COMPANY,
    "people.owners": {"owner": "all"},
    "keys.manage": _RUNS_COMPANY,  # of partners' machines
    "webhooks.manage": _RUNS_COMPANY,  # where partners are told of their leads
    "audit.read": _RUNS_COMPANY,
    "access.grant": _WORKS_ORDERS,  # let support in, by a link
    # orders
    "orders.read": {**_WORKS_ORDERS, "partner": "partner"},
    "orders.create": _WORKS_ORDERS,
    "orders.write": _WORKS_ORDERS,
    "orders.take": {"lead": "team", "agent": "own"},
    "orders.assign": {**_RUNS_COMPANY, "lead": "team"},
    "orders.reopen": {**_RUNS_COMPANY, "lead": "team"},
    "orders.import": _RUNS_COMPANY,
    "orders.erase": _RUNS_COMPANY,
    "buyers.answer": _RUNS_COMPANY,  # who ask what is held of them
    # the sealed persons in them
    "persons.open": _WORKS_ORDERS,
    "persons.find": _WORKS_ORDERS,  # by hashes of all that they are found by
    "persons.write": _WORKS_ORDERS,
    "persons.telephone": {**_RUNS_COMPANY, "lead": "team"},
}


def scope(role: str, permission: str) -> str | None:
    """The scope in which `role` holds `permission`, or None where it is refused."""
    return PERMISSIONS[permission].get(role)
