"""What is done with an access link: made, asked with, confirmed, refused, revoked, ended; and told.

A grant is added by whoever makes it, under its row rule, and changed by these functions alone. Each
makes its own entry in the company's audit. All ask for the issuing key: SQL smuggled into a request
confirms nobody.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

MAKING = """
-- Whoever made a grant sees it, and whoever reads the company's audit. Support reads none.
ALTER TABLE accounts_grant ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_grant FOR SELECT USING (
    company_id = :claim AND (company_id = (SELECT gate.enrolled('audit.read'))
        OR (company_id, made_by_id) = (SELECT d.company_id, d.user_id FROM gate.doer() d)));
CREATE POLICY makes ON accounts_grant FOR INSERT WITH CHECK (
    company_id = :claim
    AND (company_id, made_by_id) =
        (SELECT g.company_id, g.user_id FROM gate.granted('access.grant') g));
GRANT SELECT, INSERT ON accounts_grant TO :web;
SELECT gate.watch('accounts_grant', 'INSERT');

-- In the order of their making, as accounts.identifiers makes them.
CREATE FUNCTION gate.new_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
        substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- An entry about a grant, in the name of whoever did it: support is nobody of the company's.
CREATE FUNCTION gate.tell_of_grant(g public.accounts_grant, deed text, doer bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE former text := coalesce(current_setting('gate.company', true), '');
BEGIN
    INSERT INTO gate.telling (company_id, user_id) VALUES (g.company_id, doer);
    PERFORM set_config('gate.company', g.company_id::text, true);
    INSERT INTO public.accounts_auditentry (company_id, id, at, actor_id, action,
        object_type, object_id, object_name, changes, grant_id)
    VALUES (g.company_id, gate.new_id(), clock_timestamp(), doer, deed, 'grant', g.id, '', '{}',
            g.id);
    DELETE FROM gate.telling t WHERE t.transaction = pg_current_xact_id();
    PERFORM set_config('gate.company', former, true);
END $$;

CREATE FUNCTION gate.begin_grant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT gate.fresh(interval '5 minutes') THEN
        RAISE EXCEPTION 'a fresh proof comes before an access link' USING ERRCODE = 'CV003';
    END IF;
    IF NEW.for_staff_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.accounts_user u
         WHERE u.id = NEW.for_staff_id AND u.is_support AND u.is_active) THEN
        RAISE EXCEPTION 'only support is let in' USING ERRCODE = '42501';
    END IF;
    NEW.made_at := clock_timestamp();
    NEW.expires_at := least(NEW.expires_at, NEW.made_at + interval '24 hours');
    NEW.staff_id := NULL;
    NEW.asked_at := NULL;
    NEW.confirmed_at := NULL;
    NEW.ended_at := NULL;
    NEW.revoked_at := NULL;
    NEW.revoked_by_id := NULL;
    NEW.told := '{}';
    RETURN NEW;
END $$;
CREATE TRIGGER begin_grant BEFORE INSERT ON accounts_grant FOR EACH ROW
    EXECUTE FUNCTION gate.begin_grant();

CREATE FUNCTION gate.tell_of_making() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.tell_of_grant(NEW, 'access.made', NEW.made_by_id);
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON accounts_grant FOR EACH ROW
    EXECUTE FUNCTION gate.tell_of_making();
"""

DEEDS = """
-- Whether a grant can still come to something: it is not over, and its maker is there.
CREATE FUNCTION gate.grant_lives(g public.accounts_grant) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT g.ended_at IS NULL AND g.revoked_at IS NULL AND g.expires_at > clock_timestamp()
       AND EXISTS (SELECT FROM public.accounts_membership m
                     JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
                     JOIN public.accounts_company c ON c.id = m.company_id AND c.suspended_at IS NULL
                    WHERE m.company_id = g.company_id AND m.user_id = g.made_by_id
                      AND m.left_at IS NULL)
$$;

-- A session goes on under another secret, with all that it was proven by.
CREATE FUNCTION gate.change_secret(another text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE former bytea := gate.presented();
BEGIN
    PERFORM set_config('gate.pass', another, true);
    UPDATE public.accounts_pass p SET hash = gate.presented() WHERE p.hash = former;
    UPDATE gate.writing w SET hash = gate.presented()
     WHERE w.transaction = pg_current_xact_id() AND w.hash = former;
END $$;

-- Asks with the link: its one use. Of many at once the first has it. Whom its maker named is let in at
-- once. Nothing is said of why a link does not open.
CREATE FUNCTION gate.ask_with_link(issue_key text, secret text, another text) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE asking bigint := gate.user_id(); g public.accounts_grant;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    IF NOT EXISTS (
        SELECT FROM public.accounts_pass p JOIN public.accounts_user u ON u.id = p.user_id
         WHERE p.hash = gate.presented() AND p.kind = 'session' AND p.reach IS NULL
           AND u.id = asking AND u.is_support AND p.factor_at IS NOT NULL) THEN
        RAISE EXCEPTION 'only support asks with an access link, by a second factor'
            USING ERRCODE = '42501';
    END IF;
    IF EXISTS (SELECT FROM public.accounts_pass p JOIN public.accounts_grant o ON o.id = p.grant_id
                WHERE p.hash = gate.presented() AND gate.grant_lives(o)) THEN
        RAISE EXCEPTION 'one company at a time' USING ERRCODE = '55000';
    END IF;
    SELECT * INTO g FROM public.accounts_grant r
     WHERE r.hash = sha256(convert_to(secret, 'UTF8')) AND r.asked_at IS NULL FOR UPDATE;
    IF NOT FOUND OR NOT gate.grant_lives(g) OR g.for_staff_id <> asking OR EXISTS (
        SELECT FROM public.accounts_membership m WHERE m.company_id = g.company_id
           AND m.user_id = asking AND m.left_at IS NULL) THEN RETURN NULL; END IF;
    UPDATE public.accounts_grant r
       SET staff_id = asking, asked_at = clock_timestamp(),
           confirmed_at = CASE WHEN for_staff_id = asking THEN clock_timestamp() END
     WHERE r.id = g.id RETURNING * INTO g;
    UPDATE public.accounts_pass p
       SET grant_id = g.id, company_id = NULL, verified_until = NULL, scopes = NULL
     WHERE p.hash = gate.presented();
    PERFORM gate.tell_of_grant(g, 'access.asked', asking);
    PERFORM gate.change_secret(another);
    RETURN g.id;
END $$;

-- Lets in whom the maker was shown. False where it was done, or came to nothing, meanwhile.
CREATE FUNCTION gate.confirm_grant(issue_key text, a_grant uuid, a_staff bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE g public.accounts_grant; doing record;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    SELECT * INTO doing FROM gate.granted('access.grant');
    UPDATE public.accounts_grant r SET confirmed_at = clock_timestamp()
     WHERE r.id = a_grant AND r.company_id = doing.company_id AND r.made_by_id = doing.user_id
       AND r.staff_id = a_staff AND r.confirmed_at IS NULL AND gate.grant_lives(r)
    RETURNING * INTO g;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM gate.tell_of_grant(g, 'access.confirmed', doing.user_id);
    RETURN true;
END $$;

-- Shuts a link, or refuses who asked with it: its maker's to do, and of who manages people, whatever
-- they have accepted. False where it was over.
CREATE FUNCTION gate.revoke_grant(issue_key text, a_grant uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE g public.accounts_grant; doing record;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    SELECT * INTO doing FROM gate.doer();
    UPDATE public.accounts_grant r
       SET revoked_at = clock_timestamp(), revoked_by_id = doing.user_id
     WHERE r.id = a_grant AND r.company_id = doing.company_id
       AND (r.made_by_id = doing.user_id
            OR r.company_id = gate.enrolled('people.manage'))
       AND r.ended_at IS NULL AND r.revoked_at IS NULL AND r.expires_at > clock_timestamp()
    RETURNING * INTO g;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM gate.tell_of_grant(g, CASE WHEN g.asked_at IS NOT NULL AND g.confirmed_at IS NULL
                                       THEN 'access.refused' ELSE 'access.revoked' END,
                               doing.user_id);
    RETURN true;
END $$;

-- Support has done, or asks no more. The pass goes on as support's own.
CREATE FUNCTION gate.end_access(issue_key text, another text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE g public.accounts_grant;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    UPDATE public.accounts_grant r SET ended_at = clock_timestamp()
      FROM public.accounts_pass p
     WHERE p.hash = gate.presented() AND p.expires_at > clock_timestamp() AND r.id = p.grant_id
       AND r.staff_id = p.user_id AND gate.grant_lives(r)
    RETURNING r.* INTO g;
    UPDATE public.accounts_pass p SET grant_id = NULL WHERE p.hash = gate.presented();
    PERFORM set_config('gate.company', '', true);
    PERFORM gate.change_secret(another);
    IF g.id IS NULL THEN RETURN false; END IF;
    UPDATE gate.writing w SET place = NULL  -- one's own ending is not held against it
     WHERE w.transaction = pg_current_xact_id() AND w.grant_id = g.id;
    PERFORM gate.tell_of_grant(g, 'access.ended', g.staff_id);
    RETURN true;
END $$;

-- A session that ends takes its grant along; a maker whose place changes, all of his.
CREATE FUNCTION gate.end_grant_of_pass() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.accounts_grant g SET ended_at = clock_timestamp()
     WHERE g.id = OLD.grant_id AND g.ended_at IS NULL AND g.revoked_at IS NULL;
    UPDATE gate.writing w SET place = NULL
     WHERE w.transaction = pg_current_xact_id() AND w.grant_id = OLD.grant_id;
    RETURN NULL;
END $$;
CREATE TRIGGER end_grant AFTER DELETE ON accounts_pass FOR EACH ROW WHEN (OLD.grant_id IS NOT NULL)
    EXECUTE FUNCTION gate.end_grant_of_pass();

CREATE FUNCTION gate.revoke_grants_of() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.accounts_grant g SET revoked_at = clock_timestamp()
     WHERE g.company_id = OLD.company_id AND g.made_by_id = OLD.user_id
       AND g.ended_at IS NULL AND g.revoked_at IS NULL AND g.expires_at > clock_timestamp();
    RETURN NULL;
END $$;
CREATE TRIGGER revoke_grants AFTER UPDATE OF role, team_id, partner_id, left_at
    ON accounts_membership FOR EACH ROW
    WHEN ((OLD.role, OLD.team_id, OLD.partner_id, OLD.left_at)
          IS DISTINCT FROM (NEW.role, NEW.team_id, NEW.partner_id, NEW.left_at))
    EXECUTE FUNCTION gate.revoke_grants_of();

-- The grant that the pass presented names while it lives, for support's pages; claims its company
-- where it is open.
CREATE FUNCTION gate.grant_in_hand() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE a gate.access := gate.access(gate.presented()); found jsonb;
BEGIN
    SELECT jsonb_build_object(
               'id', g.id, 'open', a.grant_id IS NOT NULL, 'company_id', c.id,
               'company_name', c.name, 'company_slug', c.slug, 'company_currency', c.currency,
               'company_time_zone', c.time_zone, 'maker', coalesce(nullif(u.name, ''), u.email),
               'reason', g.reason, 'expires_at', g.expires_at, 'orders', g.orders,
               'fields', g.fields, 'moves', g.moves, 'role', a.role,
               'membership_id', a.membership_id, 'team_id', a.team_id,
               'partner_id', a.partner_id,
               'scopes', (SELECT jsonb_object_agg(p.permission, p.scope) FROM gate.permission p
                           WHERE p.role = a.role AND gate.opens(a, p.permission)))
      INTO found
      FROM public.accounts_pass p
      JOIN public.accounts_grant g ON g.id = p.grant_id AND g.staff_id = p.user_id
      JOIN public.accounts_company c ON c.id = g.company_id
      JOIN public.accounts_user u ON u.id = g.made_by_id
     WHERE p.hash = gate.presented() AND p.expires_at > clock_timestamp()
       AND gate.grant_lives(g) AND (a.grant_id IS NOT NULL OR g.confirmed_at IS NULL);
    IF a.grant_id IS NOT NULL THEN
        PERFORM set_config('gate.company', a.company_id::text, true);
    END IF;
    RETURN found;
END $$;

REVOKE ALL ON FUNCTION gate.new_id(), gate.change_secret(text), gate.tell_of_grant(public.accounts_grant, text, bigint),
    gate.begin_grant(), gate.tell_of_making(), gate.grant_lives(public.accounts_grant),
    gate.ask_with_link(text, text, text), gate.confirm_grant(text, uuid, bigint),
    gate.revoke_grant(text, uuid), gate.end_access(text, text), gate.end_grant_of_pass(),
    gate.revoke_grants_of(), gate.grant_in_hand() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.ask_with_link(text, text, text), gate.confirm_grant(text, uuid, bigint),
    gate.revoke_grant(text, uuid), gate.end_access(text, text), gate.grant_in_hand() TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0033_access_links")]
    operations: ClassVar = [guard(MAKING + DEEDS)]  # no way back: the link is its maker's own
