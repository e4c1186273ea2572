"""What every page asks of the gate, a verified pass answers at once (decision 4)."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

AT_ONCE = """
CREATE OR REPLACE FUNCTION gate.company(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE company bigint;
BEGIN
    SELECT p.company_id INTO company FROM public.accounts_pass p
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > statement_timestamp() AND p.verified_until > statement_timestamp()
       AND p.scopes ? wanted AND current_setting('transaction_isolation') = 'read committed';
    IF FOUND THEN RETURN company; END IF;
    RETURN (SELECT g.company_id FROM gate.granted(wanted) g);
END $$;

-- Without the company, whose membership `holder` looks up as well.
CREATE OR REPLACE FUNCTION gate.user_id() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT u.id FROM public.accounts_pass p
              JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
             WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
               AND p.expires_at > statement_timestamp()
               AND current_setting('transaction_isolation') = 'read committed');
END $$;
"""

FORMER = """
CREATE OR REPLACE FUNCTION gate.user_id() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN (gate.holder()).user_id; END $$;
CREATE OR REPLACE FUNCTION gate.company(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN RETURN (SELECT g.company_id FROM gate.granted(wanted) g); END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0008_checked_at_commit")]
    operations: ClassVar = [guard(AT_ONCE, FORMER)]
