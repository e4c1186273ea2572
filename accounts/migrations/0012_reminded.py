"""When a member was last reminded of policies that wait: policy/migrations/0010 writes it."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0011_leaving")]
    operations: ClassVar = [
        migrations.AddField(
            "membership", "reminded_at", models.DateTimeField(null=True, editable=False)
        ),
    ]
