"""An order given to somebody who is changing teams right now goes to the new one's lead."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

COMPLETE = """
CREATE OR REPLACE FUNCTION gate.complete_order() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.company_id IS DISTINCT FROM gate.company('orders.create') THEN
            RAISE EXCEPTION 'an order of another company' USING ERRCODE = '42501';
        END IF;
        NEW.number := nextval(format('numbers.company_%s', NEW.company_id)::regclass);
    END IF;
    {held}NEW.team_id := (SELECT m.team_id FROM public.accounts_membership m
                     WHERE m.company_id = NEW.company_id AND m.id = NEW.agent_id);
    RETURN NEW;
END $$;
"""

# Whoever changes the member's team moves the orders there are: he waits for this one, or it for him.
# Not where the agent stays: then the order is among those he moves, and he waits for its row.
HELD = """IF TG_OP = 'INSERT' OR NEW.agent_id IS DISTINCT FROM OLD.agent_id THEN
        PERFORM FROM public.accounts_membership m
          WHERE m.company_id = NEW.company_id AND m.id = NEW.agent_id FOR SHARE;
    END IF;
    """


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0011_told_in_the_audit")]
    operations: ClassVar = [guard(COMPLETE.format(held=HELD), COMPLETE.format(held=""))]
