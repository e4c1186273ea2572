"""What the database itself holds of policies: who publishes, who accepts, and that nothing changes.

A published version names the hash of its text in each language; no text but those ever joins it.
Policies, versions, texts and acceptances are only ever added to: the triggers refuse the owner too.
The tables' owner is not under the row rules (none is forced): commands publish as the owner.

`gate.missing_policies` becomes the real one here. It runs once per statement on every table of a
company, so each question in it is a probe of an index. A version comes into force by the clock
alone: no job, no restart.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

WAITING = """
-- The policies in force that this person has not accepted, as a JSON array, or NULL for none: the
-- CRM's, and the company's where it has one. In force is the greatest number whose moment has come;
-- it is satisfied by an acceptance of that version, or of any other since the last that asked
-- everybody (`required`). Without a CRM policy in force nothing is accepted: it fails closed.
-- One statement, and no right of its own: it runs inside the gate's functions, as the owner.
CREATE OR REPLACE FUNCTION gate.missing_policies(a_user bigint, a_company bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE waiting jsonb; bound boolean;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('kind', d.kind, 'policy', d.policy,
                                        'version', d.number, 'id', d.id))
               FILTER (WHERE NOT d.accepted),
           bool_or(d.kind = 'crm')
      INTO waiting, bound
      FROM (SELECT p.id AS policy, p.kind, v.id, v.number, EXISTS (
                   SELECT FROM public.policy_acceptance a
                     JOIN public.policy_policyversion w ON w.id = a.version_id
                    WHERE a.user_id = a_user AND w.policy_id = p.id AND w.number >= v.required
                   ) AS accepted
              FROM public.policy_policy p
             CROSS JOIN LATERAL (
                   SELECT u.id, u.number, u.required FROM public.policy_policyversion u
                    WHERE u.policy_id = p.id AND u.effective_at <= statement_timestamp()
                    ORDER BY u.number DESC LIMIT 1) v
             WHERE p.kind = 'crm' OR p.company_id = a_company) d;
    IF bound IS NOT TRUE THEN
        RETURN coalesce(waiting, '[]')
            || '{"kind": "crm", "policy": null, "version": null, "id": null}';
    END IF;
    RETURN waiting;
END $$;

-- Passes are verified ahead until then (accounts/migrations/0002), and doubted at each publication.
CREATE OR REPLACE FUNCTION gate.policies_stand_until(a_company bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT coalesce(min(v.effective_at), 'infinity') FROM public.policy_policyversion v
      JOIN public.policy_policy p ON p.id = v.policy_id
     WHERE (p.kind = 'crm' OR p.company_id = a_company) AND v.effective_at > statement_timestamp()
$$;

CREATE FUNCTION gate.doubt_policies() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.doubt(NULL, p.company_id) FROM public.policy_policy p
      WHERE p.id = NEW.policy_id AND p.kind <> 'site';
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION gate.doubt_policies() FROM PUBLIC;
CREATE TRIGGER doubt AFTER INSERT ON policy_policyversion FOR EACH ROW
    EXECUTE FUNCTION gate.doubt_policies();

-- The same for the pass's holder, and, of a company's people, for whoever publishes its policy.
CREATE FUNCTION gate.waiting_for(a_user bigint, a_company bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held record := gate.holder();
BEGIN
    IF a_user = held.user_id AND (a_company IS NULL OR a_company = held.company_id)
       OR a_company = gate.claim() AND gate.scope('company.policy') = 'all'
          AND EXISTS (SELECT FROM public.accounts_membership m
                       WHERE m.company_id = a_company AND m.user_id = a_user) THEN
        RETURN gate.missing_policies(a_user, a_company);
    END IF;
    RAISE EXCEPTION 'what another has accepted is not yours to ask' USING ERRCODE = '42501';
END $$;

-- Clause C1: a company takes no order before it has published a policy, and it is in force.
CREATE OR REPLACE FUNCTION gate.company_has_policy() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.policy_policyversion v
         WHERE v.kind = 'company' AND v.company_id = gate.claim()
           AND v.effective_at <= statement_timestamp());
END $$;
"""

PUBLISHING = """
CREATE FUNCTION gate.is_operator() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held record := gate.holder();
BEGIN
    RETURN held.reach IS NULL AND EXISTS (
        SELECT FROM public.accounts_user u WHERE u.id = held.user_id AND u.is_superuser);
END $$;

-- May the pass's holder publish the platform's policies (no company), or this company's? Whoever
-- runs a company publishes its policy before having accepted it, since nobody can accept a text
-- that is not out; but not before having accepted the CRM's, which says what such a policy is for.
CREATE FUNCTION gate.may_publish(a_company bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE waiting jsonb;
BEGIN
    IF a_company IS NULL THEN RETURN gate.is_operator(); END IF;
    IF a_company IS DISTINCT FROM gate.claim()
       OR gate.scope('company.policy') IS DISTINCT FROM 'all' THEN RETURN false; END IF;
    waiting := gate.missing_policies(gate.user_id(), NULL);
    IF waiting IS NOT NULL THEN
        RAISE EXCEPTION 'a policy in force has not been accepted'
            USING ERRCODE = 'CV001', DETAIL = waiting::text;
    END IF;
    RETURN true;
END $$;

ALTER TABLE policy_policy ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_policy FOR SELECT USING ((SELECT gate.vouched()));
CREATE POLICY adds ON policy_policy FOR INSERT WITH CHECK (
    (SELECT gate.vouched()) AND gate.may_publish(company_id));
GRANT SELECT, INSERT ON policy_policy TO :web;

ALTER TABLE policy_policyversion ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_policyversion FOR SELECT USING ((SELECT gate.vouched()));
CREATE POLICY adds ON policy_policyversion FOR INSERT WITH CHECK (
    (SELECT gate.vouched()) AND published_by_id = (SELECT gate.user_id()) AND NOT bundled
    AND gate.may_publish(company_id));
GRANT SELECT, INSERT ON policy_policyversion TO :web;

ALTER TABLE policy_policytext ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_policytext FOR SELECT USING ((SELECT gate.vouched()));
CREATE POLICY adds ON policy_policytext FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM policy_policyversion v
             WHERE v.id = version_id AND v.published_by_id = (SELECT gate.user_id())));
GRANT SELECT, INSERT ON policy_policytext TO :web;

-- Numbers follow one another, and so do the moments of coming into force: what has a greater number
-- is in force later or at once. None comes into force before it was published.
CREATE FUNCTION gate.number_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE former record;
BEGIN
    SELECT p.kind, p.company_id INTO NEW.kind, NEW.company_id FROM public.policy_policy p
     WHERE p.id = NEW.policy_id FOR UPDATE;
    SELECT v.number, v.required, v.effective_at INTO former FROM public.policy_policyversion v
     WHERE v.policy_id = NEW.policy_id ORDER BY v.number DESC LIMIT 1;
    NEW.published_at := clock_timestamp();
    NEW.effective_at := greatest(NEW.effective_at, NEW.published_at);
    NEW.number := coalesce(former.number, 0) + 1;
    NEW.material := NEW.material OR former.number IS NULL;
    NEW.required := CASE WHEN NEW.material THEN NEW.number ELSE former.required END;
    IF NEW.effective_at < former.effective_at THEN
        RAISE EXCEPTION 'version % comes into force later: this one cannot overtake it',
            former.number USING ERRCODE = '23514';
    END IF;
    IF NEW.hashes = '{}' THEN
        RAISE EXCEPTION 'a version without a text' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER number BEFORE INSERT ON policy_policyversion
    FOR EACH ROW EXECUTE FUNCTION gate.number_version();

CREATE FUNCTION gate.check_text() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.hash := encode(sha256(convert_to(NEW.body, 'UTF8')), 'hex');
    IF NOT EXISTS (SELECT FROM public.policy_policyversion v
                    WHERE v.id = NEW.version_id AND v.hashes ->> NEW.language = NEW.hash) THEN
        RAISE EXCEPTION 'the version was not published with this text' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER "check" BEFORE INSERT ON policy_policytext
    FOR EACH ROW EXECUTE FUNCTION gate.check_text();

CREATE FUNCTION gate.check_texts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (SELECT count(*) FROM jsonb_object_keys(NEW.hashes))
       <> (SELECT count(*) FROM public.policy_policytext t WHERE t.version_id = NEW.id) THEN
        RAISE EXCEPTION 'a version was published without all its texts' USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER complete AFTER INSERT ON policy_policyversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gate.check_texts();
"""

ACCEPTING = """
-- A person accepts for himself, with a pass of his own that nothing narrows, what was in force when
-- it was shown to him, word for word; a company's policy, only as a member of it. A version that
-- was replaced while its form stood open may still be recorded; it does not satisfy the newer one.
CREATE FUNCTION gate.may_accept(a_user bigint, a_company bigint, a_version uuid, a_language text,
    a_hash text, a_moment timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held record := gate.holder();
BEGIN
    RETURN held.user_id IS NOT NULL AND held.user_id = a_user AND held.reach IS NULL
       AND (a_company IS NULL OR a_company IS NOT DISTINCT FROM held.company_id)
       AND a_moment <= clock_timestamp()
       AND EXISTS (
           SELECT FROM public.policy_policyversion v
            WHERE v.id = a_version AND v.hashes ->> a_language = a_hash
              AND v.kind <> 'site' AND v.company_id IS NOT DISTINCT FROM a_company
              AND v.effective_at <= a_moment
              AND NOT EXISTS (
                  SELECT FROM public.policy_policyversion w
                   WHERE w.policy_id = v.policy_id AND w.number > v.number
                     AND w.effective_at <= a_moment));
END $$;

ALTER TABLE policy_acceptance ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_acceptance FOR SELECT USING (
    user_id = (SELECT gate.user_id())
    OR (company_id = gate.claim() AND (SELECT gate.scope('company.policy')) = 'all'));
CREATE POLICY adds ON policy_acceptance FOR INSERT WITH CHECK (
    gate.may_accept(user_id, company_id, version_id, language, text_hash, shown_at));
GRANT SELECT, INSERT ON policy_acceptance TO :web;

-- What an acceptance's hash is taken over: all of it, and the hash of the one before.
CREATE FUNCTION gate.acceptance_hash(a public.policy_acceptance) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(jsonb_build_array(
        a.number, a.id, a.user_id, a.company_id, a.version_id, a.language, a.text_hash, a.capacity,
        (extract(epoch FROM a.shown_at) * 1000000)::bigint,
        (extract(epoch FROM a.accepted_at) * 1000000)::bigint, a.previous_hash)::text,
        'UTF8')), 'hex')
$$;

CREATE FUNCTION gate.chain_acceptance() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE former record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('policy_acceptance', NEW.user_id));
    SELECT a.number, a.hash INTO former FROM public.policy_acceptance a
     WHERE a.user_id = NEW.user_id ORDER BY a.number DESC LIMIT 1;
    SELECT v.number INTO NEW.version_number FROM public.policy_policyversion v
     WHERE v.id = NEW.version_id;
    NEW.accepted_at := clock_timestamp();
    NEW.number := coalesce(former.number, 0) + 1;
    NEW.previous_hash := coalesce(former.hash, '');
    NEW.hash := gate.acceptance_hash(NEW);
    RETURN NEW;
END $$;
CREATE TRIGGER chain BEFORE INSERT ON policy_acceptance
    FOR EACH ROW EXECUTE FUNCTION gate.chain_acceptance();
"""

FOR_GOOD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_policy
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_policyversion
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_policytext
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_acceptance
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_change();

REVOKE ALL ON FUNCTION gate.waiting_for(bigint, bigint), gate.is_operator(),
    gate.may_publish(bigint), gate.number_version(), gate.check_text(), gate.check_texts(),
    gate.may_accept(bigint, bigint, uuid, text, text, timestamptz),
    gate.acceptance_hash(public.policy_acceptance), gate.chain_acceptance() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.waiting_for(bigint, bigint), gate.is_operator(),
    gate.may_publish(bigint), gate.may_accept(bigint, bigint, uuid, text, text, timestamptz)
    TO :web;
"""

UNDO = """
DROP TRIGGER doubt ON policy_policyversion;
DROP FUNCTION gate.doubt_policies();
CREATE OR REPLACE FUNCTION gate.policies_stand_until(a_company bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT '-infinity'::timestamptz $$;
DROP TRIGGER append_only ON policy_acceptance;
DROP TRIGGER append_only ON policy_policytext;
DROP TRIGGER append_only ON policy_policyversion;
DROP TRIGGER append_only ON policy_policy;
DROP TRIGGER chain ON policy_acceptance;
DROP TRIGGER complete ON policy_policyversion;
DROP TRIGGER "check" ON policy_policytext;
DROP TRIGGER number ON policy_policyversion;
DROP POLICY adds ON policy_acceptance;
DROP POLICY reads ON policy_acceptance;
DROP POLICY adds ON policy_policytext;
DROP POLICY reads ON policy_policytext;
DROP POLICY adds ON policy_policyversion;
DROP POLICY reads ON policy_policyversion;
DROP POLICY adds ON policy_policy;
DROP POLICY reads ON policy_policy;
ALTER TABLE policy_acceptance DISABLE ROW LEVEL SECURITY;
ALTER TABLE policy_policytext DISABLE ROW LEVEL SECURITY;
ALTER TABLE policy_policyversion DISABLE ROW LEVEL SECURITY;
ALTER TABLE policy_policy DISABLE ROW LEVEL SECURITY;
DROP FUNCTION gate.chain_acceptance();
DROP FUNCTION gate.acceptance_hash(public.policy_acceptance);
DROP FUNCTION gate.may_accept(bigint, bigint, uuid, text, text, timestamptz);
DROP FUNCTION gate.check_texts();
DROP FUNCTION gate.check_text();
DROP FUNCTION gate.number_version();
DROP FUNCTION gate.may_publish(bigint);
DROP FUNCTION gate.is_operator();
DROP FUNCTION gate.waiting_for(bigint, bigint);
REVOKE ALL ON policy_acceptance, policy_policytext, policy_policyversion, policy_policy FROM :web;

CREATE OR REPLACE FUNCTION gate.company_has_policy() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT false $$;
CREATE OR REPLACE FUNCTION gate.missing_policies(a_user bigint, a_company bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$ SELECT '[{"kind": "none installed"}]'::jsonb $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("policy", "0001_initial"),
        ("accounts", "0002_gate"),
    ]
    operations: ClassVar = [
        guard(WAITING + PUBLISHING + ACCEPTING + FOR_GOOD, UNDO),
    ]
