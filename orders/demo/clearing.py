"""Taking the demo companies out again, so that loading them ends the same however often it is done.

The database keeps even its owner from this: row rules are forced, and what is only added to is
guarded by triggers. Both are lifted here, in one transaction: a table's guards come back with its
commit or its rollback, and until then its lock keeps everybody else out of it. Rejected: dropping
the database, which would end a running server and take other companies along.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from accounts.founding import OWNER
from accounts.models import Company

OF_COMPANIES = """
SELECT c.relname, c.relforcerowsecurity
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id'
 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
 ORDER BY c.relname
"""
# An acceptance carries the hash of the one before: who has one here loses them all.
FOLLOWING = """
DELETE FROM policy_acceptance WHERE user_id IN (
    SELECT user_id FROM accounts_membership WHERE company_id = ANY(%(companies)s)
    UNION SELECT user_id FROM policy_acceptance WHERE company_id = ANY(%(companies)s)
    UNION SELECT id FROM accounts_user WHERE email = ANY(%(emails)s));
DELETE FROM mfa_authenticator USING accounts_user u
    WHERE u.id = user_id AND u.email = ANY(%(emails)s);
DELETE FROM policy_policytext WHERE version_id IN (
    SELECT id FROM policy_policyversion WHERE company_id = ANY(%(companies)s))
"""


def clear(slugs: Sequence[str], emails: Sequence[str]) -> None:
    """Remove these companies with all that belongs to them, what these people accepted, and their
    second factors, which only who set them up can use. The people stay: they may have published a
    version of the platform's policy."""
    with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
        found = Company.objects.using(OWNER).filter(slug__in=slugs)
        companies = list(found.values_list("pk", flat=True))
        cursor.execute(OF_COMPANIES)
        tables: dict[str, bool] = dict(cursor.fetchall())
        with _unguarded(cursor, tables | {"policy_policytext": False}):
            cursor.execute(FOLLOWING, {"companies": companies, "emails": list(emails)})
            _delete(cursor, tables, companies)
        for company in companies:
            cursor.execute(f"DROP SEQUENCE IF EXISTS numbers.company_{company:d}")


def _delete(cursor: CursorWrapper, tables: dict[str, Any], companies: list[int]) -> None:
    """One statement: references are checked at its end, so that no order of tables matters. The
    tables' names are the catalogue's own."""
    parts = [
        f'gone_{number} AS (DELETE FROM "{table}" WHERE company_id = ANY(%(companies)s))'  # noqa: S608
        for number, table in enumerate(tables)
    ]
    cursor.execute(
        f"WITH {', '.join(parts)} DELETE FROM accounts_company WHERE id = ANY(%(companies)s)",  # noqa: S608
        {"companies": companies},
    )


@contextmanager
def _unguarded(cursor: CursorWrapper, tables: dict[str, bool]) -> Iterator[None]:
    """`tables`: name -> whether its row rules are forced."""
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or the guards could not come back in time
    for table, forced in tables.items():
        force = ", NO FORCE ROW LEVEL SECURITY" if forced else ""
        cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER{force}')
    yield
    for table, forced in tables.items():
        force = ", FORCE ROW LEVEL SECURITY" if forced else ""
        cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER{force}')
