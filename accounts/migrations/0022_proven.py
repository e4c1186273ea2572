"""A pass knows when its holder last proved who he is: by the password, and by a second factor.

Some deeds ask for a proof that is fresh: a session that was left open, or copied, must not suffice for
them. Only the application notes a proof, with its issuing key, so no SQL smuggled into a request can
make a pass look fresh. The clock is the database's.
"""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard

PROVING = """
-- `proof` is "password", or the kind of second factor.
CREATE FUNCTION gate.prove_pass(issue_key text, secret text, a_user bigint, proof text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    UPDATE public.accounts_pass p
       SET password_at = CASE WHEN proof = 'password' THEN clock_timestamp() ELSE password_at END,
           factor_at = CASE WHEN proof = 'password' THEN factor_at ELSE clock_timestamp() END,
           factor = CASE WHEN proof = 'password' THEN factor ELSE proof END
     WHERE p.hash = sha256(convert_to(secret, 'UTF8')) AND p.kind = 'session'
       AND p.user_id = a_user;
END $$;

-- Has the holder of this session proven himself within that time, by whatever?
CREATE FUNCTION gate.fresh(within interval) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.accounts_pass p
         WHERE p.hash = gate.presented() AND p.kind = 'session' AND p.user_id = gate.user_id()
           AND greatest(p.password_at, p.factor_at) > clock_timestamp() - within);
END $$;

-- The kind of second factor that he has proven himself by within that time; NULL for none.
CREATE FUNCTION gate.fresh_factor(within interval) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT p.factor FROM public.accounts_pass p
             WHERE p.hash = gate.presented() AND p.kind = 'session' AND p.user_id = gate.user_id()
               AND p.factor_at > clock_timestamp() - within);
END $$;

-- As it was (0018), and when the holder last proved himself.
DROP FUNCTION gate.enter(text, text);
CREATE FUNCTION gate.enter(app_key text, secret text)
RETURNS TABLE (user_id bigint, user_name text, user_email text, user_language text,
    companies bigint, company_id bigint, company_name text, company_slug text,
    company_currency text, company_time_zone text, role text, membership_id uuid, team_id uuid,
    partner_id uuid, data text, missing jsonb, coming jsonb, verified boolean,
    proven_at timestamptz, factor_at timestamptz)
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
           coalesce(p.verified_until > statement_timestamp(), false),
           greatest(p.password_at, p.factor_at), p.factor_at
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

REVOKE ALL ON FUNCTION gate.prove_pass(text, text, bigint, text), gate.fresh(interval),
    gate.fresh_factor(interval), gate.enter(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.prove_pass(text, text, bigint, text), gate.fresh(interval),
    gate.fresh_factor(interval), gate.enter(text, text) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0021_under_which_grant")]
    operations: ClassVar = [
        migrations.AddField("pass", "password_at", models.DateTimeField(null=True)),
        migrations.AddField("pass", "factor_at", models.DateTimeField(null=True)),
        migrations.AddField("pass", "factor", models.CharField(db_default="", max_length=16)),
        guard(PROVING),  # no way back: what asks for a fresh proof rests on it
    ]
