"""Who declines the policy takes his data along, deletes his account, and closes his company (R1).

Two kinds of passes go where nothing was accepted, each in one narrow way, and only the functions
here (and `gate.close_company`, of the orders) make them, for a session's own pass and nobody
narrower:

``export``   reads, and only within a read-only transaction, what its maker takes along: a
             company's rows where an owner made it, with the entry in the company's audit that this
             migration's function writes itself; otherwise nothing but what is the maker's own.
``closing``  empties a company that its owner has closed, and no other.

Rejected: a permission that any owner's session has, which would open all orders to a session that
has accepted nothing; a function that returns rows past the row rules, one for each table.
"""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard

STANDING = """
-- As before (0002), and for passes of these two kinds, which the policies do not hold up.
CREATE OR REPLACE FUNCTION gate.standing(wanted text, OUT granted text, OUT user_id bigint,
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
    SELECT g.scope, m.user_id, m.company_id, p.kind IN ('export', 'closing')
      INTO granted, user_id, company_id, verified
      FROM public.accounts_pass p
      JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
      JOIN public.accounts_company c ON c.id = p.company_id
       AND (c.suspended_at IS NULL OR p.kind = 'closing' AND c.closed_at IS NOT NULL)
      JOIN public.accounts_membership m
        ON m.company_id = p.company_id AND m.user_id = p.user_id AND m.left_at IS NULL
      JOIN gate.permission g ON g.permission = wanted AND g.role = m.role
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > statement_timestamp()
       AND p.company_id = gate.claim() AND (p.reach IS NULL OR p.reach ? wanted)
       AND (p.kind <> 'export' OR m.role = 'owner'
            AND current_setting('transaction_read_only') = 'on');
END $$;

CREATE OR REPLACE FUNCTION gate.open_pass(issue_key text, secret text, a_kind text, a_user bigint,
    a_company bigint, a_reach jsonb, a_data text, until timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    IF a_kind IN ('export', 'closing') THEN
        RAISE EXCEPTION 'a pass of this kind is opened by a function of its own'
            USING ERRCODE = '42501';
    END IF;
    IF a_company IS NULL AND a_user IS NOT NULL THEN  -- the only company there is to choose
        SELECT min(m.company_id) INTO a_company FROM public.accounts_membership m
         WHERE m.user_id = a_user AND m.left_at IS NULL HAVING count(*) = 1;
    END IF;
    INSERT INTO public.accounts_pass
        (hash, kind, user_id, company_id, reach, data, created_at, expires_at)
    VALUES (sha256(convert_to(secret, 'UTF8')), a_kind, a_user, a_company, a_reach, a_data,
            statement_timestamp(), until);
END $$;
"""

LEAVING = """
-- Whose pass this is, where it is a session's own; raises for any other.
CREATE FUNCTION gate.holder_in_person(issue_key text, OUT user_id bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE held record := gate.holder();
BEGIN
    PERFORM gate.check_issuer(issue_key);
    IF held.user_id IS NULL OR held.reach IS NOT NULL OR NOT EXISTS (
        SELECT FROM public.accounts_pass p WHERE p.hash = gate.presented() AND p.kind = 'session')
    THEN
        RAISE EXCEPTION 'only in person' USING ERRCODE = '42501';
    END IF;
    user_id := held.user_id;
END $$;

-- The pass of an export, of what is its maker's own or, for an owner, of the company's too, which
-- the audit says in the same breath.
CREATE FUNCTION gate.open_export(issue_key text, secret text, of_company boolean, entry uuid,
    until timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asking bigint := gate.holder_in_person(issue_key);
    company bigint; read text[] := '{}';
BEGIN
    IF of_company THEN
        company := gate.enrolled('company.export');
        IF company IS NULL THEN
            RAISE EXCEPTION 'an owner alone takes the company''s data along'
                USING ERRCODE = '42501';
        END IF;
        read := ARRAY['company.enter', 'company.policy', 'people.read', 'people.manage',
            'audit.read', 'orders.read', 'orders.import', 'persons.open', 'persons.telephone'];
        INSERT INTO public.accounts_auditentry (company_id, id, at, actor_id, actor_name, action,
            object_type, object_name, changes)
        VALUES (company, entry, clock_timestamp(), asking, '', 'company.exported', '', '', '{}');
    END IF;
    INSERT INTO public.accounts_pass
        (hash, kind, user_id, company_id, reach, data, created_at, expires_at)
    VALUES (sha256(convert_to(secret, 'UTF8')), 'export', asking, company, to_jsonb(read), '',
            statement_timestamp(), until);
END $$;

-- A person goes for good: memberships end (the trigger of 0003 keeps a company its last owner), and
-- what names anybody is gone. The number stays, for what evidence refers to.
CREATE FUNCTION gate.delete_account(issue_key text) RETURNS void
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
    UPDATE public.accounts_user
       SET email = format('person-%s@deleted.invalid', id), name = format('Person %s', id),
           password = '!', language = '', is_active = false, is_support = false,
           is_superuser = false
     WHERE id = asking;
END $$;

-- The company that a closing pass empties; NULL for any other pass.
CREATE FUNCTION gate.closing() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT c.id FROM public.accounts_pass p JOIN public.accounts_company c
                ON c.id = p.company_id AND c.closed_at IS NOT NULL
             WHERE p.hash = gate.presented() AND p.kind = 'closing'
               AND p.expires_at > statement_timestamp());
END $$;

REVOKE ALL ON FUNCTION gate.holder_in_person(text), gate.delete_account(text), gate.closing(),
    gate.open_export(text, text, boolean, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.delete_account(text),
    gate.open_export(text, text, boolean, uuid, timestamptz) TO :web;
"""

# For the gate's own functions, which the forced rules bind too: the web role has no right to delete.
CLEARING = """
CREATE POLICY clears ON accounts_companykey FOR DELETE USING (
    company_id = :claim AND company_id = (SELECT gate.closing()));
CREATE POLICY clears ON accounts_team FOR DELETE USING (
    company_id = :claim AND company_id = (SELECT gate.closing()));
CREATE POLICY clears ON accounts_partner FOR DELETE USING (
    company_id = :claim AND company_id = (SELECT gate.closing()));
CREATE POLICY clears ON accounts_auditentry FOR DELETE USING (
    company_id = :claim AND company_id = (SELECT gate.closing()));

-- The audit is only ever added to, and goes with its company.
CREATE FUNCTION gate.refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND gate.closing() IS NOT NULL THEN RETURN NULL; END IF;
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
REVOKE ALL ON FUNCTION gate.refuse_rewriting() FROM PUBLIC;
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_rewriting();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0010_countries_of_members")]
    operations: ClassVar = [
        migrations.AddField(
            "company", "closed_at", models.DateTimeField(null=True, blank=True, editable=False)
        ),
        guard(STANDING + LEAVING + CLEARING),
    ]
