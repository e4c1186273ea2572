"""An import may leave out values that can't be read: how many orders lack some, and which."""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard

# The worker counts them, as it counts the orders.
COUNT = "GRANT UPDATE (incomplete) ON orders_import TO :web;"
UNDO = "REVOKE UPDATE (incomplete) ON orders_import FROM :web;"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0005_team_follows")]
    operations: ClassVar = [
        migrations.AddField("import", "incomplete", models.PositiveIntegerField(default=0)),
        migrations.AddField("importrefusal", "values_only", models.BooleanField(default=False)),
        guard(COUNT, UNDO),
    ]
