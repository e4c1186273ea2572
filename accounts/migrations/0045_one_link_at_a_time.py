"""Support works under one link at a time: a person, and not a session (clause T4).

Whoever had two browsers worked under two links. Now a person holds one grant from asking to its end, in
all of his sessions together: a unique index says so, also of two who ask at the same moment. Whoever
asks with another is told what he has in hand elsewhere, and can end it from there.

Rejected: shutting the former link when another is asked with: whoever follows it would see support
vanish in the midst of its work, and whoever has stolen a session could put an end to it unnoticed.
"""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard

ASKING = """
-- As it was (0036), but that a person holds one grant in all of his sessions: the unique index refuses
-- another, also of two who ask at the same moment. What the clock has ended makes room first.
CREATE OR REPLACE FUNCTION gate.ask_with_link(issue_key text, secret text, another text)
RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE asking bigint := gate.user_id(); g public.accounts_grant;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    PERFORM FROM public.accounts_pass p WHERE p.hash = gate.presented() FOR UPDATE;
    IF NOT EXISTS (
        SELECT FROM public.accounts_pass p JOIN public.accounts_user u ON u.id = p.user_id
         WHERE p.hash = gate.presented() AND p.kind = 'session' AND p.reach IS NULL
           AND u.id = asking AND u.is_support AND p.factor_at IS NOT NULL) THEN
        RAISE EXCEPTION 'only support asks with an access link, by a second factor'
            USING ERRCODE = '42501';
    END IF;
    SELECT * INTO g FROM public.accounts_grant r
     WHERE r.hash = sha256(convert_to(secret, 'UTF8')) AND r.asked_at IS NULL;
    IF NOT FOUND OR NOT gate.grant_lives(g) OR g.for_staff_id <> asking OR EXISTS (
        SELECT FROM public.accounts_membership m WHERE m.company_id = g.company_id
           AND m.user_id = asking AND m.left_at IS NULL) THEN RETURN NULL; END IF;
    UPDATE public.accounts_grant r SET ended_at = r.expires_at, cause = 'expired'
     WHERE r.staff_id = asking AND r.ended_at IS NULL AND r.revoked_at IS NULL
       AND r.expires_at <= clock_timestamp();
    IF EXISTS (SELECT FROM public.accounts_grant r WHERE r.staff_id = asking
                  AND r.ended_at IS NULL AND r.revoked_at IS NULL) THEN
        RAISE EXCEPTION 'one company at a time' USING ERRCODE = '55000';
    END IF;
    UPDATE public.accounts_grant r
       SET staff_id = asking, asked_at = clock_timestamp(),
           confirmed_at = CASE WHEN for_staff_id = asking THEN clock_timestamp() END
     WHERE r.id = g.id AND r.asked_at IS NULL AND gate.grant_lives(r) RETURNING * INTO g;
    IF NOT FOUND THEN RETURN NULL; END IF;
    UPDATE public.accounts_pass p
       SET grant_id = g.id, company_id = NULL, verified_until = NULL, scopes = NULL
     WHERE p.hash = gate.presented();
    PERFORM gate.tell_of_grant(g, 'access.asked', asking);
    PERFORM gate.change_secret(another);
    RETURN g.id;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'one company at a time' USING ERRCODE = '55000';
END $$;
"""

ELSEWHERE = """
-- What the holder of this session has in hand in another one.
CREATE FUNCTION gate.held_elsewhere() RETURNS SETOF public.accounts_grant
LANGUAGE sql STABLE AS $$
    SELECT g.* FROM public.accounts_pass p JOIN public.accounts_grant g ON g.staff_id = p.user_id
     WHERE p.hash = gate.presented() AND p.kind = 'session' AND p.reach IS NULL
       AND p.expires_at > clock_timestamp() AND g.id IS DISTINCT FROM p.grant_id
       AND gate.grant_lives(g)
$$;
CREATE FUNCTION gate.grant_elsewhere() RETURNS TABLE (company_name text, maker text, reason text,
    expires_at timestamptz, confirmed boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT c.name::text, coalesce(nullif(u.name, ''), u.email)::text, g.reason::text,
           g.expires_at, g.confirmed_at IS NOT NULL
      FROM gate.held_elsewhere() g
      JOIN public.accounts_company c ON c.id = g.company_id
      JOIN public.accounts_user u ON u.id = g.made_by_id;
END $$;
CREATE FUNCTION gate.end_access_elsewhere(issue_key text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    RETURN coalesce((SELECT gate.shut_grant(g.id, 'support') FROM gate.held_elsewhere() g), false);
END $$;
"""

# What ended by the clock made room; of what is held twice, what was asked with first goes.
MADE_SINGLE = """
UPDATE accounts_grant SET ended_at = expires_at, cause = 'expired'
 WHERE asked_at IS NOT NULL AND ended_at IS NULL AND revoked_at IS NULL
   AND expires_at <= clock_timestamp();
SELECT gate.shut_grant(g.id, 'another') FROM accounts_grant g
 WHERE g.asked_at < (SELECT max(o.asked_at) FROM accounts_grant o WHERE o.staff_id = g.staff_id
                        AND o.ended_at IS NULL AND o.revoked_at IS NULL);
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""

RIGHTS = """
REVOKE ALL ON FUNCTION gate.held_elsewhere(), gate.grant_elsewhere(),
    gate.end_access_elsewhere(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.grant_elsewhere(), gate.end_access_elsewhere(text) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0044_ended_with_a_cause")]
    operations: ClassVar = [
        guard(ASKING + ELSEWHERE + RIGHTS),  # for good: a clause rests on it
        guard(MADE_SINGLE),
        migrations.AddConstraint(
            "grant",
            models.UniqueConstraint(
                condition=models.Q(ended_at=None, revoked_at=None),
                fields=["staff"],
                name="accounts_grant_one_at_a_time",
            ),
        ),
    ]
