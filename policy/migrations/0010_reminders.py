"""Reminding people of the policies that wait for them: by who runs the company, each at most once a
day, whoever clicks how often (clause C2)."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

REMINDING = """
-- Notes that everybody of the company who has something to accept is reminded now, and returns whom:
-- those who were not within the last day. Rows are locked, so of two who click at once one reminds.
CREATE FUNCTION gate.remind() RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE ours bigint := gate.whole('company.policy');
BEGIN
    IF ours IS NULL THEN
        RAISE EXCEPTION 'whoever runs the company reminds its people' USING ERRCODE = '42501';
    END IF;
    RETURN QUERY
    UPDATE public.accounts_membership m SET reminded_at = statement_timestamp()
      FROM public.accounts_user u
     WHERE m.company_id = ours AND m.left_at IS NULL AND u.id = m.user_id AND u.is_active
       AND coalesce(m.reminded_at <= statement_timestamp() - interval '1 day', true)
       AND gate.missing_policies(m.user_id, m.company_id) IS NOT NULL
    RETURNING m.user_id;
END $$;
REVOKE ALL ON FUNCTION gate.remind() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.remind() TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("policy", "0009_disclosures"),
        ("accounts", "0012_reminded"),
    ]
    operations: ClassVar = [guard(REMINDING, "DROP FUNCTION gate.remind();")]
