"""What the operator is told of orders: by figures, and by the database."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _
from psycopg import Connection, sql
from psycopg.errors import InsufficientPrivilege

from accounts.proving import Broken, Figures, System, proves
from crmsite import roles
from crmsite.proofs.crawling import served
from orders.proofs.leaks import figures, walk
from orders.trial import Canary, company_with_orders


@proves(
    "T3",
    tried=_(
        "Stored orders with a mark in every field, opened and searched them and typed the mark "
        "wherever something is typed: in %(figures)s figures of the running site and in "
        "%(pages)s pages of errors there was none."
    ),
)
def figures_know_nothing_of_an_order(system: System) -> Figures:
    canary = Canary()
    owner = company_with_orders(10, canary)
    visitor = owner.visiting(served(system))
    walk(visitor, canary.word)
    errors = [visitor.get(path.format(canary.word)) for path in NOWHERE]
    visitor.post(f"/{canary.word}/", {})
    told = figures(visitor)
    for page in (told, *errors):
        if canary.is_in(page.body) or (owner.company and owner.company.slug in told.body):
            raise Broken(f"{page.path.replace(canary.word, '…')} tells what an order holds")
    return {"figures": len(told.body.splitlines()), "pages": len(errors)}


NOWHERE: Final = ("/{}/", "/orders/{}/", "/c/{}/policy/", "/invitation/{}/")


@proves(
    "T3",
    tried=_(
        "As the operator's own role of the database asked for each of %(tables)s tables in two "
        "ways, and copied it: refused, but for the %(open)s that say nothing of anybody. It has no "
        "right to any other."
    ),
)
def the_operators_role_reads_no_order(system: System) -> Figures:
    company_with_orders(1)
    with system.superuser() as superuser:
        every: dict[str, bool] = dict(
            superuser.execute(TABLES, {"role": roles.OPERATOR_ROLE}).fetchall()
        )
        superuser.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(roles.OPERATOR_ROLE)))
        found = {
            table
            for table, granted in every.items()
            if granted or any(reads(superuser, way, table) for way in READS)
        }
    if beyond := found - OPEN_TO_THE_OPERATOR:
        raise Broken(f"the operator's role reads {', '.join(sorted(beyond))}")
    return {"tables": len(every), "open": len(OPEN_TO_THE_OPERATOR)}


OPEN_TO_THE_OPERATOR: Final = {"policy_proofrun", "policy_proofresult", "django_migrations"}
TABLES: Final = """
SELECT c.oid::regclass::text, has_any_column_privilege(%(role)s, c.oid, 'SELECT, INSERT, UPDATE')
       OR has_table_privilege(%(role)s, c.oid, 'DELETE, TRUNCATE')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname IN ('public', 'gate', 'numbers')
"""
READS: Final = (
    "SELECT * FROM {} LIMIT 1",
    "SELECT count(*) FROM {}",
    "COPY {} TO STDOUT",
)


def reads(operator: Connection, way: str, table: str) -> bool:
    question = sql.SQL(way).format(sql.SQL(table))
    try:
        if way.startswith("COPY"):
            with operator.cursor().copy(question) as copy:
                for _row in copy:
                    pass
        else:
            operator.execute(question)
    except InsufficientPrivilege:
        return False
    return True
