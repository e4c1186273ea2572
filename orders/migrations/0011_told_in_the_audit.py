"""An order moves as the table of moves allows, and what is changed of it is told in the audit: in
the database, too, so that SQL smuggled into a request can do neither past them.

An update of an order owes an entry, and the entry pays: whatever is still owed at the commit stops
it. Rejected: looking for the entry at the commit, for which each entry would keep its transaction's
number, and the reader would need the right to read the audit.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

MOVES = """
-- orders.statuses' moves, and an erasure's; orders.moves_installed copies them after each migration.
CREATE TABLE gate.move (
    origin text, target text, made_by text, PRIMARY KEY (origin, target, made_by)
);

CREATE FUNCTION gate.check_move() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE doer text := (gate.holder()).role;
BEGIN
    IF OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL THEN doer := 'erasure'; END IF;
    IF NOT EXISTS (SELECT FROM gate.move m WHERE m.origin = OLD.status
                      AND m.target = NEW.status AND m.made_by = doer) THEN
        RAISE EXCEPTION 'no move from % to % for this role', OLD.status, NEW.status
            USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
"""

TELLING = """
-- What a transaction under way has changed of orders, and not yet told.
CREATE UNLOGGED TABLE gate.untold (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(), order_id uuid NOT NULL,
    company_id bigint NOT NULL, was text NOT NULL, became text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (transaction, order_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- The team is the agent's, and follows him without a word.
CREATE FUNCTION gate.owe_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    OLD.team_id := NEW.team_id;
    IF OLD IS DISTINCT FROM NEW THEN
        INSERT INTO gate.untold (order_id, company_id, was, became)
        VALUES (NEW.id, NEW.company_id, OLD.status, NEW.status);
    END IF;
    RETURN NULL;
END $$;

-- A change of status is told by its own entry, anything else by any that tells of a change.
CREATE FUNCTION gate.tell() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM gate.untold u
     WHERE u.transaction = pg_current_xact_id()
       AND u.order_id = NEW.object_id AND u.company_id = NEW.company_id
       AND (u.was = u.became
            OR u.was = NEW.changes ->> 'from' AND u.became = NEW.changes ->> 'to');
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON accounts_auditentry FOR EACH ROW
    WHEN (NEW.action IN ('order.edited', 'order.moved', 'order.assigned', 'order.erased'))
    EXECUTE FUNCTION gate.tell();

CREATE FUNCTION gate.refuse_untold() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM gate.untold u WHERE u.transaction = NEW.transaction
                  AND u.order_id = NEW.order_id AND u.id = NEW.id) THEN
        RAISE EXCEPTION 'an order was changed without an entry in the audit'
            USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER refuse_untold AFTER INSERT ON gate.untold
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gate.refuse_untold();

REVOKE ALL ON FUNCTION gate.check_move(), gate.owe_entry(), gate.tell(), gate.refuse_untold()
    FROM PUBLIC;
"""

# Not for the tables' owner: a migration moves nothing, and has nobody to name.
WATCHED = """
DO $$ BEGIN
    EXECUTE format('CREATE TRIGGER check_move BEFORE UPDATE OF status ON orders_order FOR EACH ROW '
        'WHEN (OLD.status IS DISTINCT FROM NEW.status AND current_user <> %L) '
        'EXECUTE FUNCTION gate.check_move()', current_user);
    EXECUTE format('CREATE TRIGGER owe_entry AFTER UPDATE ON orders_order FOR EACH ROW '
        'WHEN (OLD.* IS DISTINCT FROM NEW.* AND current_user <> %L) '
        'EXECUTE FUNCTION gate.owe_entry()', current_user);
END $$;
"""

UNDO = """
DROP TRIGGER owe_entry ON orders_order;
DROP TRIGGER check_move ON orders_order;
DROP TRIGGER tell ON accounts_auditentry;
DROP TABLE gate.untold, gate.move;
DROP FUNCTION gate.refuse_untold(), gate.tell(), gate.owe_entry(), gate.check_move();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0010_checked_at_commit"),
        ("accounts", "0008_checked_at_commit"),
    ]
    operations: ClassVar = [guard(MOVES + TELLING + WATCHED, UNDO)]
