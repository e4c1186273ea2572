"""An access link's reason names no buyer in other digits, or with wide spaces and dashes, either.

Those that were written before stay as they are, and so the constraint is not validated.
"""

from typing import ClassVar, Final

from django.db import migrations, models

NAME = "accounts_grant_names_nobody"
DIGIT: Final = r"[\d\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff10-\uff19]"
BETWEEN: Final = r"[ \t\u00a0\u00ad\u2000-\u2015\u2019\u202f\u2060\u2212\ufeff().+/_-]"
CONTACT: Final = rf"\S[@\uff20]\S+[.\uff0e]\S|({DIGIT}{BETWEEN}*){{9}}"
DROP = f"ALTER TABLE accounts_grant DROP CONSTRAINT {NAME};"
ADD = f"ALTER TABLE accounts_grant ADD CONSTRAINT {NAME} CHECK (reason !~ '{CONTACT}') NOT VALID;"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0042_reasons_name_nobody")]
    operations: ClassVar = [
        migrations.RunSQL(
            DROP + ADD,
            migrations.RunSQL.noop,
            state_operations=[
                migrations.RemoveConstraint("grant", NAME),
                migrations.AddConstraint(
                    "grant",
                    models.CheckConstraint(condition=~models.Q(reason__regex=CONTACT), name=NAME),
                ),
            ],
        )
    ]
