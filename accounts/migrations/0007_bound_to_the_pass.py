"""Row rules let through the company that the pass opens, not the one that a setting claims.

A subquery runs once per statement, but a setting can change while the statement is under way: in a
lateral join, between two fetches from a cursor. A rule that asks once "may this pass?" and compares
the rows with the claim each time then shows the rows of whatever company is claimed next. So what a
rule compares rows with now comes out of the gate's answer itself, all of it in one answer: the
company, and where a role reaches a part of it, the part and the doer. The claim stays beside it for
the planner, who can read it, and lets nothing through by itself; it is written out, since a function
for it costs each statement's planning as much as the rest of a rule.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

ANSWERS = """
-- The company of the pass where its holder has the permission in full; NULL elsewhere. What most
-- statements of most people ask: a verified pass answers at once.
CREATE FUNCTION gate.whole(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE company bigint; scope text;
BEGIN
    SELECT p.company_id, p.scopes ->> wanted INTO company, scope FROM public.accounts_pass p
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > statement_timestamp() AND p.verified_until > statement_timestamp()
       AND current_setting('transaction_isolation') = 'read committed';
    IF scope = 'all' THEN RETURN company; END IF;
    RETURN (SELECT g.company_id FROM gate.granted(wanted) g WHERE g.scope = 'all');
END $$;

-- The same in any scope.
CREATE FUNCTION gate.company(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN RETURN (SELECT g.company_id FROM gate.granted(wanted) g); END $$;

-- The same where it is had in full, whether or not the policies are accepted: for what is no order
-- and no person.
CREATE FUNCTION gate.enrolled(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN RETURN (SELECT s.company_id FROM gate.standing(wanted) s WHERE s.granted = 'all'); END $$;

-- The same without the error, for a rule of which another part may already have let the row pass.
CREATE FUNCTION gate.quietly_whole(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT s.company_id FROM gate.standing(wanted) s WHERE s.granted = 'all'
               AND (s.verified OR gate.missing_policies(s.user_id, s.company_id) IS NULL));
END $$;

-- Whose deed it is, and in which company; no row without a permission. Raises CV001 while a policy
-- in force waits for this person's acceptance.
CREATE FUNCTION gate.granted(wanted text)
RETURNS TABLE (company_id bigint, user_id bigint, scope text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE held record; missing jsonb;
BEGIN
    held := gate.standing(wanted);
    IF held.granted IS NULL THEN RETURN; END IF;
    IF held.verified IS NOT TRUE THEN
        missing := gate.missing_policies(held.user_id, held.company_id);
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION 'a policy in force has not been accepted'
                USING ERRCODE = 'CV001', DETAIL = missing::text;
        END IF;
    END IF;
    RETURN QUERY SELECT held.company_id, held.user_id, held.granted;
END $$;

-- The part of a company's orders that a narrower scope reaches: free ones, an agent's, a team's, a
-- partner's. NULL reaches nothing, and all is NULL where the scope is the whole company. One value,
-- so that a rule takes all of it from one moment.
CREATE TYPE gate.share AS (
    company_id bigint, free boolean, agent_id uuid, team_id uuid, partner_id uuid);
CREATE FUNCTION gate.share(wanted text) RETURNS gate.share
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held gate.share;
BEGIN
    SELECT g.company_id, g.scope <> 'partner',
           CASE WHEN g.scope <> 'partner' THEN m.id END,
           CASE WHEN g.scope = 'team' THEN m.team_id END,
           CASE WHEN g.scope = 'partner' THEN m.partner_id END
      INTO held
      FROM gate.granted(wanted) g
      JOIN public.accounts_membership m
        ON m.company_id = g.company_id AND m.user_id = g.user_id AND m.left_at IS NULL
     WHERE g.scope IN ('own', 'team', 'partner');
    RETURN held;
END $$;

-- Whether an order is within a share. Runs for each row, so it fixes no search path, which would
-- cost as much again, and names its operators' schema instead.
CREATE FUNCTION gate.within(s gate.share, company_id bigint, agent_id uuid, team_id uuid,
    partner_id uuid) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN s.company_id OPERATOR(pg_catalog.=) company_id
        AND (s.free AND agent_id IS NULL OR s.agent_id OPERATOR(pg_catalog.=) agent_id
             OR s.team_id OPERATOR(pg_catalog.=) team_id
             OR s.partner_id OPERATOR(pg_catalog.=) partner_id);
END $$;

-- Whose pass it is, and in which company, whether or not the policies are accepted.
CREATE FUNCTION gate.doer() RETURNS TABLE (company_id bigint, user_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 1 AS $$
BEGIN
    RETURN QUERY SELECT s.company_id, s.user_id FROM gate.standing('company.enter') s
                  WHERE s.granted IS NOT NULL;
END $$;

REVOKE ALL ON FUNCTION gate.whole(text), gate.company(text), gate.enrolled(text),
    gate.quietly_whole(text), gate.granted(text), gate.share(text), gate.doer(),
    gate.within(gate.share, bigint, uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.whole(text), gate.company(text), gate.enrolled(text),
    gate.quietly_whole(text), gate.granted(text), gate.share(text), gate.doer(),
    gate.within(gate.share, bigint, uuid, uuid, uuid) TO :web;
"""

RULES = """
ALTER POLICY reads ON accounts_membership USING (
    user_id = (SELECT gate.user_id())
    OR (company_id = :claim AND company_id = (SELECT gate.quietly_whole('people.read'))));
ALTER POLICY changes ON accounts_membership USING (
    company_id = :claim AND company_id = (SELECT gate.whole('people.manage'))
    AND (role <> 'owner' OR company_id = (SELECT gate.enrolled('people.owners'))));

ALTER POLICY reads ON accounts_invitation USING (
    company_id = :claim AND company_id = (SELECT gate.whole('people.manage')));
ALTER POLICY invites ON accounts_invitation WITH CHECK (
    company_id = :claim AND redeemed_at IS NULL
    AND (company_id, invited_by_id) = (SELECT g.company_id, g.user_id
        FROM gate.granted('people.manage') g WHERE g.scope = 'all')
    AND (role <> 'owner' OR company_id = (SELECT gate.enrolled('people.owners'))));
ALTER POLICY withdraws ON accounts_invitation USING (
    company_id = :claim AND company_id = (SELECT gate.whole('people.manage')));

ALTER POLICY reads ON accounts_team USING (
    company_id = :claim AND company_id = (SELECT gate.whole('people.read')));
ALTER POLICY adds ON accounts_team WITH CHECK (
    company_id = :claim AND company_id = (SELECT gate.whole('people.manage')));
ALTER POLICY changes ON accounts_team USING (
    company_id = :claim AND company_id = (SELECT gate.whole('people.manage')));

ALTER POLICY reads ON accounts_partner USING (
    company_id = :claim AND (company_id = (SELECT gate.whole('orders.read'))
        OR (SELECT s.free OR s.partner_id = accounts_partner.id FROM gate.share('orders.read') s
             WHERE s.company_id = accounts_partner.company_id)));
ALTER POLICY adds ON accounts_partner WITH CHECK (
    company_id = :claim AND company_id = (SELECT gate.whole('people.manage')));
ALTER POLICY changes ON accounts_partner USING (
    company_id = :claim AND company_id = (SELECT gate.whole('people.manage')));

ALTER POLICY reads ON accounts_companykey USING (
    company_id = :claim AND company_id = (SELECT gate.company('persons.open')));
ALTER POLICY makes ON accounts_companykey WITH CHECK (
    company_id = :claim AND version = 1  -- the first; a later one is the owner role's to make
    AND company_id = (SELECT gate.company('persons.open')));

ALTER POLICY adds ON accounts_auditentry WITH CHECK (
    company_id = :claim
    AND (company_id, actor_id) = (SELECT d.company_id, d.user_id FROM gate.doer() d));
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0006_attempts")]
    operations: ClassVar = [guard(ANSWERS + RULES)]  # for good: the former rules leaked
