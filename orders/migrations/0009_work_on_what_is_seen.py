"""Clause P2 looks at the order that a comment or a look at a telephone is about, or refuses.

Who may read an order and not write it holds no lock on it: the lock found no row then, and no row
was taken for one that nothing stands against.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

SEEN = """
CREATE OR REPLACE FUNCTION gate.refuse_work(a_company bigint, an_order uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE o public.orders_order;
BEGIN
    SELECT * INTO o FROM public.orders_order s
     WHERE s.company_id = a_company AND s.id = an_order FOR SHARE;
    IF NOT FOUND THEN
        SELECT * INTO o FROM public.orders_order s
         WHERE s.company_id = a_company AND s.id = an_order;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'an order out of reach' USING ERRCODE = '42501';
    END IF;
    PERFORM gate.refuse_prohibited(gate.prohibition(o), 'the order can only be erased');
    IF o.erased_at IS NOT NULL THEN
        RAISE EXCEPTION 'the person was erased' USING ERRCODE = 'CVP02', DETAIL = '{}';
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0008_bound_to_the_pass")]
    operations: ClassVar = [guard(SEEN, "")]
