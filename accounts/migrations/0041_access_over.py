"""What an access link has come to, for both who looked through it and who made it.

Support that was shut out is told by what: before, its next page spoke of no company, as if it had
never been in one. Who made links learns not only when support last looked, but who it was. And a
letter about somebody who was let in by name no longer says that he asks.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard, rewritten

IN_HAND = rewritten(
    "gate.grant_in_hand()",
    ("'open', a.grant_id IS NOT NULL,", "'open', a.grant_id IS NOT NULL, 'over', ''::text,"),
    (
        "    IF a.grant_id IS NOT NULL THEN\n",
        """    IF found IS NULL THEN
        SELECT jsonb_build_object('id', g.id, 'company_name', c.name,
                   'maker', coalesce(nullif(u.name, ''), u.email),
                   'over', CASE WHEN g.revoked_at IS NOT NULL AND g.confirmed_at IS NULL
                                     THEN 'refused'
                                WHEN g.revoked_at IS NOT NULL THEN 'revoked'
                                WHEN g.expires_at <= clock_timestamp() THEN 'expired'
                                ELSE 'shut' END)
          INTO found
          FROM public.accounts_pass p
          JOIN public.accounts_grant g ON g.id = p.grant_id AND g.staff_id = p.user_id
          JOIN public.accounts_company c ON c.id = g.company_id
          JOIN public.accounts_user u ON u.id = g.made_by_id
         WHERE p.hash = gate.presented() AND p.expires_at > clock_timestamp();
    END IF;
    IF a.grant_id IS NOT NULL THEN
""",
    ),
)

LAST_OPENED = """
DROP FUNCTION gate.last_opened();
-- When support last looked at anything by one of the holder's own links, who, and by which; no row
-- for never, named as the audit names him. Of each link the newest look alone is read.
CREATE FUNCTION gate.last_opened() RETURNS TABLE (at timestamptz, staff text, grant_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT looked.at, coalesce(n.name, nullif(s.name, ''), s.email)::text, g.id
      FROM public.accounts_grant g
      JOIN public.accounts_user s ON s.id = g.staff_id
     CROSS JOIN LATERAL (
        SELECT e.at, e.actor_seal FROM public.accounts_auditentry e
         WHERE e.company_id = gate.claim() AND e.grant_id = g.id
           AND e.action IN ('access.viewed', 'access.listed', 'access.searched')
         ORDER BY e.at DESC, e.id DESC LIMIT 1) looked
      LEFT JOIN public.accounts_auditname n
        ON n.company_id = g.company_id AND n.seal = looked.actor_seal
     WHERE g.company_id = gate.claim() AND g.made_by_id = gate.user_id()
     ORDER BY looked.at DESC LIMIT 1;
END $$;
REVOKE ALL ON FUNCTION gate.last_opened() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.last_opened() TO :web;
"""

LETTERS = rewritten(
    "gate.due_about(public.accounts_grant, text[])",
    (
        "'asked' AS what WHERE",
        "CASE WHEN g.for_staff_id IS NULL THEN 'asked' ELSE 'entered' END AS what WHERE",
    ),
    (
        "w.what <> ALL (told)",
        "w.what <> ALL (told) AND (w.what <> 'entered' OR 'asked' <> ALL (told))",
    ),
)

TOLD = """
DROP FUNCTION gate.letter_about_access(text, uuid[]);
-- As it was (0036), and who made the link.
CREATE FUNCTION gate.letter_about_access(issue_key text, but uuid[])
RETURNS TABLE (grant_id uuid, what text, company text, staff text, maker text, reason text,
    readers jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE g public.accounts_grant; due text;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    SELECT r.* INTO g FROM gate.grant_letters l JOIN public.accounts_grant r ON r.id = l.grant_id
     WHERE r.id <> ALL (but) AND r.asked_at IS NOT NULL
       AND r.expires_at > clock_timestamp() - interval '7 days'
       AND EXISTS (SELECT FROM gate.due_about(r, l.told))
     ORDER BY r.asked_at LIMIT 1 FOR NO KEY UPDATE OF l SKIP LOCKED;
    SELECT d.what INTO due FROM gate.grant_letters l, gate.due_about(g, l.told) d
     WHERE l.grant_id = g.id LIMIT 1;
    IF due IS NULL THEN RETURN; END IF;
    UPDATE gate.grant_letters l SET told = l.told || due WHERE l.grant_id = g.id;
    RETURN QUERY
    SELECT g.id, due, c.name::text, coalesce(nullif(s.name, ''), s.email)::text,
           coalesce(nullif(o.name, ''), o.email)::text, g.reason::text,
           (SELECT jsonb_agg(DISTINCT jsonb_build_object('email', u.email, 'language', u.language,
                                                         'mine', u.id = g.made_by_id))
              FROM public.accounts_membership m
              JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
             WHERE m.company_id = g.company_id AND m.left_at IS NULL
               AND (m.user_id = g.made_by_id OR m.role = 'owner'))
      FROM public.accounts_company c, public.accounts_user s, public.accounts_user o
     WHERE c.id = g.company_id AND s.id = g.staff_id AND o.id = g.made_by_id;
END $$;
REVOKE ALL ON FUNCTION gate.letter_about_access(text, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.letter_about_access(text, uuid[]) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0040_told_at_the_gate")]
    operations: ClassVar = [guard(IN_HAND + LAST_OPENED + LETTERS + TOLD)]  # as what it tells of
