"""How people come into a company and leave it, as the database keeps it."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.rowrules import guard

LEAVING = """
-- A company keeps an owner who can sign in. The company's row is locked, so that of two owners who
-- remove each other at once the second waits, and is refused. The trigger's name puts it before
-- end_passes: waiting after that, the second would hold the first one's pass, and neither would end.
CREATE FUNCTION gate.keep_an_owner() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM public.accounts_company WHERE id = OLD.company_id FOR NO KEY UPDATE;
    IF NOT EXISTS (
        SELECT FROM public.accounts_membership m
          JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
         WHERE m.company_id = OLD.company_id AND m.role = 'owner' AND m.left_at IS NULL
    ) THEN
        RAISE EXCEPTION 'accounts_membership_keeps_an_owner'
            USING ERRCODE = '23514', CONSTRAINT = 'accounts_membership_keeps_an_owner';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER an_owner_stays AFTER UPDATE OF role, left_at ON accounts_membership FOR EACH ROW
    WHEN (OLD.role = 'owner' AND OLD.left_at IS NULL
          AND (NEW.role <> 'owner' OR NEW.left_at IS NOT NULL))
    EXECUTE FUNCTION gate.keep_an_owner();

-- Whoever declines the policy may go, without accepting anything and without anybody's leave.
CREATE FUNCTION gate.leave_company() RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held record := gate.holder();
BEGIN
    UPDATE public.accounts_membership SET left_at = statement_timestamp()
     WHERE company_id = held.company_id AND id = held.membership_id AND held.reach IS NULL;
    RETURN FOUND;
END $$;
"""

INVITATIONS = """
-- An invitation is worth no more than its inviter: one who was removed or demoted meanwhile has
-- left no key behind. The first of a company comes from the server and names nobody.
CREATE FUNCTION gate.state_of_invitation(i public.accounts_invitation) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN i.redeemed_at IS NOT NULL THEN 'used'
        WHEN i.withdrawn_at IS NOT NULL THEN 'withdrawn'
        WHEN i.expires_at <= statement_timestamp() THEN 'expired'
        WHEN i.invited_by_id IS NULL THEN 'open'
        WHEN EXISTS (
            SELECT FROM public.accounts_membership m
              JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
              JOIN gate.permission p ON p.role = m.role AND p.permission =
                   CASE WHEN i.role = 'owner' THEN 'people.owners' ELSE 'people.manage' END
             WHERE m.company_id = i.company_id AND m.user_id = i.invited_by_id
               AND m.left_at IS NULL) THEN 'open'
        ELSE 'withdrawn' END
$$;

-- What the holder of an invitation's secret may know before joining.
CREATE FUNCTION gate.read_invitation(secret text)
RETURNS TABLE (company text, email text, role text, invited_by text, expires_at timestamptz,
    state text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT c.name::text, i.email::text, i.role::text, coalesce(u.name, '')::text, i.expires_at,
           gate.state_of_invitation(i)
      FROM public.accounts_invitation i
      JOIN public.accounts_company c ON c.id = i.company_id AND c.suspended_at IS NULL
      LEFT JOIN public.accounts_user u ON u.id = i.invited_by_id
     WHERE i.hash = sha256(convert_to(secret, 'UTF8'));
END $$;

-- Makes the membership that an invitation offers, once; returns its company, or NULL. The first to
-- come wins: the row is locked by the UPDATE. Whoever is a member already keeps his role.
CREATE FUNCTION gate.redeem_invitation(issue_key text, secret text, a_user bigint,
    membership uuid) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE offered record;
BEGIN
    IF NOT EXISTS (SELECT FROM gate.application WHERE purpose = 'issue'
                   AND hash = sha256(convert_to(issue_key, 'UTF8'))) THEN
        RAISE EXCEPTION 'only the application redeems invitations' USING ERRCODE = '42501';
    END IF;
    UPDATE public.accounts_invitation i SET redeemed_at = statement_timestamp()
      FROM public.accounts_user u, public.accounts_company c
     WHERE i.hash = sha256(convert_to(secret, 'UTF8')) AND gate.state_of_invitation(i) = 'open'
       AND i.redeemed_at IS NULL AND i.withdrawn_at IS NULL
       AND c.id = i.company_id AND c.suspended_at IS NULL
       AND u.id = a_user AND u.is_active AND lower(u.email) = lower(i.email)
    RETURNING i.company_id, i.role, i.partner_id INTO offered;
    IF NOT FOUND THEN RETURN NULL; END IF;
    INSERT INTO public.accounts_membership AS m
        (company_id, id, user_id, role, partner_id, joined_at)
    VALUES (offered.company_id, membership, a_user, offered.role, offered.partner_id,
            statement_timestamp())
    ON CONFLICT (company_id, user_id) DO UPDATE
        SET role = excluded.role, partner_id = excluded.partner_id, team_id = NULL,
            left_at = NULL, joined_at = excluded.joined_at
      WHERE m.left_at IS NOT NULL;
    RETURN offered.company_id;
END $$;

CREATE INDEX accounts_invitation_by_secret ON accounts_invitation (hash);
"""

EXECUTION = """
REVOKE ALL ON FUNCTION gate.keep_an_owner(), gate.leave_company(),
    gate.state_of_invitation(accounts_invitation), gate.read_invitation(text),
    gate.redeem_invitation(text, text, bigint, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.leave_company(), gate.read_invitation(text),
    gate.redeem_invitation(text, text, bigint, uuid) TO :web;
"""

UNDO = """
DROP INDEX accounts_invitation_by_secret;
DROP FUNCTION gate.redeem_invitation(text, text, bigint, uuid), gate.read_invitation(text),
    gate.state_of_invitation(accounts_invitation), gate.leave_company();
DROP TRIGGER an_owner_stays ON accounts_membership;
DROP FUNCTION gate.keep_an_owner();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0002_gate")]
    operations: ClassVar = [
        migrations.AlterField(
            model_name="invitation",
            name="invited_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        guard(LEAVING + INVITATIONS + EXECUTION, UNDO),
    ]
