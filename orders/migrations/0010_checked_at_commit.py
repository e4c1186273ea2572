"""What is written about orders is checked again at the commit (accounts/migrations/0008)."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

TABLES = (
    "orders_order",
    "orders_offer",
    "orders_item",
    "orders_searchword",
    "orders_comment",
    "orders_import",
    "orders_importchunk",
    "orders_importrefusal",
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0009_work_on_what_is_seen"),
        ("accounts", "0008_checked_at_commit"),
    ]
    operations: ClassVar = [
        guard(f"SELECT gate.watch('{table}')", f"DROP TRIGGER note_write ON {table}")
        for table in TABLES
    ]
