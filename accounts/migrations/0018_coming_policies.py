"""A request learns in its first statement which policies are announced, too: people are told ahead.

A pass that is verified for good (nothing is announced that would end that) need not ask.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

COMING = """
-- Answered by the app that knows policies (policy/migrations/0013).
CREATE FUNCTION gate.coming_policies(a_company bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$ SELECT NULL::jsonb $$;
REVOKE ALL ON FUNCTION gate.coming_policies(bigint) FROM PUBLIC;

DROP FUNCTION gate.enter(text, text);
CREATE FUNCTION gate.enter(app_key text, secret text)
RETURNS TABLE (user_id bigint, user_name text, user_email text, user_language text,
    companies bigint, company_id bigint, company_name text, company_slug text,
    company_currency text, company_time_zone text, role text, membership_id uuid, team_id uuid,
    partner_id uuid, data text, missing jsonb, coming jsonb, verified boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('gate.app', app_key, true), set_config('gate.company', '', true),
            set_config('gate.pass', coalesce(secret, ''), true);
    RETURN QUERY
    SELECT u.id, u.name::text, u.email::text, u.language::text,
           (SELECT count(*) FROM public.accounts_membership o
             WHERE o.user_id = u.id AND o.left_at IS NULL),
           m.company_id, c.name::text, c.slug::text, c.currency::text, c.time_zone::text,
           m.role::text, m.id, m.team_id, m.partner_id, p.data,
           CASE WHEN u.id IS NOT NULL THEN gate.missing_policies(u.id, m.company_id) END,
           CASE WHEN u.id IS NOT NULL AND p.verified_until IS DISTINCT FROM 'infinity'
                THEN gate.coming_policies(m.company_id) END,
           coalesce(p.verified_until > statement_timestamp(), false)
      FROM public.accounts_pass p
      LEFT JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
      LEFT JOIN public.accounts_company c ON c.id = p.company_id AND c.suspended_at IS NULL
      LEFT JOIN public.accounts_membership m
        ON m.company_id = c.id AND m.user_id = u.id AND m.left_at IS NULL
     WHERE p.hash = sha256(convert_to(secret, 'UTF8')) AND p.expires_at > statement_timestamp()
       AND (p.user_id IS NULL OR u.id IS NOT NULL);
    PERFORM set_config('gate.company', coalesce(h.company_id::text, ''), true)
       FROM gate.holder() h;
END $$;
REVOKE ALL ON FUNCTION gate.enter(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.enter(text, text) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0017_jobs_of_the_worker_alone")]
    operations: ClassVar = [guard(COMING)]  # no way back: decision 16 says what is told ahead
