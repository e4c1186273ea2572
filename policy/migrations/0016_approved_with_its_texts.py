"""What is approved has texts, and counts only while its approver is an operator.

A draft without texts could be approved; and since the hashes of no texts are NULL, which differs from
nothing, it then let any version be published. An approver who lost the rank between the publication
and its commit still stood under it.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

TEXTS = """
ALTER TABLE policy_draft
    ADD CONSTRAINT policy_draft_texts CHECK (jsonb_typeof(texts) = 'object');

-- As before (0013), and there is something to approve.
CREATE OR REPLACE FUNCTION gate.approve_draft() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM public.policy_draft d
      WHERE d.id = NEW.draft_id AND d.seal = NEW.seal AND d.company_id IS NULL
        AND d.texts <> '{}' FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'policy_approval_seal' USING ERRCODE = '23514';
    END IF;
    NEW.at := clock_timestamp();
    RETURN NEW;
END $$;
"""

APPROVING = """
-- As before (0013); nothing unknown passes for equal.
CREATE OR REPLACE FUNCTION gate.approve_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE d public.policy_draft; broken text;
BEGIN
    NEW.approved_by_id := NULL;
    NEW.seal := NULL;
    -- The row rule asks for the name once for all rows, so with the pass that the first row presents.
    IF NEW.published_by_id IS DISTINCT FROM gate.user_id() THEN
        RAISE EXCEPTION 'a version is published in one''s own name' USING ERRCODE = '42501';
    END IF;
    IF NEW.published_by_id IS NULL  -- the owner's commands; a row rule keeps the web role from it
       OR NOT EXISTS (SELECT FROM public.policy_policy p
                       WHERE p.id = NEW.policy_id AND p.company_id IS NULL)
       OR NOT EXISTS (SELECT FROM public.accounts_user u
                       WHERE u.id <> NEW.published_by_id AND u.is_active AND u.is_superuser) THEN
        RETURN NEW;
    END IF;
    SELECT * INTO d FROM public.policy_draft k WHERE k.policy_id = NEW.policy_id FOR UPDATE;
    SELECT a.by_id INTO NEW.approved_by_id FROM public.policy_approval a
      JOIN public.accounts_user u ON u.id = a.by_id AND u.is_active AND u.is_superuser
     WHERE a.draft_id = d.id AND a.seal = d.seal AND a.by_id <> NEW.published_by_id
     ORDER BY a.at LIMIT 1 FOR KEY SHARE OF a;
    broken := CASE
        WHEN NEW.approved_by_id IS NULL THEN 'policy_version_second'
        WHEN d.texts = '{}' OR NEW.material IS DISTINCT FROM d.material
          OR NEW.countries IS DISTINCT FROM d.countries
          OR NEW.hashes IS DISTINCT FROM (
             SELECT jsonb_object_agg(t.key, encode(sha256(convert_to(t.value, 'UTF8')), 'hex'))
               FROM jsonb_each_text(d.texts) t) THEN 'policy_version_approved'
        END;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION '%', broken USING ERRCODE = '23514';
    END IF;
    NEW.seal := d.seal;
    NEW.effective_at := coalesce(d.effective_at, '-infinity');
    RETURN NEW;
END $$;

-- At the commit, not before: until then nobody who takes the rank back waits for the publisher. A
-- row that somebody is changing right now counts as changed (accounts/migrations/0008).
CREATE FUNCTION gate.check_approver() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM public.accounts_user u
      WHERE u.id = NEW.approved_by_id AND u.is_active AND u.is_superuser FOR SHARE SKIP LOCKED;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'whoever approved this is no operator any more' USING ERRCODE = 'CV002';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER approver AFTER INSERT ON policy_policyversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.approved_by_id IS NOT NULL)
    EXECUTE FUNCTION gate.check_approver();
REVOKE ALL ON FUNCTION gate.check_approver() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("policy", "0015_in_force_by_the_clock")]
    operations: ClassVar = [guard(TEXTS + APPROVING)]  # for good: the former rules let anything by
