"""Until when a pass is verified is asked before what it is verified by.

A version that came into force between the two questions, some microseconds apart, was none of those
in force for the first and none of those to come for the second: the pass stayed verified for good.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

VERIFYING = """
-- As it was (0020), but for the order of the questions.
CREATE OR REPLACE FUNCTION gate.verify(issue_key text, secret text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE ours bytea := sha256(convert_to(secret, 'UTF8')); held record; until timestamptz;
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
    until := gate.policies_stand_until(held.company_id);
    UPDATE public.accounts_pass p
       SET verified_until = until,
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


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0024_ended_while_it_lived")]
    operations: ClassVar = [guard(VERIFYING)]  # for good
