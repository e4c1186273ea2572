"""Whoever takes data along takes all of it.

The pass of a company's archive named what it reads, and was forgotten when tables came whose rules
ask for another permission: leads and periods of retention were left out, and nothing said so. It reads
what an owner reads, in read-only transactions as before. What somebody let support see is theirs to
take along too, when no company is claimed.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard, rewritten

REACH = rewritten(
    "gate.open_export(text, text, boolean, uuid, timestamptz)",
    (
        """ARRAY['company.enter', 'company.policy', 'people.read', 'people.manage',
            'audit.read', 'orders.read', 'orders.import', 'persons.open', 'persons.telephone']""",
        "ARRAY(SELECT g.permission FROM gate.permission g WHERE g.role = 'owner')",
    ),
)
OWN = """
-- Whose archive the transaction reads for; NULL for any other pass, and outside read-only ones.
CREATE FUNCTION gate.taking_along() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT p.user_id FROM public.accounts_pass p
             WHERE p.hash = gate.presented() AND p.kind = 'export'
               AND p.expires_at > statement_timestamp()
               AND current_setting('transaction_read_only') = 'on');
END $$;
REVOKE ALL ON FUNCTION gate.taking_along() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.taking_along() TO :web;

ALTER POLICY reads ON accounts_grant USING (
    made_by_id = (SELECT gate.taking_along())
    OR company_id = :claim AND (company_id = (SELECT gate.enrolled('audit.read'))
        OR (company_id, made_by_id) = (SELECT d.company_id, d.user_id FROM gate.doer() d)));
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0036_access_attacked")]
    operations: ClassVar = [guard(REACH + OWN)]  # for good: the former reach left things out
