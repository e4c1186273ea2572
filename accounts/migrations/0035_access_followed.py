"""What was done under an access link, for whoever made it; and letters about it.

The entries of the audit are read by who runs the company. Whoever let support in reads those of his
own links, too: by a function, whose rule binds the tables' owner alone, so that no statement of the
web role's pays for it. Letters are the worker's: whatever is not told yet is told the next minute.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

FOLLOWED = """
CREATE INDEX accounts_audit_under_grant ON accounts_auditentry (company_id, grant_id, id)
    WHERE grant_id IS NOT NULL;
-- As it was (0029), and for the functions below.
ALTER POLICY checks ON accounts_auditentry USING (
    company_id = :claim AND (company_id = (SELECT gate.checking())
        OR company_id = (SELECT gate.company('access.grant'))
           AND EXISTS (SELECT FROM accounts_grant g
                        WHERE g.company_id = accounts_auditentry.company_id
                          AND g.id = accounts_auditentry.grant_id
                          AND (g.company_id, g.made_by_id) =
                              (SELECT d.company_id, d.user_id FROM gate.doer() d))));

-- The entries of a grant, the newest first, for whoever made it and for who reads the audit.
CREATE FUNCTION gate.deeds_under(a_grant uuid, most integer)
RETURNS TABLE (at timestamptz, doer text, action text, object_type text, object_id uuid,
    changes jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT e.at, coalesce(nullif(u.name, ''), u.email)::text, e.action::text,
           e.object_type::text, e.object_id, e.changes
      FROM public.accounts_auditentry e JOIN public.accounts_user u ON u.id = e.actor_id
     WHERE e.company_id = gate.claim() AND e.grant_id = a_grant
     ORDER BY e.id DESC LIMIT most;
END $$;

-- When support last looked at anything by one of the holder's own links; NULL for never.
CREATE FUNCTION gate.last_opened() RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT max(e.at) FROM public.accounts_auditentry e
              JOIN public.accounts_grant g ON g.company_id = e.company_id AND g.id = e.grant_id
             WHERE e.company_id = gate.claim() AND e.grant_id IS NOT NULL
               AND e.action IN ('access.viewed', 'access.listed', 'access.searched')
               AND g.made_by_id = gate.user_id());
END $$;
"""

LETTERS = """
-- What has happened under a grant, once each: whatever its own row said would keep a revocation
-- waiting for support's transaction.
CREATE TABLE gate.happened (
    grant_id uuid NOT NULL, what text NOT NULL, PRIMARY KEY (grant_id, what));

CREATE OR REPLACE FUNCTION gate.note_told() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE gate.writing w SET told = true
     WHERE w.transaction = pg_current_xact_id() AND w.hash = gate.presented()
       AND w.grant_id = NEW.grant_id;
    INSERT INTO gate.happened VALUES (
        NEW.grant_id, CASE WHEN starts_with(NEW.action, 'access.') THEN 'viewed' ELSE 'written' END)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

-- The next letter that is due: to whoever made the link, and to the company's owners. Until the
-- transaction ends it is nobody else's to write.
CREATE FUNCTION gate.letter_about_access(issue_key text, but uuid[])
RETURNS TABLE (grant_id uuid, what text, company text, staff text, reason text, readers jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE g public.accounts_grant; due text;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    SELECT r.* INTO g FROM public.accounts_grant r
     WHERE r.id <> ALL (but) AND r.asked_at IS NOT NULL AND r.expires_at > clock_timestamp() - interval '7 days'
       AND EXISTS (SELECT FROM gate.due_about(r))
     ORDER BY r.asked_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    SELECT d.what INTO due FROM gate.due_about(g) d LIMIT 1;
    IF due IS NULL THEN RETURN; END IF;
    UPDATE public.accounts_grant r SET told = r.told || due::varchar WHERE r.id = g.id;
    RETURN QUERY
    SELECT g.id, due, c.name::text, coalesce(nullif(s.name, ''), s.email)::text, g.reason::text,
           (SELECT jsonb_agg(DISTINCT jsonb_build_object('email', u.email, 'language', u.language))
              FROM public.accounts_membership m
              JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
             WHERE m.company_id = g.company_id AND m.left_at IS NULL
               AND (m.user_id = g.made_by_id OR m.role = 'owner'))
      FROM public.accounts_company c, public.accounts_user s
     WHERE c.id = g.company_id AND s.id = g.staff_id;
END $$;

CREATE FUNCTION gate.due_about(g public.accounts_grant) RETURNS TABLE (what text)
LANGUAGE sql STABLE AS $$
    SELECT w.what FROM (
        SELECT 1 AS turn, 'asked' AS what WHERE g.asked_at IS NOT NULL
        UNION ALL SELECT 2, 'viewed' WHERE EXISTS (
            SELECT FROM gate.happened h WHERE h.grant_id = g.id AND h.what = 'viewed')
        UNION ALL SELECT 3, 'written' WHERE EXISTS (
            SELECT FROM gate.happened h WHERE h.grant_id = g.id AND h.what = 'written')
        UNION ALL SELECT 4, 'over' WHERE g.asked_at IS NOT NULL AND (g.ended_at IS NOT NULL
            OR g.revoked_at IS NOT NULL OR g.expires_at <= clock_timestamp())) w
     WHERE w.what <> ALL (g.told) ORDER BY w.turn
$$;

REVOKE ALL ON FUNCTION gate.deeds_under(uuid, integer), gate.last_opened(),
    gate.letter_about_access(text, uuid[]), gate.due_about(public.accounts_grant) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.deeds_under(uuid, integer), gate.last_opened(),
    gate.letter_about_access(text, uuid[]) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0034_access_deeds")]
    operations: ClassVar = [guard(FOLLOWED + LETTERS)]  # no way back, as what it follows
