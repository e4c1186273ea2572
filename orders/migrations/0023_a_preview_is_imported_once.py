"""What a preview showed is imported once: two clicks at the same moment made the same orders twice."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0022_past_by_imports_alone")]
    operations: ClassVar = [
        migrations.AddField("import", "preview", models.UUIDField(null=True, editable=False)),
        migrations.AddConstraint(
            "import",
            models.UniqueConstraint("company", "preview", name="orders_import_once"),
        ),
    ]
