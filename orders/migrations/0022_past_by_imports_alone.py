"""Orders of any age and state are an import's alone, and who adds to it is who told that it began.

Until now whoever might import was believed about any order: an administrator's SQL added orders as paid,
by hand and years ago, with no import and no entry. And an entry about nothing paid for a change of an
order, whose own history then did not show it.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

IMPORTERS = """
-- Who has told that an import begins, or goes on, under his own pass; until it is over.
CREATE TABLE gate.importer (
    company_id bigint, import_id uuid, user_id bigint, PRIMARY KEY (company_id, import_id, user_id),
    FOREIGN KEY (company_id, import_id) REFERENCES orders_import (company_id, id) ON DELETE CASCADE
);
ALTER TABLE orders_import NO FORCE ROW LEVEL SECURITY;
INSERT INTO gate.importer SELECT i.company_id, i.id, i.author_id FROM orders_import i
 WHERE i.finished_at IS NULL;
ALTER TABLE orders_import FORCE ROW LEVEL SECURITY;

CREATE FUNCTION gate.note_importer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO gate.importer SELECT i.company_id, i.id, NEW.actor_id FROM public.orders_import i
     WHERE i.company_id = NEW.company_id AND i.id = NEW.object_id AND i.finished_at IS NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER note_importer AFTER INSERT ON accounts_auditentry FOR EACH ROW
    WHEN (NEW.object_type = 'import' AND NEW.action IN ('import.started', 'import.resumed'))
    EXECUTE FUNCTION gate.note_importer();

CREATE FUNCTION gate.end_import() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.finished_at IS NOT NULL THEN
        RAISE EXCEPTION 'an import that is over stays as it is' USING ERRCODE = '42501';
    END IF;
    IF NEW.finished_at IS NOT NULL THEN
        DELETE FROM gate.importer i
         WHERE i.company_id = NEW.company_id AND i.import_id = NEW.id;
    END IF;
    RETURN NEW;
END $$;
DO $$ BEGIN
    EXECUTE format('CREATE TRIGGER end_import BEFORE UPDATE ON orders_import FOR EACH ROW '
        'WHEN (current_user <> %L) EXECUTE FUNCTION gate.end_import()', current_user);
END $$;
REVOKE ALL ON FUNCTION gate.note_importer(), gate.end_import() FROM PUBLIC;
"""

ADDING = """
-- The application's clock may differ from the database's by some minutes.
CREATE OR REPLACE FUNCTION gate.check_new() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.source = 'import' AND NEW.company_id = gate.company('orders.import') AND EXISTS (
        SELECT FROM gate.importer i WHERE i.company_id = NEW.company_id
           AND i.import_id = NEW.import_id AND i.user_id = gate.user_id()) THEN RETURN NEW; END IF;
    IF (NEW.status, NEW.source) <> ('new', 'hand') OR NEW.created_at NOT BETWEEN
        clock_timestamp() - interval '5 minutes' AND clock_timestamp() + interval '5 minutes' THEN
        RAISE EXCEPTION 'an order begins as new, now, by hand' USING ERRCODE = '42501';
    END IF;
    INSERT INTO gate.untold (order_id, company_id, was, became)
    VALUES (NEW.id, NEW.company_id, '', NEW.status);
    RETURN NEW;
END $$;
"""

TELLING = """
-- As before (0017), and of an order alone: its history shows no other entry.
CREATE OR REPLACE FUNCTION gate.tell() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM gate.untold u
     WHERE u.transaction = pg_current_xact_id() AND NEW.object_type = 'order'
       AND u.order_id = NEW.object_id AND u.company_id = NEW.company_id
       AND CASE WHEN u.was = '' OR NEW.action = 'order.added'
                THEN u.was = '' AND NEW.action = 'order.added'
                ELSE u.was = u.became
                     OR u.was = NEW.changes ->> 'from' AND u.became = NEW.changes ->> 'to' END;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0021_of_an_import"),
        ("accounts", "0016_every_pass_checked"),
    ]
    operations: ClassVar = [guard(IMPORTERS + ADDING + TELLING)]  # for good: both were leaks
