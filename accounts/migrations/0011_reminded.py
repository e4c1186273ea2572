"""When a member was last reminded of policies that wait: policy/migrations/0008 writes it."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0010_countries_of_members")]
    operations: ClassVar = [
        migrations.AddField(
            "membership", "reminded_at", models.DateTimeField(null=True, editable=False)
        ),
    ]
