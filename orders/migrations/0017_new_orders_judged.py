"""An order moves by a role in its own company, and begins as new, told in the audit.

Until now the role was that of whatever pass was presented, of any company; and an insert was not
judged, so SQL smuggled into a request added orders as paid, years ago, with nobody told.

Who may import brings orders of any age and state from a shop's files, told in one entry for all.
Anybody else adds one as new, now, by hand, and owes an entry for it (0011).
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

MOVES = """
CREATE OR REPLACE FUNCTION gate.check_move() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held record := gate.holder(); doer text := held.role;
BEGIN
    IF held.company_id IS DISTINCT FROM NEW.company_id THEN
        RAISE EXCEPTION 'an order of another company' USING ERRCODE = '42501';
    END IF;
    IF OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL THEN doer := 'erasure'; END IF;
    IF NOT EXISTS (SELECT FROM gate.move m WHERE m.origin = OLD.status
                      AND m.target = NEW.status AND m.made_by = doer) THEN
        RAISE EXCEPTION 'no move from % to % for this role', OLD.status, NEW.status
            USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
"""

ADDING = """
-- The application's clock may differ from the database's by some minutes.
CREATE FUNCTION gate.check_new() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.company_id = gate.company('orders.import') THEN RETURN NEW; END IF;
    IF (NEW.status, NEW.source) <> ('new', 'hand') OR NEW.created_at NOT BETWEEN
        clock_timestamp() - interval '5 minutes' AND clock_timestamp() + interval '5 minutes' THEN
        RAISE EXCEPTION 'an order begins as new, now, by hand' USING ERRCODE = '42501';
    END IF;
    INSERT INTO gate.untold (order_id, company_id, was, became)
    VALUES (NEW.id, NEW.company_id, '', NEW.status);
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION gate.check_new() FROM PUBLIC;

DO $$ BEGIN
    EXECUTE format('CREATE TRIGGER check_new BEFORE INSERT ON orders_order FOR EACH ROW '
        'WHEN (current_user <> %L) EXECUTE FUNCTION gate.check_new()', current_user);
END $$;

-- That an order is there is told by its own entry, as a change of status is.
CREATE OR REPLACE FUNCTION gate.tell() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM gate.untold u
     WHERE u.transaction = pg_current_xact_id()
       AND u.order_id = NEW.object_id AND u.company_id = NEW.company_id
       AND CASE WHEN u.was = '' OR NEW.action = 'order.added'
                THEN u.was = '' AND NEW.action = 'order.added'
                ELSE u.was = u.became
                     OR u.was = NEW.changes ->> 'from' AND u.became = NEW.changes ->> 'to' END;
    RETURN NULL;
END $$;
DROP TRIGGER tell ON accounts_auditentry;
CREATE TRIGGER tell AFTER INSERT ON accounts_auditentry FOR EACH ROW
    WHEN (NEW.action IN ('order.added', 'order.edited', 'order.moved', 'order.assigned',
                         'order.erased'))
    EXECUTE FUNCTION gate.tell();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0016_imported_by")]
    operations: ClassVar = [guard(MOVES + ADDING)]  # for good: what was before could be got round
