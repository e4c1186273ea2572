"""Attempts are counted by the application alone, with its issuing key.

Under the rule before, SQL smuggled into any request could set another's counts, and so keep them from
signing in for as long as it liked, or store there what no count is.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

COUNTING = """
REVOKE ALL ON accounts_attempt FROM :web;
DROP POLICY application ON accounts_attempt;
DELETE FROM accounts_attempt;
-- What is counted: the moments of attempts (Unix time), or that one is under way.
ALTER TABLE accounts_attempt ADD CONSTRAINT accounts_attempt_counts CHECK (
    jsonb_typeof(value) = 'boolean'
    OR jsonb_typeof(value) = 'array' AND NOT value @? '$[*] ? (@.type() != "number")');

CREATE FUNCTION gate.attempts(issue_key text, a_hash bytea) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    RETURN (SELECT a.value FROM public.accounts_attempt a
             WHERE a.hash = a_hash AND a.expires_at > statement_timestamp());
END $$;

-- Keeps a count, `instead` of one that is there and not over, or not at all; whether it was kept.
CREATE FUNCTION gate.keep_attempts(issue_key text, a_hash bytea, a_value jsonb, seconds float,
    instead boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    INSERT INTO public.accounts_attempt AS kept (hash, value, expires_at)
    VALUES (a_hash, a_value, statement_timestamp() + seconds * interval '1 second')
    ON CONFLICT (hash) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
     WHERE instead OR kept.expires_at <= statement_timestamp();
    RETURN FOUND;
END $$;

CREATE FUNCTION gate.forget_attempts(issue_key text, a_hash bytea) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    DELETE FROM public.accounts_attempt WHERE hash = a_hash;
    RETURN FOUND;
END $$;

-- Deletes the counts that are over, of which nobody makes anything any more; how many there were.
CREATE FUNCTION gate.sweep_attempts() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE swept bigint;
BEGIN
    DELETE FROM public.accounts_attempt WHERE expires_at <= statement_timestamp();
    GET DIAGNOSTICS swept = ROW_COUNT;
    RETURN swept;
END $$;

REVOKE ALL ON FUNCTION gate.attempts(text, bytea), gate.forget_attempts(text, bytea),
    gate.keep_attempts(text, bytea, jsonb, float, boolean), gate.sweep_attempts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.attempts(text, bytea), gate.forget_attempts(text, bytea),
    gate.keep_attempts(text, bytea, jsonb, float, boolean), gate.sweep_attempts() TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0013_people_added_with_the_key")]
    operations: ClassVar = [guard(COUNTING)]  # for good: the former right was a leak
