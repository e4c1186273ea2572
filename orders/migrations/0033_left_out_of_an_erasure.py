"""Orders that an erasure of their buyer leaves as they are, and on what ground: with none, none."""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0032_counted_with_ids")]
    operations: ClassVar = [
        migrations.AddField("inquiry", "kept", models.JSONField(default=list)),
        migrations.AddField(
            "inquiry",
            "ground",
            models.CharField(max_length=16, blank=True, default=""),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            "inquiry",
            models.CheckConstraint(
                condition=models.Q(
                    ("kept", []), models.Q(("ground", ""), _negated=True), _connector="XOR"
                ),
                name="orders_inquiry_ground",
            ),
        ),
        guard("GRANT UPDATE (kept, ground) ON orders_inquiry TO :web", "SELECT 1"),
    ]
