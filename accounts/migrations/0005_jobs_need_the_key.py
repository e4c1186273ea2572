"""The web role's password alone reads no job, adds none and disturbs none.

procrastinate's functions run as whoever calls them, so its tables' row rules hold for them too. Web
requests present the application's key with every transaction; the worker's own connections, which
no request ever gets, present it once (`gate.vouch`). An upgrade of procrastinate that rewrites rows
has to lift the rules meanwhile: they are forced, and a migration presents no key.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

TABLES = (
    "procrastinate_jobs",
    "procrastinate_events",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
)
RULE = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY application ON {table} USING ((SELECT gate.vouched()));
"""
UNDO = """
DROP POLICY application ON {table};
ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0004_audit_true"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]
    operations: ClassVar = [
        guard(RULE.format(table=table), UNDO.format(table=table)) for table in TABLES
    ]
