"""What the tabs are counted from holds the orders' ids, too: the row rule reads them since access links
list orders (0031), and an index without them made each count visit its orders."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0031_under_a_grant")]
    operations: ClassVar = [
        migrations.RemoveIndex("order", "orders_order_counted"),
        migrations.AddIndex(
            "order",
            models.Index(
                "company",
                "status",
                "agent_id",
                "team_id",
                "partner_id",
                include=["id"],
                name="orders_order_counted",
            ),
        ),
    ]
