"""Second factors stand under the rules of passwords: nobody's row is seen or written without the
issuing key (decision 1).

django-allauth reads and writes its table by itself, so the application opens it: to one person's
rows, for one transaction, by a function that takes the key. SQL smuggled into any other request finds
it shut; into one of the few that open it, it finds that one person's own factors, sealed, as that
request has to have them. Rejected: a function for each thing that is done with a factor, around
models of our own, which would be allauth's checks once more.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

OPENING = """
-- Whose factors the transactions under way have been opened to. Gone with them.
CREATE UNLOGGED TABLE gate.opened (
    transaction xid8 PRIMARY KEY DEFAULT pg_current_xact_id(), user_id bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE FUNCTION gate.shut_factors() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM gate.opened o WHERE o.transaction = NEW.transaction;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER shut AFTER INSERT ON gate.opened
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gate.shut_factors();

-- Opens a person's factors to the rest of the transaction; whether there are any but recovery codes.
CREATE FUNCTION gate.open_factors(issue_key text, a_user bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    INSERT INTO gate.opened AS o (user_id) VALUES (a_user)
    ON CONFLICT (transaction) DO UPDATE SET user_id = excluded.user_id;
    RETURN EXISTS (SELECT FROM public.mfa_authenticator f
                    WHERE f.user_id = a_user AND f.type <> 'recovery_codes');
END $$;

CREATE FUNCTION gate.opened_to() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT o.user_id FROM gate.opened o
             WHERE o.transaction = pg_current_xact_id_if_assigned());
END $$;

REVOKE ALL ON FUNCTION gate.shut_factors(), gate.open_factors(text, bigint), gate.opened_to()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.open_factors(text, bigint), gate.opened_to() TO :web;
"""

RULES = """
ALTER TABLE mfa_authenticator ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON mfa_authenticator FOR SELECT USING (
    user_id = (SELECT gate.opened_to()));
-- Who signs in has no pass yet, and uses one: a recovery code is used up.
CREATE POLICY uses ON mfa_authenticator FOR UPDATE USING (
    user_id = (SELECT gate.opened_to()));
CREATE POLICY adds ON mfa_authenticator FOR INSERT WITH CHECK (
    user_id = (SELECT gate.opened_to()) AND user_id = (SELECT gate.user_id()));
CREATE POLICY removes ON mfa_authenticator FOR DELETE USING (
    user_id = (SELECT gate.opened_to()) AND user_id = (SELECT gate.user_id()));
GRANT SELECT, INSERT, UPDATE, DELETE ON mfa_authenticator TO :web;
SELECT gate.watch('mfa_authenticator', 'INSERT OR DELETE');

-- A factor stays its person's and of its kind; when somebody signs in is nobody's business (clause
-- K2), so when it was used last is not kept.
CREATE FUNCTION gate.keep_factor() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.user_id, OLD.type) IS DISTINCT FROM (NEW.user_id, NEW.type) THEN
        RAISE EXCEPTION 'a factor stays whose and what it is' USING ERRCODE = '42501';
    END IF;
    NEW.last_used_at := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON mfa_authenticator FOR EACH ROW
    EXECUTE FUNCTION gate.keep_factor();

REVOKE ALL ON FUNCTION gate.keep_factor() FROM PUBLIC;

-- As it was (0011), and the factors go, too.
CREATE OR REPLACE FUNCTION gate.delete_account(issue_key text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE asking bigint := gate.holder_in_person(issue_key);
BEGIN
    UPDATE public.accounts_membership SET left_at = statement_timestamp()
     WHERE user_id = asking AND left_at IS NULL;
    DELETE FROM public.accounts_invitation i USING public.accounts_user u
     WHERE u.id = asking AND lower(i.email) = u.email;
    DELETE FROM public.account_emailconfirmation c USING public.account_emailaddress a
     WHERE a.id = c.email_address_id AND a.user_id = asking;
    DELETE FROM public.account_emailaddress WHERE user_id = asking;
    DELETE FROM public.mfa_authenticator WHERE user_id = asking;
    UPDATE public.accounts_user
       SET email = format('person-%s@deleted.invalid', id), name = format('Person %s', id),
           password = '!', language = '', is_active = false, is_support = false,
           is_superuser = false
     WHERE id = asking;
END $$;
"""

RANKS = """
-- Whether the pass is a session's of support staff who have proven a second factor in it. Without one
-- a pass has no rank (`gate.is_operator`, of the policies, asks likewise).
CREATE FUNCTION gate.ranked() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.accounts_pass p
                    WHERE p.hash = gate.presented() AND p.kind = 'session'
                      AND p.user_id = gate.user_id() AND p.factor_at IS NOT NULL);
END $$;

CREATE FUNCTION gate.is_support() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN gate.ranked() AND EXISTS (
        SELECT FROM public.accounts_user u WHERE u.id = gate.user_id() AND u.is_support);
END $$;
REVOKE ALL ON FUNCTION gate.ranked(), gate.is_support() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.is_support() TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0030_audit_read"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]
    operations: ClassVar = [guard(OPENING + RULES + RANKS)]
