"""Rights that are taken back from Gail while a transaction of hers is under way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from accounts import gate
from tests import people
from tests.accounts.test_verified_passes import PUBLISH

WRITE = """
    INSERT INTO orders_offer (company_id, id, name)
    SELECT id, gen_random_uuid(), 'overtaken ' || random() FROM accounts_company
     WHERE slug = 'aurora'
"""
GAIL = "(SELECT id FROM accounts_user WHERE email = 'gail@aurora.example')"
AURORA = "(SELECT id FROM accounts_company WHERE slug = 'aurora')"
AS = "set_config('gate.pass', '{0}', true)"  # within a statement
GAILS = f"user_id = {GAIL} AND company_id = {AURORA}"

REVOCATIONS = {
    "deactivated": f"UPDATE accounts_user SET is_active = false WHERE id = {GAIL}",
    "another password": f"UPDATE accounts_user SET password = 'x' WHERE id = {GAIL}",
    "removed": f"UPDATE accounts_membership SET left_at = now() WHERE {GAILS}",
    "another role": f"UPDATE accounts_membership SET role = 'lead' WHERE {GAILS}",
    "no team": f"UPDATE accounts_membership SET team_id = NULL WHERE {GAILS}",
    "signed out": f"DELETE FROM accounts_pass WHERE user_id = {GAIL}",
    "pass over": f"UPDATE accounts_pass SET expires_at = now() WHERE user_id = {GAIL}",
    "suspended": f"UPDATE accounts_company SET suspended_at = now() WHERE id = {AURORA}",
    "a policy to accept": PUBLISH,
}


@contextmanager
def writing(someone: people.Someone = people.gail) -> Iterator[psycopg.Connection]:
    """A transaction of the web role with that person's pass, which has added an offer."""
    with begun(people.pass_of(someone)) as web:
        assert web.execute(WRITE).rowcount > 0
        yield web


@contextmanager
def begun(secret: str) -> Iterator[psycopg.Connection]:
    connection = psycopg.connect(os.environ["DATABASE_URL"])
    try:
        connection.execute("SELECT gate.enter(%s, %s)", [gate.key_for("vouch"), secret])
        yield connection
    finally:
        connection.close()


def refused(web: psycopg.Connection) -> bool:
    with pytest.raises(psycopg.Error) as refusal:
        web.commit()
    return refusal.value.sqlstate == "CV002"


def nothing_changed(superuser: psycopg.Connection) -> bool:
    """Asked by a superuser: after some of the revocations nobody else could see the orders."""
    return superuser.execute(
        "SELECT count(*) FROM orders_offer WHERE name LIKE 'overtaken%'"
    ).fetchone() == (0,)
