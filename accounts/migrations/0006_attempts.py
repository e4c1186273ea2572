"""Attempts to sign in are counted where all processes see them, and only the application does."""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard

RULES = """
ALTER TABLE accounts_attempt ENABLE ROW LEVEL SECURITY;
CREATE POLICY application ON accounts_attempt USING ((SELECT gate.vouched()));
GRANT SELECT, INSERT, UPDATE, DELETE ON accounts_attempt TO :web;
"""

UNDO = """
REVOKE ALL ON accounts_attempt FROM :web;
DROP POLICY application ON accounts_attempt;
ALTER TABLE accounts_attempt DISABLE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0005_jobs_need_the_key")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("hash", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("value", models.JSONField()),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        guard(RULES, UNDO),
    ]
