"""SQL that changes what it presents while a statement is under way.

A setting can change between two rows: in a lateral join, between two fetches. So the attackers here
hold a pass that is good, for some company and some scope, and try to have its answer hold for rows
that it does not open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from tests import people
from tests.accounts.test_attacks_in_sql import attempt, vouched

pytestmark = pytest.mark.django_db(transaction=True)

PLANS = ("SET LOCAL enable_indexscan = off", "SET LOCAL enable_seqscan = off")

# The rows of {table}, scanned anew after each change of settings.
BETWEEN_SCANS = """
SELECT r.company_id, count(*) FROM (
    SELECT s.company, set_config('gate.company', s.company, true),
           set_config('gate.pass', s.pass, true)
      FROM unnest(%s::text[], %s::text[]) AS s (company, pass) OFFSET 0) s
 CROSS JOIN LATERAL (SELECT t.company_id FROM {table} t WHERE s.company <> '' OFFSET 0) r
 GROUP BY 1
"""


def id_of(slug: str) -> int:
    return people.company(slug).pk


@contextmanager
def presenting(secret: str, company: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        for name, value in vouched(company=str(id_of(company)), **{"pass": secret}).items():
            connection.execute("SELECT set_config(%s, %s, true)", (name, value))
        yield connection


def of_a_company(owner: psycopg.Connection) -> list[str]:
    rows = owner.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        " AND a.attname = 'company_id' AND c.relname <> ALL (%s) ORDER BY 1",
        [["accounts_pass", "policy_policy", "policy_policyversion"]],  # closed; open to everybody
    ).fetchall()
    assert len(rows) >= 12
    return [name for (name,) in rows]


@pytest.mark.parametrize("plan", PLANS)
def test_another_companys_claim_shows_nothing_after_a_good_one(
    owner: psycopg.Connection, plan: str
) -> None:
    secret = people.pass_of(people.ann)
    both = [str(id_of("aurora")), str(id_of("borealis"))]
    shown = set()
    for table in of_a_company(owner):
        with presenting(secret, "aurora") as connection:
            connection.execute(plan)
            seen = dict(
                connection.execute(
                    sql.SQL(BETWEEN_SCANS).format(table=sql.Identifier(table)),
                    [both, [secret, secret]],
                ).fetchall()
            )
        assert set(seen) <= {id_of("aurora"), None}, table  # None: her own, of the platform
        shown |= {table} if seen else set()
    assert "orders_order" in shown and "accounts_auditentry" in shown  # the probe itself works


TOLD = """
    INSERT INTO accounts_auditentry
        (company_id, id, actor_id, at, action, object_type, object_id, object_name,
         changes)
    SELECT company_id, gen_random_uuid(), %s, now(), 'order.edited', 'order', id, '', '{}'
      FROM orders_order
"""


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("lesser", [people.pat, people.mia], ids=["a partner", "an agent"])
def test_the_reach_that_one_pass_has_does_not_go_over_to_another(
    plan: str, lesser: people.Someone
) -> None:
    """Somebody of Aurora, and Bea, who owns Borealis, put their passes together."""
    theirs, beas = people.pass_of(lesser, "aurora"), people.pass_of(people.bea)
    with presenting(people.pass_of(people.ann), "aurora") as connection:
        connection.execute(
            "UPDATE orders_order SET partner_id = NULL, agent_id = m.id FROM accounts_membership m"
            " WHERE m.user_id = %s",
            [people.gus.user.pk],
        )
        connection.execute(TOLD, [people.ann.user.pk])
    ids = [str(id_of("borealis")), str(id_of("aurora"))]
    for companies, passes in ((ids, [beas, theirs]), (ids[::-1], [theirs, beas])):
        with presenting(passes[0], "aurora") as connection:
            connection.execute(plan)
            query = sql.SQL(BETWEEN_SCANS).format(table=sql.Identifier("orders_order"))
            seen = dict(connection.execute(query, [companies, passes]).fetchall())
        assert id_of("aurora") not in seen


def test_between_two_fetches_from_a_cursor() -> None:
    with presenting(people.pass_of(people.ann), "aurora") as connection:
        connection.execute(
            "DECLARE c CURSOR FOR SELECT r.company_id FROM generate_series(1, 2) n CROSS JOIN"
            " LATERAL (SELECT o.company_id FROM orders_order o WHERE n > 0 LIMIT 1 OFFSET 0) r"
        )
        first = connection.execute("FETCH 1 FROM c").fetchall()
        connection.execute("SELECT set_config('gate.company', %s, true)", [str(id_of("borealis"))])
        second = connection.execute("FETCH ALL FROM c").fetchall()
    assert first == [(id_of("aurora"),)]
    assert second == []


# The first row is Aurora's, and good; the second is Borealis's, claimed meanwhile.
BOTH = """(SELECT c.id, set_config('gate.company', c.id::text, true)
             FROM unnest(ARRAY[{aurora}, {borealis}]) AS c (id) OFFSET 0) AS c"""
WRITES = (
    f"""INSERT INTO orders_offer (company_id, id, name)
        SELECT c.id, gen_random_uuid(), 'mine' FROM {BOTH}""",
    f"""SELECT count(x.*) FROM {BOTH} CROSS JOIN LATERAL (
        SELECT o.id FROM orders_order o WHERE o.company_id = c.id FOR UPDATE) x""",
    f"""MERGE INTO orders_order o USING {BOTH} ON o.company_id = c.id
        WHEN MATCHED THEN UPDATE SET attempts = 99""",
    f"""MERGE INTO accounts_membership m USING {BOTH} ON m.company_id = c.id AND m.role = 'agent'
        WHEN MATCHED THEN UPDATE SET role = 'lead'""",
    f"DELETE FROM orders_searchword w USING {BOTH} WHERE w.company_id = c.id",
)


@pytest.mark.parametrize("write", WRITES)
def test_nothing_of_another_company_is_written(write: str) -> None:
    settings = vouched(company=str(id_of("aurora")), **{"pass": people.pass_of(people.ann)})
    tables = ("orders_offer", "orders_order", "accounts_membership", "orders_searchword")
    before = borealis(tables)
    attempt(
        settings,
        sql.SQL(write.format(aurora=id_of("aurora"), borealis=id_of("borealis"))),
    )
    assert borealis(tables) == before


def borealis(tables: tuple[str, ...]) -> list[tuple]:
    """All that Borealis has in these, as its owner sees it."""
    with presenting(people.pass_of(people.bea), "borealis") as connection:
        return [
            connection.execute(
                sql.SQL("SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} t")
                .format(sql.Identifier(table))
            ).fetchone()
            for table in tables
        ]  # fmt: skip
