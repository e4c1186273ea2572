"""An access link's reason names no buyer by telephone or e-mail: it outlives them, in the clear.

Those that were written before stay as they are, and so the constraint is not validated.
"""

from typing import ClassVar

from django.db import migrations, models

from accounts.access import CONTACT

NAME = "accounts_grant_names_nobody"
ADD = f"ALTER TABLE accounts_grant ADD CONSTRAINT {NAME} CHECK (reason !~ '{CONTACT}') NOT VALID;"
DROP = f"ALTER TABLE accounts_grant DROP CONSTRAINT {NAME};"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0041_access_over")]
    operations: ClassVar = [
        migrations.RunSQL(
            ADD,
            DROP,
            state_operations=[
                migrations.AddConstraint(
                    "grant",
                    models.CheckConstraint(condition=~models.Q(reason__regex=CONTACT), name=NAME),
                )
            ],
        )
    ]
