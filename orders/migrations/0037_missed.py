"""What support asks for and is not shown was not looked at, and the record says so.

An order's history told of looks that had been answered 404: of an order that the link does not list,
or that its maker does not see. The entry is made before the order is read; so now the gate, which makes
it, asks first whether it is open. Where it is not, the entry names no order and opens no row.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard, rewritten

SHUT = """
-- Whether an order is shut to the transaction, under its row rule as for any other reader.
CREATE FUNCTION gate.is_shut(a gate.access, an_order uuid) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN an_order IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.orders_order o WHERE o.company_id = a.company_id AND o.id = an_order);
END $$;
REVOKE ALL ON FUNCTION gate.is_shut(gate.access, uuid) FROM PUBLIC;
"""
MISSED = rewritten(
    "gate.look(text, uuid, jsonb)",
    (
        "    PERFORM gate.tell(a.company_id, a.staff_id, deed, said,\n",
        """    IF gate.is_shut(a, an_order) THEN
        UPDATE gate.writing w SET told = false
         WHERE w.transaction = pg_current_xact_id() AND w.grant_id = a.grant_id;
        PERFORM gate.tell(a.company_id, a.staff_id, 'access.missed', said, under => a.grant_id);
        RETURN;
    END IF;
    PERFORM gate.tell(a.company_id, a.staff_id, deed, said,
""",
    ),
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0036_imports_that_stand_still"),
        ("accounts", "0046_one_look"),
    ]
    operations: ClassVar = [guard(SHUT + MISSED)]  # for good
