"""What clause P1 asks of a company and its people: how strict it is, and where members belong.

Both are read by whoever reads the row already. A company's strictness is for who runs it to change;
a member declares the own citizenship alone, through the gate (policy/migrations/0007).
"""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard

STRICTNESS = """
CREATE POLICY changes ON accounts_company FOR UPDATE USING (
    id = (SELECT gate.whole('company.policy')));
GRANT UPDATE (strict) ON accounts_company TO :web;
SELECT gate.watch('accounts_company');
"""

UNDO = """
DROP TRIGGER note_write ON accounts_company;
REVOKE UPDATE (strict) ON accounts_company FROM :web;
DROP POLICY changes ON accounts_company;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0009_answered_at_once")]
    operations: ClassVar = [
        migrations.AddField("company", "strict", models.BooleanField(db_default=False)),
        migrations.AddField(
            "membership",
            "citizenship",
            models.CharField("citizenship", max_length=2, blank=True, db_default=""),
        ),
        migrations.AddConstraint(
            "membership",
            models.CheckConstraint(
                condition=models.Q(citizenship__regex="^([A-Z]{2})?$"),
                name="accounts_membership_citizenship",
            ),
        ),
        guard(STRICTNESS, UNDO),
    ]
