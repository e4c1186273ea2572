"""An operator's pass has that rank only where a second factor was proven in it, and approving asks
for a fresh one: of an authority's request (clause T1), and of a draft (clause R2).

By what it was proven the register says; that, too, is the database's to write.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

RANK = """
CREATE OR REPLACE FUNCTION gate.is_operator() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held record := gate.holder();
BEGIN
    RETURN held.reach IS NULL AND gate.ranked() AND EXISTS (
        SELECT FROM public.accounts_user u WHERE u.id = held.user_id AND u.is_superuser);
END $$;
"""

APPROVING = """
-- The factor by which the approver has proven himself in the last five minutes, and CV003 for none.
-- Named to run first.
CREATE FUNCTION gate.prove_approval() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.proven := coalesce(gate.fresh_factor('5 minutes'), '');
    IF NEW.proven = '' AND gate.is_operator() THEN  -- of others the row rule says what they are not
        RAISE EXCEPTION 'an approval asks for a fresh second factor' USING ERRCODE = 'CV003';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION gate.prove_approval() FROM PUBLIC;

CREATE TRIGGER a_fresh_factor BEFORE INSERT ON policy_disclosureevent FOR EACH ROW
    WHEN (NEW.deed = 'approved') EXECUTE FUNCTION gate.prove_approval();
CREATE TRIGGER a_fresh_factor BEFORE INSERT ON policy_approval FOR EACH ROW
    EXECUTE FUNCTION gate.prove_approval();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0031_factors"),
        ("policy", "0019_told_ahead"),
    ]
    operations: ClassVar = [guard(RANK + APPROVING)]  # for good: a password was enough before
