"""An entry can say that its deed was done under an access link, on its maker's behalf."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0020_doubted_without_a_turn")]
    operations: ClassVar = [
        migrations.AddField("auditentry", "grant_id", models.UUIDField(null=True, editable=False)),
    ]
