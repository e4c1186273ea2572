"""An imported order names its import, so that its history says who brought it (clauses C2 and D1).

No index: it is read from the order alone, and never changed, since nobody is granted that.
"""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard

OF_ITS_COMPANY = """
ALTER TABLE orders_order ADD CONSTRAINT orders_order_import FOREIGN KEY (company_id, import_id)
    REFERENCES orders_import (company_id, id);
"""
UNDO = "ALTER TABLE orders_order DROP CONSTRAINT orders_order_import;"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0015_disclosed")]
    operations: ClassVar = [
        migrations.AddField("order", "import_id", models.UUIDField(null=True, editable=False)),
        migrations.AddConstraint(
            "order",
            models.CheckConstraint(
                condition=models.Q(("import_id", None), ("source", "import"), _connector="OR"),
                name="orders_order_imported",
            ),
        ),
        guard(OF_ITS_COMPANY, UNDO),
    ]
