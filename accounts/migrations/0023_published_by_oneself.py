"""Who publishes a version need not have accepted that one; every other he need.

A statement that publishes, even nothing at all, let its whole transaction be committed whatever had
come into force meanwhile: an agent's SQL, too, added to policies `WHERE false`. Now what a transaction
writes under notes the policies that its own holder published, and only these are not asked about.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

PUBLISHED = """
ALTER TABLE gate.writing ADD COLUMN published uuid[] NOT NULL DEFAULT '{}';

-- For each version (policy/migrations/0017).
CREATE OR REPLACE FUNCTION gate.publish_oneself() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE gate.writing SET published = published || NEW.policy_id
     WHERE transaction = pg_current_xact_id() AND user_id = NEW.published_by_id;
    RETURN NULL;
END $$;

-- Whether somebody has accepted every policy in force but these.
CREATE FUNCTION gate.has_accepted(a_user bigint, a_company bigint, but uuid[]) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM jsonb_array_elements(gate.missing_policies(a_user, a_company)) m
         WHERE ((m ->> 'policy')::uuid = ANY (but)) IS NOT TRUE)
$$;

-- As before (0008), but for these.
CREATE OR REPLACE FUNCTION gate.ask_again(w gate.writing) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE stands boolean := true;
BEGIN
    IF w.place IS NULL THEN RETURN; END IF;
    IF NOT w.ended THEN
        PERFORM FROM public.accounts_pass p
          WHERE p.hash = w.hash AND p.expires_at > clock_timestamp() FOR KEY SHARE SKIP LOCKED;
        stands := FOUND;
    END IF;
    IF stands AND w.place <> '(,,)' THEN
        PERFORM FROM public.accounts_membership m
          WHERE m.company_id = w.company_id AND m.user_id = w.user_id FOR SHARE SKIP LOCKED;
        stands := FOUND;
    END IF;
    IF stands AND gate.place(w.user_id, w.company_id) = w.place
       AND (NOT w.accepted OR gate.has_accepted(w.user_id, w.company_id, w.published)) THEN
        RETURN;
    END IF;
    RAISE EXCEPTION 'the right that this was written under was taken back meanwhile'
        USING ERRCODE = 'CV002';
END $$;

REVOKE ALL ON FUNCTION gate.has_accepted(bigint, bigint, uuid[]) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0022_proven")]
    operations: ClassVar = [guard(PUBLISHED)]  # for good: what was before let anything be committed
