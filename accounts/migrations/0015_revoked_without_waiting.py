"""Whoever takes a right back waits for nobody.

Two things kept a revocation waiting. An advisory lock is taken by whoever has the web role's password;
and a member with SQL of his own could hold the row of his own pass, or a verification under way, for
as long as his transaction stayed open. Now turns are rows that the web role does not reach, and what
locks a pass takes the issuing key, and is the application's alone; a pass is verified after the
request, in a moment of its own.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

TURNS = """
CREATE TABLE gate.turn (name text PRIMARY KEY);
INSERT INTO gate.turn VALUES ('verifying'), ('jurisdictions');

-- What a verified pass rests on has changed, for a person (NULL: all) in a company (NULL: all).
CREATE OR REPLACE FUNCTION gate.doubt(a_user bigint, a_company bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM FROM gate.turn t WHERE t.name = 'verifying' FOR UPDATE;
    UPDATE public.accounts_pass p SET verified_until = NULL, scopes = NULL
     WHERE p.verified_until IS NOT NULL AND (a_user IS NULL OR p.user_id = a_user)
       AND (a_company IS NULL OR p.company_id = a_company);
END $$;

-- Verifies a session's pass ahead: all that `standing` and the policies ask is asked once, and the
-- answer kept with the pass until something it rests on changes (`doubt`). Whoever verifies shares the
-- turn until the commit; whoever doubts takes it alone, after his change. So no answer from before a
-- change is ever kept after it: either the doubt waits and then sees the pass, or the verifying finds
-- the turn taken and keeps nothing.
DROP FUNCTION gate.enter(text, text, boolean), gate.verify();
CREATE FUNCTION gate.verify(issue_key text, secret text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE ours bytea := sha256(convert_to(secret, 'UTF8'));
BEGIN
    PERFORM gate.check_issuer(issue_key);
    PERFORM FROM gate.turn t WHERE t.name = 'verifying' FOR KEY SHARE SKIP LOCKED;
    IF NOT FOUND OR current_setting('transaction_isolation') <> 'read committed' THEN RETURN; END IF;
    PERFORM FROM public.accounts_pass p WHERE p.hash = ours FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN RETURN; END IF;
    UPDATE public.accounts_pass p
       SET verified_until = gate.policies_stand_until(p.company_id),
           scopes = (SELECT jsonb_object_agg(g.permission, g.scope) FROM gate.permission g
                      WHERE g.role = m.role AND (p.reach IS NULL OR p.reach ? g.permission))
      FROM public.accounts_user u, public.accounts_company c, public.accounts_membership m
     WHERE p.hash = ours AND p.kind = 'session' AND p.expires_at > statement_timestamp()
       AND u.id = p.user_id AND u.is_active
       AND c.id = p.company_id AND c.suspended_at IS NULL
       AND m.company_id = p.company_id AND m.user_id = p.user_id AND m.left_at IS NULL
       AND gate.missing_policies(p.user_id, p.company_id) IS NULL;
END $$;

-- A request's first statement: presents the application's key and the pass, claims the pass's
-- company, and returns in the same round trip what the request has to know about its holder.
CREATE FUNCTION gate.enter(app_key text, secret text)
RETURNS TABLE (user_id bigint, user_name text, user_email text, user_language text,
    companies bigint, company_id bigint, company_name text, company_slug text,
    company_currency text, company_time_zone text, role text, membership_id uuid, team_id uuid,
    partner_id uuid, data text, missing jsonb, verified boolean)
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
"""

PASSES = """
DROP FUNCTION gate.keep_pass(text, text, timestamptz), gate.end_pass(text),
    gate.choose_company(bigint);

-- Keeps a session's data, for a fortnight at most; false when the pass has been ended meanwhile (it
-- stays ended).
CREATE FUNCTION gate.keep_pass(issue_key text, secret text, a_data text, until timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    UPDATE public.accounts_pass
       SET data = a_data, expires_at = least(until, statement_timestamp() + interval '14 days')
     WHERE hash = sha256(convert_to(secret, 'UTF8')) AND kind = 'session'
       AND expires_at > statement_timestamp();
    RETURN FOUND;
END $$;

CREATE FUNCTION gate.end_pass(issue_key text, secret text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    DELETE FROM public.accounts_pass WHERE hash = sha256(convert_to(secret, 'UTF8'));
END $$;

-- Which of their companies a person works in now is kept with the pass, on the server.
CREATE FUNCTION gate.choose_company(issue_key text, a_company bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE asking bigint := (gate.holder()).user_id;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    UPDATE public.accounts_pass p
       SET company_id = a_company, verified_until = NULL, scopes = NULL
      FROM public.accounts_membership m
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.kind = 'session' AND m.company_id = a_company AND m.user_id = asking
       AND m.left_at IS NULL;
    IF FOUND THEN PERFORM set_config('gate.company', a_company::text, true); END IF;
    RETURN FOUND;
END $$;

REVOKE ALL ON FUNCTION gate.enter(text, text), gate.verify(text, text),
    gate.keep_pass(text, text, text, timestamptz), gate.end_pass(text, text),
    gate.choose_company(text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.enter(text, text), gate.verify(text, text),
    gate.keep_pass(text, text, text, timestamptz), gate.end_pass(text, text),
    gate.choose_company(text, bigint) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0014_counted_with_the_key")]
    operations: ClassVar = [guard(TURNS + PASSES)]  # for good: the former locks kept rights alive
