"""What waits of an import that nobody goes on with is erased in time, too, and ends the import.

Until now a night asked when an import had ended: the lines that one had refused which never did, and
its orders that no worker had stored, were kept for ever. Of an import from before, when somebody last
worked on it is not known: only that it was not before it was started.
"""

from typing import ClassVar

import django.utils.timezone
from django.db import migrations, models

from accounts.rowrules import guard, rewritten

TOUCHED = """
ALTER TABLE orders_import NO FORCE ROW LEVEL SECURITY;
UPDATE orders_import SET touched_at = coalesce(finished_at, started_at);
ALTER TABLE orders_import FORCE ROW LEVEL SECURITY;
"""
# A job that stores what waits may not say that it was erased.
ENDED = """
GRANT UPDATE (touched_at, expired) ON orders_import TO :web;
SELECT gate.bound('orders_import');
""" + rewritten(
    "gate.end_import()",
    (
        "BEGIN\n",
        """BEGIN
    IF OLD.expired <> NEW.expired AND NEW.company_id IS DISTINCT FROM gate.whole('orders.erase') THEN
        RAISE EXCEPTION 'who stores an import does not erase it' USING ERRCODE = '42501';
    END IF;
""",
    ),
)
KINDS = ("delivered", "paid", "returned", "cancelled", "trash", "lines", "waiting")


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0035_named_elsewhere")]
    operations: ClassVar = [
        migrations.AddField("import", "expired", models.PositiveIntegerField(default=0)),
        migrations.AddField(
            "import", "touched_at", models.DateTimeField(default=django.utils.timezone.now)
        ),
        guard(TOUCHED),
        migrations.AddConstraint(
            "import",
            models.CheckConstraint(
                condition=models.Q(("expired", 0), ("finished_at__isnull", False), _connector="OR"),
                name="orders_import_expired",
            ),
        ),
        migrations.RemoveConstraint("retention", "orders_retention_kind"),
        migrations.AddConstraint(
            "retention",
            models.CheckConstraint(
                condition=models.Q(("kind__in", KINDS)), name="orders_retention_kind"
            ),
        ),
        guard(ENDED),  # for good
    ]
