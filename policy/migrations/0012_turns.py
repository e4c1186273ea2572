"""Turns are rows that a stranger cannot take: advisory locks are anybody's with the role's password."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

TURNS = """
CREATE OR REPLACE FUNCTION gate.chain_acceptance() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE former record;
BEGIN
    PERFORM FROM public.accounts_user u WHERE u.id = NEW.user_id FOR NO KEY UPDATE;
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

-- One after another, and each at its own moment, so that the last is the last.
CREATE OR REPLACE FUNCTION gate.decide_jurisdiction() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM gate.turn t WHERE t.name = 'jurisdictions' FOR UPDATE;
    NEW.decided_at := clock_timestamp();
    IF NEW.prohibited = gate.prohibits(NEW.code) THEN
        RAISE EXCEPTION 'policy_jurisdiction_decides'
            USING ERRCODE = '23514', CONSTRAINT = 'policy_jurisdiction_decides';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("policy", "0011_visits"),
        ("accounts", "0015_revoked_without_waiting"),
    ]
    operations: ClassVar = [guard(TURNS)]  # for good: the former locks could be kept from us
