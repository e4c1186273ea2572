"""Keys of those whose machines send leads (decision 19).

A key is a pass of the narrowest kind, in a table and under a setting of its own: whatever asks who
holds the pass presented (`gate.pass`) finds nobody, so that no row rule and no function of the gate
that is there, or is yet to come, opens to a key unless it asks for one by name (`gate.sender`).

Rejected: a row among the passes, whose reach would have had to be looked at by every rule that asks
who is there, and not what he may: one's own name, one's own acceptances, an operator's list.
"""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard

KEY = migrations.CreateModel(
    "ApiKey",
    [
        (
            "pk",
            models.CompositePrimaryKey(
                "company_id", "id", blank=True, editable=False, primary_key=True, serialize=False
            ),
        ),
        ("id", models.UUIDField(default=accounts.identifiers.uuid7, editable=False)),
        ("name", models.CharField("name", max_length=80)),
        ("membership_id", models.UUIDField()),
        ("hash", models.BinaryField(editable=False, max_length=32)),
        ("payout", models.DecimalField(decimal_places=2, max_digits=12, null=True)),
        ("made_at", models.DateTimeField()),
        ("expires_at", models.DateTimeField(null=True)),
        ("revoked_at", models.DateTimeField(null=True)),
        ("last_used_at", models.DateTimeField(null=True)),
        ("minute_began", models.DateTimeField(null=True)),
        ("uses", models.PositiveIntegerField(default=0)),
        (
            "company",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.company",
            ),
        ),
        (
            "made_by",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        (
            "membership",
            models.ForeignObject(
                from_fields=["company", "membership_id"],
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="accounts.membership",
                to_fields=["company", "id"],
            ),
        ),
    ],
    options={
        "constraints": [
            models.UniqueConstraint(
                models.F("company"), models.F("hash"), name="accounts_apikey_hash_once"
            ),
            models.CheckConstraint(
                condition=models.Q(("payout", None), ("payout__gte", 0), _connector="OR"),
                name="accounts_apikey_payout",
            ),
        ]
    },
)

RULES = """
-- Looked up by its secret before a company is known, so the gate's functions see it past the rules.
ALTER TABLE accounts_apikey ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_apikey FOR SELECT USING (
    company_id = :claim AND company_id = (SELECT gate.whole('keys.manage')));
CREATE POLICY revokes ON accounts_apikey FOR UPDATE USING (
    company_id = :claim AND company_id = (SELECT gate.whole('keys.manage'))
    AND revoked_at IS NULL)
  WITH CHECK (company_id = :claim AND company_id = (SELECT gate.whole('keys.manage')));
GRANT SELECT, UPDATE (revoked_at) ON accounts_apikey TO :web;
SELECT gate.watch('accounts_apikey');

CREATE UNIQUE INDEX accounts_apikey_by_secret ON accounts_apikey (hash);
ALTER TABLE accounts_apikey ADD CONSTRAINT accounts_apikey_membership
    FOREIGN KEY (company_id, membership_id) REFERENCES accounts_membership (company_id, id)
    ON DELETE CASCADE;

-- A key for a partner's member. Made with the issuing key, as every pass is (decision 1).
CREATE FUNCTION gate.make_key(issue_key text, a_key uuid, secret text, a_name text, a_member uuid,
    a_payout numeric, until timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE doer record;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    SELECT g.company_id, g.user_id INTO doer FROM gate.granted('keys.manage') g
     WHERE g.scope = 'all';
    INSERT INTO public.accounts_apikey (company_id, id, name, membership_id, hash, payout, made_by_id,
        made_at, expires_at, uses)
    SELECT m.company_id, a_key, a_name, m.id, sha256(convert_to(secret, 'UTF8')), a_payout,
           doer.user_id, clock_timestamp(), until, 0
      FROM public.accounts_membership m
     WHERE m.company_id = doer.company_id AND m.id = a_member AND m.role = 'partner'
       AND m.left_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a key is made for a partner''s member, by who manages keys'
            USING ERRCODE = '42501';
    END IF;
END $$;
"""

SENDING = """
-- Whose key this transaction presents, in place of a pass, and which; nothing for one that opens
-- nothing.
CREATE FUNCTION gate.held_key(OUT key_id uuid, OUT company_id bigint, OUT user_id bigint,
    OUT membership_id uuid, OUT partner_id uuid)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed'
       OR current_setting('gate.pass', true) <> '' THEN RETURN; END IF;
    SELECT k.id, k.company_id, m.user_id, m.id, m.partner_id
      INTO key_id, company_id, user_id, membership_id, partner_id
      FROM public.accounts_apikey k
      JOIN public.accounts_company c ON c.id = k.company_id AND c.suspended_at IS NULL
      JOIN public.accounts_membership m ON m.company_id = k.company_id
       AND m.id = k.membership_id AND m.role = 'partner' AND m.left_at IS NULL
      JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
     WHERE k.hash = sha256(convert_to(current_setting('gate.key', true), 'UTF8'))
       AND k.revoked_at IS NULL
       AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp());
END $$;

-- For which partner, of which company, the key sends, and who answers for it; no row without a living
-- key. Raises CV001 while a policy in force waits for that person's acceptance (clause C2).
CREATE FUNCTION gate.sender()
RETURNS TABLE (company_id bigint, partner_id uuid, user_id bigint, key_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 1 AS $$
#variable_conflict use_column
DECLARE held record := gate.held_key(); missing jsonb;
BEGIN
    IF held.key_id IS NULL THEN RETURN; END IF;
    missing := gate.missing_policies(held.user_id, held.company_id);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'a policy in force has not been accepted'
            USING ERRCODE = 'CV001', DETAIL = missing::text;
    END IF;
    RETURN QUERY SELECT held.company_id, held.partner_id, held.user_id, held.key_id;
END $$;

CREATE FUNCTION gate.sender_company() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN RETURN (SELECT s.company_id FROM gate.sender() s); END $$;

-- What a sender's request begins with: presents the key in place of any pass, claims its company and
-- counts the use; `wait` is for how many seconds there were too many of them in a minute. The count
-- holds the key's row: whoever revokes it waits for this request, and then it is over. So it takes
-- the issuing key, and nobody else makes anybody wait.
CREATE FUNCTION gate.enter_with_key(issue_key text, secret text, a_minute integer)
RETURNS TABLE (key_id uuid, company_id bigint, company_name text, company_slug text,
    company_currency text, company_country text, user_id bigint, membership_id uuid,
    partner_id uuid, under_policy boolean, missing jsonb, wait integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 1 AS $$
#variable_conflict use_column
DECLARE held record; used record; now timestamptz := clock_timestamp();
BEGIN
    PERFORM gate.check_issuer(issue_key);
    PERFORM set_config('gate.pass', '', true), set_config('gate.key', secret, true);
    held := gate.held_key();
    PERFORM set_config('gate.company', coalesce(held.company_id::text, ''), true);
    UPDATE public.accounts_apikey k
       SET last_used_at = now,
           minute_began = CASE WHEN k.minute_began > now - interval '1 minute'
                               THEN k.minute_began ELSE now END,
           uses = CASE WHEN k.minute_began > now - interval '1 minute' THEN k.uses + 1 ELSE 1 END
     WHERE k.company_id = held.company_id AND k.id = held.key_id AND k.revoked_at IS NULL
    RETURNING k.minute_began, k.uses INTO used;
    IF NOT FOUND THEN RETURN; END IF;
    RETURN QUERY
    SELECT held.key_id, c.id, c.name::text, c.slug::text, c.currency::text, c.country::text,
           held.user_id, held.membership_id, held.partner_id,
           EXISTS (SELECT FROM public.policy_policyversion v WHERE v.kind = 'company'
                      AND v.company_id = c.id AND v.effective_at <= clock_timestamp()),
           gate.missing_policies(held.user_id, c.id),
           CASE WHEN used.uses > a_minute THEN ceil(extract(epoch FROM
                used.minute_began + interval '1 minute' - now))::integer ELSE 0 END
      FROM public.accounts_company c WHERE c.id = held.company_id;
END $$;

-- Until the commit nobody takes away what the key rests on. Raises CV002 where it was just done.
CREATE FUNCTION gate.hold_sender(issue_key text, OUT company_id bigint, OUT partner_id uuid,
    OUT user_id bigint, OUT key_id uuid)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE held record := gate.held_key();
BEGIN
    PERFORM gate.check_issuer(issue_key);
    PERFORM FROM public.accounts_apikey k
      WHERE k.company_id = held.company_id AND k.id = held.key_id FOR SHARE;
    PERFORM FROM public.accounts_membership m
      WHERE m.company_id = held.company_id AND m.id = held.membership_id FOR SHARE;
    PERFORM FROM public.accounts_user u WHERE u.id = held.user_id FOR SHARE;
    PERFORM FROM public.accounts_company c WHERE c.id = held.company_id FOR SHARE;
    SELECT s.company_id, s.partner_id, s.user_id, s.key_id
      INTO company_id, partner_id, user_id, key_id FROM gate.sender() s;
    IF company_id IS NULL THEN
        RAISE EXCEPTION 'the key opens nothing any more' USING ERRCODE = 'CV002';
    END IF;
END $$;

REVOKE ALL ON FUNCTION gate.make_key(text, uuid, text, text, uuid, numeric, timestamptz),
    gate.held_key(), gate.sender(), gate.sender_company(),
    gate.enter_with_key(text, text, integer), gate.hold_sender(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.make_key(text, uuid, text, text, uuid, numeric, timestamptz),
    gate.sender(), gate.sender_company(), gate.enter_with_key(text, text, integer) TO :web;
"""

UNDO = """
DROP FUNCTION gate.hold_sender(text), gate.enter_with_key(text, text, integer),
    gate.sender_company(), gate.sender(), gate.held_key(),
    gate.make_key(text, uuid, text, text, uuid, numeric, timestamptz);
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0026_taken_back_as_it_stands")]
    operations: ClassVar = [KEY, guard(RULES + SENDING, UNDO)]
