"""Moments and sums that a page can read, and no others, are written.

PostgreSQL takes a moment of never, and a sum that is no number; Python reads neither. One such order of
an agent's own, by SQL, and nobody in the company saw the list again.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

BOUNDS = """
-- Keeps each moment of a table within the years that Python has in every time zone, and each sum
-- finite. What is there stays.
CREATE FUNCTION gate.bound(a_table regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE a_column record;
BEGIN
    FOR a_column IN
        SELECT a.attname AS name, format('%s_%s_finite', c.relname, a.attname) AS rule,
               CASE a.atttypid WHEN 'numeric'::regtype THEN '%I > -1e30 AND %1$I < 1e30'
                    ELSE '%I >= ''0002-01-01Z'' AND %1$I < ''9999-01-01Z''' END AS bounds
          FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
         WHERE a.attrelid = a_table AND a.attnum > 0 AND NOT a.attisdropped
           AND a.atttypid IN ('numeric'::regtype, 'timestamptz'::regtype)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                        WHERE k.conrelid = a_table AND k.conname = a_column.rule) THEN
            EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (%s) NOT VALID', a_table,
                a_column.rule, format(a_column.bounds, a_column.name));
        END IF;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION gate.bound(regclass) FROM PUBLIC;

-- As before (0016), and bounds what it watches.
CREATE OR REPLACE FUNCTION gate.watch(a_table regclass,
    commands text DEFAULT 'INSERT OR UPDATE OR DELETE')
RETURNS void LANGUAGE plpgsql AS $$
DECLARE trigger record;
BEGIN
    FOR trigger IN VALUES ('note_write_begun', 'BEFORE'), ('note_write', 'AFTER') LOOP
        EXECUTE format('CREATE TRIGGER %I %s %s ON %s FOR EACH STATEMENT '
            'WHEN (current_user <> %L) EXECUTE FUNCTION gate.note_write()',
            trigger.column1, trigger.column2, commands, a_table, current_user);
    END LOOP;
    PERFORM gate.bound(a_table);
END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0027_api_keys")]
    operations: ClassVar = [guard(BOUNDS)]  # for good: `watch` calls it from now on
