"""Who comes and goes, and by what, is told in the audit of the company it concerns (clause D1).

A session's pass begins to work in a company: that is signing in, however the pass was made, so a
trigger tells it and there is no way around it. Signing out, a new password and second factors are
told where the database does them; a wrong password and a wrong second factor, which only the
application sees, by a function that takes its issuing key. Of each the company hears that has the
person for a member; where somebody works now, that one company alone (docs/decisions/0025).

Rejected: an entry by the view, which another way of signing in would forget; an entry in each of a
person's companies at every sign-in, by which one employer would read the hours of another's.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

TELLING = """
-- An entry in a company's audit by the gate's own hand, in the name of whoever did the deed.
CREATE FUNCTION gate.tell(a_company bigint, doer bigint, deed text, said jsonb DEFAULT '{}',
    of_type text DEFAULT '', of_id uuid DEFAULT NULL, of_name text DEFAULT '',
    under uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE former text := coalesce(current_setting('gate.company', true), '');
BEGIN
    INSERT INTO gate.telling (company_id, user_id) VALUES (a_company, doer);
    PERFORM set_config('gate.company', a_company::text, true);
    INSERT INTO public.accounts_auditentry (company_id, id, at, actor_id, action,
        object_type, object_id, object_name, changes, grant_id)
    VALUES (a_company, gate.new_id(), clock_timestamp(), doer, deed, of_type, of_id, of_name, said,
            under);
    DELETE FROM gate.telling t WHERE t.transaction = pg_current_xact_id();
    PERFORM set_config('gate.company', former, true);
END $$;

-- As it was (0034), by the function above.
CREATE OR REPLACE FUNCTION gate.tell_of_grant(g public.accounts_grant, deed text, doer bigint)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM gate.tell(g.company_id, doer, deed, of_type => 'grant', of_id => g.id, under => g.id);
END $$;

-- What a person did, in this company or (NULL) in each, of which he is a member.
CREATE FUNCTION gate.tell_of_person(a_user bigint, deed text, said jsonb DEFAULT '{}',
    a_company bigint DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE company bigint;
BEGIN
    FOR company IN SELECT m.company_id FROM public.accounts_membership m
                     JOIN public.accounts_company c ON c.id = m.company_id AND c.closed_at IS NULL
                    WHERE m.user_id = a_user AND m.left_at IS NULL
                      AND (a_company IS NULL OR m.company_id = a_company) ORDER BY 1 LOOP
        PERFORM gate.tell(company, a_user, deed, said);
    END LOOP;
END $$;

-- Nobody tells these of himself: they are the gate's to tell.
CREATE FUNCTION gate.refuse_telling() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the database tells this by itself' USING ERRCODE = '42501';
END $$;
DO $$ BEGIN
    EXECUTE format('CREATE TRIGGER gates_own BEFORE INSERT ON accounts_auditentry FOR EACH ROW '
        'WHEN (current_user <> %L AND NEW.action ~ ''^(session|password|factor|disclosure)[.]'') '
        'EXECUTE FUNCTION gate.refuse_telling()', current_user);
END $$;
"""

SESSIONS = """
CREATE FUNCTION gate.tell_of_session() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.tell_of_person(NEW.user_id, 'session.opened', a_company => NEW.company_id);
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON accounts_pass FOR EACH ROW
    WHEN (NEW.kind = 'session' AND NEW.company_id IS NOT NULL)
    EXECUTE FUNCTION gate.tell_of_session();
CREATE TRIGGER tell_where AFTER UPDATE OF company_id ON accounts_pass FOR EACH ROW
    WHEN (NEW.kind = 'session' AND NEW.company_id IS NOT NULL
          AND NEW.company_id IS DISTINCT FROM OLD.company_id)
    EXECUTE FUNCTION gate.tell_of_session();

-- As it was (0015), and told of a session: by this its holder signs out.
CREATE OR REPLACE FUNCTION gate.end_pass(issue_key text, secret text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE ended public.accounts_pass;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    DELETE FROM public.accounts_pass p WHERE p.hash = sha256(convert_to(secret, 'UTF8'))
    RETURNING p.* INTO ended;
    IF ended.kind = 'session' AND ended.company_id IS NOT NULL
       AND ended.expires_at > clock_timestamp() THEN
        PERFORM gate.tell_of_person(ended.user_id, 'session.ended', a_company => ended.company_id);
    END IF;
END $$;

-- The session presented goes on under another secret: nobody has come or gone.
CREATE FUNCTION gate.renew_pass(issue_key text, another text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    PERFORM gate.change_secret(another);
END $$;
"""

PROOFS = """
-- As it was (0002), and told: by whom it is one's own session that shows; whoever has none followed
-- the link of a letter. `is_another`: and not the old password, hashed anew.
DROP FUNCTION gate.set_password(text, bigint, text);
CREATE FUNCTION gate.set_password(issue_key text, a_user bigint, a_password text,
    is_another boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE in_session boolean := EXISTS (
    SELECT FROM public.accounts_pass p WHERE p.hash = gate.presented() AND p.user_id = a_user
       AND p.expires_at > clock_timestamp());
BEGIN
    PERFORM gate.check_issuer(issue_key);
    UPDATE public.accounts_user SET password = a_password WHERE id = a_user;
    IF is_another THEN
        PERFORM gate.tell_of_person(a_user, CASE WHEN in_session THEN 'password.changed'
                                                 ELSE 'password.reset' END);
    END IF;
END $$;

-- A proof was wrong, a "password" or a "factor". Whose it was to be is known, and not who gave it.
CREATE FUNCTION gate.tell_of_refusal(issue_key text, a_user bigint, proof text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    PERFORM gate.tell_of_person(a_user, CASE proof WHEN 'password' THEN 'password.refused'
                                                   ELSE 'factor.refused' END);
END $$;

-- Recovery codes go with the last factor, or for new ones: that they went is not told. On the server
-- it is the operator who takes a factor away.
CREATE FUNCTION gate.tell_of_factor() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM gate.tell_of_person(NEW.user_id, 'factor.added',
                                    jsonb_build_object('factor', NEW.type));
    ELSE
        PERFORM gate.tell_of_person(OLD.user_id,
            CASE WHEN pg_has_role(session_user, current_user, 'MEMBER') THEN 'factor.forgotten'
                 ELSE 'factor.removed' END, jsonb_build_object('factor', OLD.type));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_added AFTER INSERT ON mfa_authenticator FOR EACH ROW
    EXECUTE FUNCTION gate.tell_of_factor();
CREATE TRIGGER tell_removed AFTER DELETE ON mfa_authenticator FOR EACH ROW
    WHEN (OLD.type <> 'recovery_codes') EXECUTE FUNCTION gate.tell_of_factor();

REVOKE ALL ON FUNCTION gate.tell(bigint, bigint, text, jsonb, text, uuid, text, uuid),
    gate.tell_of_person(bigint, text, jsonb, bigint), gate.refuse_telling(),
    gate.tell_of_session(), gate.renew_pass(text, text),
    gate.set_password(text, bigint, text, boolean), gate.tell_of_refusal(text, bigint, text),
    gate.tell_of_factor() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.renew_pass(text, text),
    gate.set_password(text, bigint, text, boolean), gate.tell_of_refusal(text, bigint, text)
    TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0039_seated")]
    operations: ClassVar = [guard(TELLING + SESSIONS + PROOFS)]  # no way back: a clause rests on it
