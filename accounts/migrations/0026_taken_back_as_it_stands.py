"""A right is taken back by a transaction that sees what stands: under READ COMMITTED.

Under REPEATABLE READ, which a database may have as its default, the owner's transaction doubted and
ended the passes of its own first moment: one that was verified, or opened, after that kept the right.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

SEEING = """
CREATE FUNCTION gate.see_what_stands() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a right is taken back under READ COMMITTED alone' USING ERRCODE = '25001';
    END IF;
END $$;
REVOKE ALL ON FUNCTION gate.see_what_stands() FROM PUBLIC;

-- As they were (0020, 0002), but for that.
CREATE OR REPLACE FUNCTION gate.doubt(a_user bigint, a_company bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM gate.see_what_stands();
    IF a_company IS NULL THEN
        PERFORM FROM gate.turn t WHERE t.name = 'verifying' FOR UPDATE;
    ELSIF a_user IS NULL THEN  -- the company's policy; a suspension has changed this row itself
        PERFORM FROM public.accounts_company c WHERE c.id = a_company FOR NO KEY UPDATE;
    END IF;
    UPDATE public.accounts_pass p SET verified_until = NULL, scopes = NULL
     WHERE p.verified_until IS NOT NULL AND (a_user IS NULL OR p.user_id = a_user)
       AND (a_company IS NULL OR p.company_id = a_company);
END $$;

CREATE OR REPLACE FUNCTION gate.end_passes_of_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.see_what_stands();
    DELETE FROM public.accounts_pass WHERE user_id = NEW.id;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0025_until_when_first")]
    operations: ClassVar = [guard(SEEING)]  # for good
