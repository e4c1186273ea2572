"""The gate: what the database itself checks before it shows or takes a row.

A transaction presents two secrets, both as transaction-local settings: the application's own key
(`gate.app`), and the pass of whoever is asking (`gate.pass`). Only their SHA-256 is stored. It also
claims a company (`gate.company`), plainly, for the planner's sake; `gate.allows` verifies the claim
against the pass once per statement. So the web role's password alone opens nothing, and neither
does a setting that somebody made up.

Rejected: trusting a setting that holds a company's or a user's id (the web role can set it); one
row rule with a per-row EXISTS (60 and more times slower); `SET` for the session (a pool hands it
to the next request).
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

SCHEMA = """
-- A temporary table would stand before the real one of its name, for the connection's next request.
DO $$ BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, :web', current_database());
END $$;

CREATE SCHEMA gate;
GRANT USAGE ON SCHEMA gate TO :web;
CREATE SCHEMA numbers;  -- a sequence per company, so that no company can count another's orders

CREATE TABLE gate.application (purpose text PRIMARY KEY, hash bytea NOT NULL);
CREATE TABLE gate.permission (
    permission text, role text, scope text NOT NULL, PRIMARY KEY (permission, role)
);
"""

# -- who is asking ------------------------------------------------------------------------------
ASKING = """
-- The company this transaction claims. Inlined by the planner, so that the index serves it.
CREATE FUNCTION gate.claim() RETURNS bigint LANGUAGE sql STABLE
AS $$ SELECT NULLIF(current_setting('gate.company', true), '')::bigint $$;

-- Is it our application, and not just somebody with the web role's password?
CREATE FUNCTION gate.vouched() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM gate.application WHERE purpose = 'vouch'
        AND hash = sha256(convert_to(current_setting('gate.app', true), 'UTF8')));
END $$;

-- The living pass of this transaction, with its holder's membership in the pass's company; nothing
-- for a pass that is wrong, expired or taken back, for a person deactivated, and under any
-- isolation that would go on seeing a right after it was revoked. This and the other functions that
-- the web role may not call run inside those it may: as the owner, with their search path.
CREATE FUNCTION gate.holder(OUT user_id bigint, OUT company_id bigint, OUT membership_id uuid,
    OUT role text, OUT team_id uuid, OUT partner_id uuid, OUT reach jsonb)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN RETURN; END IF;
    SELECT p.user_id, m.company_id, m.id, m.role, m.team_id, m.partner_id, p.reach
      INTO user_id, company_id, membership_id, role, team_id, partner_id, reach
      FROM public.accounts_pass p
      JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
      LEFT JOIN public.accounts_company c ON c.id = p.company_id AND c.suspended_at IS NULL
      LEFT JOIN public.accounts_membership m
        ON m.company_id = c.id AND m.user_id = p.user_id AND m.left_at IS NULL
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > statement_timestamp();
END $$;

-- The policies in force that this person has not accepted, as a JSON array, or NULL for none.
-- The policy app replaces it; until then nothing is accepted, and so nothing is allowed.
CREATE FUNCTION gate.missing_policies(a_user bigint, a_company bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$ SELECT '[{"kind": "none installed"}]'::jsonb $$;

-- Whether the claimed company has a policy in force (clause C1). Replaced by the policy app, too.
CREATE FUNCTION gate.company_has_policy() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT false $$;

-- Until when what is true of a company's policies now stays true of them: the next version's moment.
-- Replaced by the policy app; until then nothing is verified ahead.
CREATE FUNCTION gate.policies_stand_until(a_company bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT '-infinity'::timestamptz $$;

-- The scope in which the pass's holder has a permission in the claimed company; all NULL for none.
-- Every statement on a company's table pays for this, so a verified pass answers by itself.
CREATE FUNCTION gate.standing(wanted text, OUT granted text, OUT user_id bigint,
    OUT company_id bigint, OUT verified boolean)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN RETURN; END IF;
    SELECT p.scopes ->> wanted, p.user_id, p.company_id, true
      INTO granted, user_id, company_id, verified
      FROM public.accounts_pass p
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.company_id = gate.claim()
       AND p.expires_at > statement_timestamp() AND p.verified_until > statement_timestamp();
    IF FOUND THEN RETURN; END IF;
    SELECT g.scope, m.user_id, m.company_id INTO granted, user_id, company_id
      FROM public.accounts_pass p
      JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
      JOIN public.accounts_company c ON c.id = p.company_id AND c.suspended_at IS NULL
      JOIN public.accounts_membership m
        ON m.company_id = p.company_id AND m.user_id = p.user_id AND m.left_at IS NULL
      JOIN gate.permission g ON g.permission = wanted AND g.role = m.role
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > statement_timestamp()
       AND p.company_id = gate.claim() AND (p.reach IS NULL OR p.reach ? wanted);
END $$;

-- Verifies the transaction's pass ahead: all that `standing` and the policies ask is asked once,
-- and the answer kept with the pass until something it rests on changes (`doubt`).
-- Whoever verifies holds the lock, shared, until the commit; whoever doubts takes it alone, after
-- his change. So no answer from before a change is ever kept after it: either the doubt waits and
-- then sees the pass, or the verifying finds the lock taken and keeps nothing. Only requests that
-- change nothing verify, or two that verify and then doubt would wait for each other.
CREATE FUNCTION gate.verify() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE ours bytea := sha256(convert_to(current_setting('gate.pass', true), 'UTF8'));
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' OR NOT EXISTS (
        SELECT FROM public.accounts_pass p WHERE p.hash = ours AND p.company_id IS NOT NULL
           AND p.expires_at > statement_timestamp()
           AND coalesce(p.verified_until <= statement_timestamp(), true))
       OR NOT pg_try_advisory_xact_lock_shared(hashtext('gate.verify')) THEN RETURN; END IF;
    UPDATE public.accounts_pass p
       SET verified_until = gate.policies_stand_until(p.company_id),
           scopes = (SELECT jsonb_object_agg(g.permission, g.scope) FROM gate.permission g
                      WHERE g.role = m.role AND (p.reach IS NULL OR p.reach ? g.permission))
      FROM public.accounts_user u, public.accounts_company c, public.accounts_membership m
     WHERE p.hash = ours AND u.id = p.user_id AND u.is_active
       AND c.id = p.company_id AND c.suspended_at IS NULL
       AND m.company_id = p.company_id AND m.user_id = p.user_id AND m.left_at IS NULL
       AND gate.missing_policies(p.user_id, p.company_id) IS NULL;
END $$;

-- What a verified pass rests on has changed, for a person (NULL: all) in a company (NULL: all).
CREATE FUNCTION gate.doubt(a_user bigint, a_company bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('gate.verify'));
    UPDATE public.accounts_pass p SET verified_until = NULL, scopes = NULL
     WHERE p.verified_until IS NOT NULL AND (a_user IS NULL OR p.user_id = a_user)
       AND (a_company IS NULL OR p.company_id = a_company);
END $$;

-- That scope, whether or not the policies are accepted: for what is no order and no person.
CREATE FUNCTION gate.scope(wanted text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN (gate.standing(wanted)).granted; END $$;

-- The same, for everything else: an error of its own (CV001) while a policy in force waits for this
-- person's acceptance. Refused loudly, since filtered rows look like an empty company.
CREATE FUNCTION gate.allows(wanted text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held record; missing jsonb;
BEGIN
    held := gate.standing(wanted);
    IF held.granted IS NULL OR held.verified THEN RETURN held.granted; END IF;
    missing := gate.missing_policies(held.user_id, held.company_id);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'a policy in force has not been accepted'
            USING ERRCODE = 'CV001', DETAIL = missing::text;
    END IF;
    RETURN held.granted;
END $$;

-- The same without the error, for a rule of which another part may already have let the row pass.
CREATE FUNCTION gate.quietly_allows(wanted text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held record;
BEGIN
    held := gate.standing(wanted);
    IF held.verified IS NOT TRUE
       AND gate.missing_policies(held.user_id, held.company_id) IS NOT NULL THEN RETURN NULL; END IF;
    RETURN held.granted;
END $$;

CREATE FUNCTION gate.user_id() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN (gate.holder()).user_id; END $$;

CREATE FUNCTION gate.membership_id() RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN (gate.holder()).membership_id; END $$;

CREATE FUNCTION gate.team_id() RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN (gate.holder()).team_id; END $$;

CREATE FUNCTION gate.partner_id() RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN (gate.holder()).partner_id; END $$;
"""

# -- passes -------------------------------------------------------------------------------------
PASSES = """
-- A request's first statement: presents the application's key and the pass, claims the pass's
-- company, and returns in the same round trip what the request has to know about its holder.
CREATE FUNCTION gate.enter(app_key text, secret text, verifying boolean)
RETURNS TABLE (user_id bigint, user_name text, user_email text, user_language text,
    companies bigint, company_id bigint, company_name text, company_slug text,
    company_currency text, company_time_zone text, role text, membership_id uuid, team_id uuid,
    partner_id uuid, data text, missing jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('gate.app', app_key, true), set_config('gate.company', '', true),
            set_config('gate.pass', coalesce(secret, ''), true);
    IF verifying THEN PERFORM gate.verify(); END IF;
    RETURN QUERY
    SELECT u.id, u.name::text, u.email::text, u.language::text,
           (SELECT count(*) FROM public.accounts_membership o
             WHERE o.user_id = u.id AND o.left_at IS NULL),
           m.company_id, c.name::text, c.slug::text, c.currency::text, c.time_zone::text,
           m.role::text, m.id, m.team_id, m.partner_id, p.data,
           CASE WHEN u.id IS NOT NULL THEN gate.missing_policies(u.id, m.company_id) END
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

-- A second key of the application, which no setting ever holds: so neither the web role's password
-- nor SQL smuggled into a request can make a pass, or whatever leads to one.
CREATE FUNCTION gate.check_issuer(issue_key text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM gate.application WHERE purpose = 'issue'
                   AND hash = sha256(convert_to(issue_key, 'UTF8'))) THEN
        RAISE EXCEPTION 'only the application itself may do this' USING ERRCODE = '42501';
    END IF;
END $$;

CREATE FUNCTION gate.open_pass(issue_key text, secret text, a_kind text, a_user bigint,
    a_company bigint, a_reach jsonb, a_data text, until timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    IF a_company IS NULL AND a_user IS NOT NULL THEN  -- the only company there is to choose
        SELECT min(m.company_id) INTO a_company FROM public.accounts_membership m
         WHERE m.user_id = a_user AND m.left_at IS NULL HAVING count(*) = 1;
    END IF;
    INSERT INTO public.accounts_pass
        (hash, kind, user_id, company_id, reach, data, created_at, expires_at)
    VALUES (sha256(convert_to(secret, 'UTF8')), a_kind, a_user, a_company, a_reach, a_data,
            statement_timestamp(), until);
END $$;

-- Keeps a session's data; false when the pass has been ended meanwhile (it stays ended).
CREATE FUNCTION gate.keep_pass(secret text, a_data text, until timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.accounts_pass SET data = a_data, expires_at = until
     WHERE hash = sha256(convert_to(secret, 'UTF8')) AND kind = 'session'
       AND expires_at > statement_timestamp();
    RETURN FOUND;
END $$;

CREATE FUNCTION gate.end_pass(secret text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ DELETE FROM public.accounts_pass WHERE hash = sha256(convert_to(secret, 'UTF8')) $$;

-- Which of their companies a person works in now is kept with the pass, on the server.
CREATE FUNCTION gate.choose_company(a_company bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE asking bigint := (gate.holder()).user_id;
BEGIN
    UPDATE public.accounts_pass p
       SET company_id = a_company, verified_until = NULL, scopes = NULL
      FROM public.accounts_membership m
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.kind = 'session' AND m.company_id = a_company AND m.user_id = asking
       AND m.left_at IS NULL;
    IF FOUND THEN PERFORM set_config('gate.company', a_company::text, true); END IF;
    RETURN FOUND;
END $$;

CREATE FUNCTION gate.sweep_passes() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE swept bigint;
BEGIN
    DELETE FROM public.accounts_pass WHERE expires_at <= statement_timestamp();
    GET DIAGNOSTICS swept = ROW_COUNT;
    RETURN swept;
END $$;

-- A new password or a deactivation ends all of a person's passes in the same transaction, copied
-- cookies included; leaving a company ends those that work in it.
CREATE FUNCTION gate.end_passes_of_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.accounts_pass WHERE user_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER end_passes AFTER UPDATE OF password, is_active ON accounts_user FOR EACH ROW
    WHEN (OLD.password IS DISTINCT FROM NEW.password OR OLD.is_active AND NOT NEW.is_active)
    EXECUTE FUNCTION gate.end_passes_of_user();

CREATE FUNCTION gate.doubt_membership() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.doubt(OLD.user_id, OLD.company_id);
    RETURN NULL;
END $$;
CREATE TRIGGER doubt AFTER UPDATE OF role, left_at OR DELETE ON accounts_membership FOR EACH ROW
    EXECUTE FUNCTION gate.doubt_membership();

CREATE FUNCTION gate.doubt_company() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.doubt(NULL, NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER doubt AFTER UPDATE OF suspended_at ON accounts_company FOR EACH ROW
    EXECUTE FUNCTION gate.doubt_company();

CREATE FUNCTION gate.end_passes_of_membership() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.accounts_pass
     WHERE user_id = OLD.user_id AND company_id = OLD.company_id;
    RETURN NULL;
END $$;
CREATE TRIGGER end_passes AFTER UPDATE OF left_at ON accounts_membership FOR EACH ROW
    WHEN (OLD.left_at IS NULL AND NEW.left_at IS NOT NULL)
    EXECUTE FUNCTION gate.end_passes_of_membership();
CREATE TRIGGER end_passes_deleted AFTER DELETE ON accounts_membership FOR EACH ROW
    EXECUTE FUNCTION gate.end_passes_of_membership();
"""

# -- row rules ----------------------------------------------------------------------------------
IDENTITY = """
-- Read before a company is known (accounts/rowrules.py says why): the application's key opens them.
ALTER TABLE accounts_user ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_user FOR SELECT USING ((SELECT gate.vouched()));
CREATE POLICY joins ON accounts_user FOR INSERT WITH CHECK (
    (SELECT gate.vouched()) AND NOT is_support AND NOT is_superuser);
CREATE POLICY changes ON accounts_user FOR UPDATE USING (id = (SELECT gate.user_id()));
GRANT SELECT, INSERT, UPDATE (name, language) ON accounts_user TO :web;

-- Whoever writes a password becomes its owner, and every request carries the application's key: so
-- this asks for the issuing key, as making a pass does.
CREATE FUNCTION gate.set_password(issue_key text, a_user bigint, a_password text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    UPDATE public.accounts_user SET password = a_password WHERE id = a_user;
END $$;

-- Is this still the password of an active person? Holds the row, so that a change waits for whoever
-- is opening a session with it, and then ends that session too.
CREATE FUNCTION gate.password_stands(issue_key text, a_user bigint, a_password text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    PERFORM FROM public.accounts_user
      WHERE id = a_user AND password = a_password AND is_active FOR NO KEY UPDATE;
    RETURN FOUND;
END $$;

-- Staff and operators are appointed on the server, by the owner role, and never through the web.
CREATE FUNCTION gate.keep_flags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> (SELECT tableowner FROM pg_catalog.pg_tables
                        WHERE schemaname = 'public' AND tablename = 'accounts_user') THEN
        RAISE EXCEPTION 'staff and operators are appointed by the database''s owner'
            USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_flags BEFORE UPDATE ON accounts_user FOR EACH ROW
    WHEN (OLD.is_support IS DISTINCT FROM NEW.is_support
          OR OLD.is_superuser IS DISTINCT FROM NEW.is_superuser)
    EXECUTE FUNCTION gate.keep_flags();

ALTER TABLE account_emailaddress ENABLE ROW LEVEL SECURITY;
CREATE POLICY application ON account_emailaddress USING ((SELECT gate.vouched()));
-- Read only: an address added to a person would be sent that person's reset link. The one address
-- that django-allauth looks for comes with the person, from an invitation that was mailed to it.
GRANT SELECT ON account_emailaddress TO :web;
CREATE FUNCTION gate.note_address() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.account_emailaddress (user_id, email, verified, "primary")
    VALUES (NEW.id, NEW.email, true, true);
    RETURN NULL;
END $$;
CREATE TRIGGER note_address AFTER INSERT ON accounts_user FOR EACH ROW
    EXECUTE FUNCTION gate.note_address();
ALTER TABLE account_emailconfirmation ENABLE ROW LEVEL SECURITY;
CREATE POLICY application ON account_emailconfirmation USING ((SELECT gate.vouched()));
GRANT SELECT ON account_emailconfirmation TO :web;

ALTER TABLE accounts_company ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_company FOR SELECT USING ((SELECT gate.vouched()));
GRANT SELECT ON accounts_company TO :web;

ALTER TABLE accounts_pass ENABLE ROW LEVEL SECURITY;  -- and no right to it, and no rule

ALTER TABLE accounts_membership ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_membership FOR SELECT USING (
    user_id = (SELECT gate.user_id())
    OR (company_id = gate.claim() AND (SELECT gate.quietly_allows('people.read')) = 'all'));
CREATE POLICY changes ON accounts_membership FOR UPDATE USING (
    company_id = gate.claim() AND (SELECT gate.allows('people.manage')) = 'all'
    AND (role <> 'owner' OR (SELECT gate.scope('people.owners')) = 'all'));
GRANT SELECT, UPDATE (role, team_id, partner_id, left_at) ON accounts_membership TO :web;

ALTER TABLE accounts_invitation ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_invitation FOR SELECT USING (
    company_id = gate.claim() AND (SELECT gate.allows('people.manage')) = 'all');
CREATE POLICY invites ON accounts_invitation FOR INSERT WITH CHECK (
    company_id = gate.claim() AND (SELECT gate.allows('people.manage')) = 'all'
    AND invited_by_id = (SELECT gate.user_id()) AND redeemed_at IS NULL
    AND (role <> 'owner' OR (SELECT gate.scope('people.owners')) = 'all'));
CREATE POLICY withdraws ON accounts_invitation FOR UPDATE USING (
    company_id = gate.claim() AND (SELECT gate.allows('people.manage')) = 'all');
GRANT SELECT, INSERT, UPDATE (withdrawn_at) ON accounts_invitation TO :web;
"""

COMPANY_OWNED = """
ALTER TABLE accounts_team ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_team FOR SELECT USING (
    company_id = gate.claim() AND (SELECT gate.allows('people.read')) = 'all');
CREATE POLICY adds ON accounts_team FOR INSERT WITH CHECK (
    company_id = gate.claim() AND (SELECT gate.allows('people.manage')) = 'all');
CREATE POLICY changes ON accounts_team FOR UPDATE USING (
    company_id = gate.claim() AND (SELECT gate.allows('people.manage')) = 'all');
GRANT SELECT, INSERT, UPDATE (name) ON accounts_team TO :web;

ALTER TABLE accounts_partner ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_partner FOR SELECT USING (
    company_id = gate.claim() AND CASE (SELECT gate.allows('orders.read'))
        WHEN 'partner' THEN id = (SELECT gate.partner_id())
        ELSE (SELECT gate.allows('orders.read')) IS NOT NULL END);
CREATE POLICY adds ON accounts_partner FOR INSERT WITH CHECK (
    company_id = gate.claim() AND (SELECT gate.allows('people.manage')) = 'all');
CREATE POLICY changes ON accounts_partner FOR UPDATE USING (
    company_id = gate.claim() AND (SELECT gate.allows('people.manage')) = 'all');
GRANT SELECT, INSERT, UPDATE (name) ON accounts_partner TO :web;

-- A wrapped key is of no use without the master key; a partner does not even get that.
ALTER TABLE accounts_companykey ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_companykey FOR SELECT USING (
    company_id = gate.claim() AND (SELECT gate.allows('persons.open')) IS NOT NULL);
CREATE POLICY makes ON accounts_companykey FOR INSERT WITH CHECK (
    company_id = gate.claim() AND version = 1  -- the first; a later one is the owner role's to make
    AND (SELECT gate.allows('persons.open')) IS NOT NULL);
GRANT SELECT, INSERT ON accounts_companykey TO :web;

-- Entries are added, by whoever did the deed and in no other name, and never changed.
ALTER TABLE accounts_auditentry ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_auditentry FOR SELECT USING (
    company_id = gate.claim() AND (SELECT gate.allows('audit.read')) = 'all');
CREATE POLICY adds ON accounts_auditentry FOR INSERT WITH CHECK (
    company_id = gate.claim() AND actor_id = (SELECT gate.user_id())
    AND (SELECT gate.scope('company.enter')) IS NOT NULL);
GRANT SELECT, INSERT ON accounts_auditentry TO :web;

CREATE FUNCTION gate.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_change();

-- Row rules do not see foreign keys, so a reference carries its company along.
ALTER TABLE accounts_membership
    ADD CONSTRAINT accounts_membership_team FOREIGN KEY (company_id, team_id)
        REFERENCES accounts_team (company_id, id),
    ADD CONSTRAINT accounts_membership_partner FOREIGN KEY (company_id, partner_id)
        REFERENCES accounts_partner (company_id, id);
ALTER TABLE accounts_invitation
    ADD CONSTRAINT accounts_invitation_partner FOREIGN KEY (company_id, partner_id)
        REFERENCES accounts_partner (company_id, id);

CREATE FUNCTION gate.found_company() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE SEQUENCE numbers.company_%s', NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER number_orders AFTER INSERT ON accounts_company FOR EACH ROW
    EXECUTE FUNCTION gate.found_company();
"""

EXECUTION = """
-- Nobody runs what is not named here.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.claim(), gate.vouched(), gate.company_has_policy(), gate.scope(text), gate.allows(text),
    gate.quietly_allows(text), gate.user_id(), gate.membership_id(), gate.team_id(), gate.partner_id(),
    gate.enter(text, text, boolean), gate.keep_pass(text, text, timestamptz), gate.end_pass(text),
    gate.set_password(text, bigint, text), gate.password_stands(text, bigint, text),
    gate.open_pass(text, text, text, bigint, bigint, jsonb, text, timestamptz),
    gate.choose_company(bigint), gate.sweep_passes() TO :web;
"""

UNDO = """
DROP TABLE gate.application, gate.permission;
DROP TRIGGER number_orders ON accounts_company;
DROP TRIGGER append_only ON accounts_auditentry;
DROP TRIGGER keep_flags ON accounts_user;
DROP TRIGGER end_passes ON accounts_user;
DROP TRIGGER note_address ON accounts_user;
DROP TRIGGER doubt ON accounts_membership;
DROP TRIGGER doubt ON accounts_company;
DROP TRIGGER end_passes ON accounts_membership;
DROP TRIGGER end_passes_deleted ON accounts_membership;
DROP SCHEMA gate CASCADE;
DROP SCHEMA numbers CASCADE;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]
    operations: ClassVar = [
        guard(SCHEMA + ASKING + PASSES + IDENTITY + COMPANY_OWNED + EXECUTION, UNDO),
    ]
