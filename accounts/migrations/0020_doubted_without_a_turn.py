"""A revocation in one company waits for nobody in another; losing a flag ends one's passes.

Whoever doubted a verified pass took one turn for the whole platform, until the commit: a member who
left, and kept that transaction open, kept every company's revocations waiting. Now whoever verifies
holds the rows that the answer rests on, for a moment, and whoever changes them has them to himself
anyway. Only what concerns everybody, the platform's own policy and the table of permissions, still
takes the turn.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

DOUBTING = """
CREATE OR REPLACE FUNCTION gate.doubt(a_user bigint, a_company bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF a_company IS NULL THEN
        PERFORM FROM gate.turn t WHERE t.name = 'verifying' FOR UPDATE;
    ELSIF a_user IS NULL THEN  -- the company's policy; a suspension has changed this row itself
        PERFORM FROM public.accounts_company c WHERE c.id = a_company FOR NO KEY UPDATE;
    END IF;
    UPDATE public.accounts_pass p SET verified_until = NULL, scopes = NULL
     WHERE p.verified_until IS NOT NULL AND (a_user IS NULL OR p.user_id = a_user)
       AND (a_company IS NULL OR p.company_id = a_company);
END $$;

-- As it was (0015), but for what it holds until its commit: the turn, the pass, the membership and
-- the company. Whatever of these somebody is changing right now is passed by, and nothing is kept;
-- whoever changes it after waits for this moment, and then doubts what was kept.
CREATE OR REPLACE FUNCTION gate.verify(issue_key text, secret text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE ours bytea := sha256(convert_to(secret, 'UTF8')); held record;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    IF current_setting('transaction_isolation') <> 'read committed' THEN RETURN; END IF;
    PERFORM FROM gate.turn t WHERE t.name = 'verifying' FOR KEY SHARE SKIP LOCKED;
    IF NOT FOUND THEN RETURN; END IF;
    SELECT p.user_id, p.company_id INTO held FROM public.accounts_pass p
     WHERE p.hash = ours FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN RETURN; END IF;
    PERFORM FROM public.accounts_membership m
      WHERE m.company_id = held.company_id AND m.user_id = held.user_id FOR SHARE SKIP LOCKED;
    IF NOT FOUND THEN RETURN; END IF;
    PERFORM FROM public.accounts_company c WHERE c.id = held.company_id FOR SHARE SKIP LOCKED;
    IF NOT FOUND THEN RETURN; END IF;
    UPDATE public.accounts_pass p
       SET verified_until = gate.policies_stand_until(p.company_id),
           scopes = (SELECT jsonb_object_agg(g.permission, g.scope) FROM gate.permission g
                      WHERE g.role = m.role AND (p.reach IS NULL OR p.reach ? g.permission))
      FROM public.accounts_user u, public.accounts_company c, public.accounts_membership m
     WHERE p.hash = ours AND p.kind = 'session' AND p.expires_at > clock_timestamp()
       AND u.id = p.user_id AND u.is_active
       AND c.id = p.company_id AND c.suspended_at IS NULL
       AND m.company_id = p.company_id AND m.user_id = p.user_id AND m.left_at IS NULL
       AND gate.missing_policies(p.user_id, p.company_id) IS NULL;
END $$;
"""

FLAGS = """
CREATE TRIGGER end_passes_flag AFTER UPDATE OF is_superuser, is_support ON accounts_user FOR EACH ROW
    WHEN (OLD.is_superuser AND NOT NEW.is_superuser OR OLD.is_support AND NOT NEW.is_support)
    EXECUTE FUNCTION gate.end_passes_of_user();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0019_answered_as_it_was_used")]
    operations: ClassVar = [guard(DOUBTING + FLAGS)]  # for good: the turn kept rights alive
