"""The orders of one import are listed, newest first: without an index all of a company's are read."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0020_nights_go_with_their_company")]
    operations: ClassVar = [
        migrations.AddIndex(
            "order",
            models.Index(
                "company",
                "import_id",
                "created_at",
                "id",
                name="orders_order_by_import",
                condition=models.Q(import_id__isnull=False),
            ),
        ),
    ]
