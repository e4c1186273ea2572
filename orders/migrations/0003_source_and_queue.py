"""How an order came, and the indexes that the queue and the counts of the list stand on."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0002_row_rules")]
    operations: ClassVar = [
        migrations.AddField(
            "order",
            "source",
            models.CharField(
                "came by",
                max_length=8,
                choices=[("hand", "entered by hand"), ("import", "import"), ("api", "API")],
                default="hand",
            ),
        ),
    ]
