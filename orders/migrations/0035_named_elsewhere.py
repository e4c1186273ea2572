"""An erased buyer goes from where nothing is sealed, too: a file's name, a lead's number.

A shop may number its orders by their telephones, and partners do. Whoever erases an order writes
another number in its place, and its lead, and what was told of the lead, follow (`orders.erasure`).
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard, rewritten

FILES = "GRANT UPDATE (file_name) ON orders_import TO :web;" + rewritten(
    "gate.end_import()",
    (
        "    IF OLD.finished_at IS NOT NULL THEN\n",
        """    IF OLD.finished_at IS NOT NULL AND gate.whole('orders.erase') = NEW.company_id THEN
        OLD.file_name := NEW.file_name;
    END IF;
    IF OLD.finished_at IS NOT NULL AND OLD IS DISTINCT FROM NEW THEN
""",
    ),
)
LEADS = rewritten(
    "gate.follow_order()",
    (
        "BEGIN\n",
        """BEGIN
    IF OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL
       AND OLD.external_id <> NEW.external_id THEN
        UPDATE public.orders_lead l SET external_id = NEW.external_id
         WHERE l.company_id = NEW.company_id AND l.id = NEW.id;
        UPDATE public.orders_delivery d SET external_id = NEW.external_id
         WHERE d.company_id = NEW.company_id AND d.lead_id = NEW.id;
    END IF;
""",
    ),
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0034_told_at_once")]
    operations: ClassVar = [guard(FILES + LEADS)]  # for good
