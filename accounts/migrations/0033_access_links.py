"""Access links (clause T4): support's own pass enters a company through a grant of one of its people.

A grant names what somebody lets support see and do, for how long, and by whom it was asked for. A
pass of support's names the grant; `gate.access` says what that is worth at this moment, from the
maker's live rights, and everything else asks it. While it is worth something the pass is nobody's own:
`gate.user_id` and `gate.holder` answer nothing, so that whatever one does as oneself (accept, publish,
disclose, export, delete, change a password) is shut, now and for functions that are yet to come.

Nothing but the audit opens before the transaction has made an entry in it: no entry, no row.

Rejected: a membership for a while, which every rule would take for one of the company's people; a
pass of a kind of its own, which could not go on as support's own session afterwards. What members ask
pays for none of this: the answer for a grant comes after theirs has found nothing.
"""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard

GRANT = migrations.CreateModel(
    "Grant",
    [
        (
            "pk",
            models.CompositePrimaryKey(
                "company_id", "id", blank=True, editable=False, primary_key=True, serialize=False
            ),
        ),
        ("id", models.UUIDField(default=accounts.identifiers.uuid7, editable=False)),
        ("hash", models.BinaryField(editable=False, max_length=32)),
        *{
            "orders": ArrayField(models.UUIDField(), null=True),
            "fields": ArrayField(models.CharField(max_length=16), default=list),
            "moves": ArrayField(models.CharField(max_length=16), default=list),
        }.items(),
        ("reason", models.CharField(max_length=300, verbose_name="reason")),
        ("made_at", models.DateTimeField(auto_now_add=True)),
        ("expires_at", models.DateTimeField()),
        ("asked_at", models.DateTimeField(editable=False, null=True)),
        ("confirmed_at", models.DateTimeField(editable=False, null=True)),
        ("ended_at", models.DateTimeField(editable=False, null=True)),
        ("revoked_at", models.DateTimeField(editable=False, null=True)),
        (
            "told",
            ArrayField(models.CharField(max_length=16), default=list, editable=False),
        ),
        (
            "company",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.company",
            ),
        ),
        *(
            (
                name,
                models.ForeignKey(
                    null=name != "made_by",
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                    editable=name in ("made_by", "for_staff"),
                ),
            )
            for name in ("made_by", "for_staff", "staff", "revoked_by")
        ),
    ],
    options={
        "indexes": [
            models.Index(fields=["hash"], name="accounts_grant_by_secret"),
            models.Index(fields=["id"], name="accounts_grant_by_id"),
        ],
        "constraints": [
            models.CheckConstraint(
                condition=models.Q(
                    fields__contained_by=["name", "telephone", "email", "address", "notes"]
                ),
                name="accounts_grant_fields",
            ),
            models.CheckConstraint(
                condition=models.Q(orders=None) | models.Q(orders__len__range=(1, 100)),
                name="accounts_grant_orders",
            ),
            models.CheckConstraint(
                condition=~models.Q(reason=""), name="accounts_grant_has_a_reason"
            ),
        ],
    },
)

ACCESS = """
ALTER TABLE accounts_grant ADD CONSTRAINT accounts_grant_lasts
    CHECK (expires_at > made_at AND expires_at <= made_at + interval '24 hours');
-- A grant goes with its maker's membership, and that with its company.
ALTER TABLE accounts_grant ADD CONSTRAINT accounts_grant_maker FOREIGN KEY (company_id, made_by_id)
    REFERENCES accounts_membership (company_id, user_id) ON DELETE CASCADE;
CREATE INDEX accounts_pass_under_grant ON accounts_pass (grant_id) WHERE grant_id IS NOT NULL;

-- What a grant is worth now: whose deed it is, on whose behalf, and of that person the place.
CREATE TYPE gate.access AS (
    grant_id uuid, company_id bigint, staff_id bigint, maker_id bigint, membership_id uuid,
    role text, team_id uuid, partner_id uuid, orders uuid[], fields text[], moves text[]);

-- That of the pass with this hash; all NULL where there is none, or not any more. Asked of live rows:
-- whoever made the grant is a member with everything accepted, support is support still, and nobody
-- of the company's people.
CREATE FUNCTION gate.access(a_hash bytea) RETURNS gate.access LANGUAGE plpgsql STABLE AS $$
DECLARE held gate.access;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN RETURN NULL; END IF;
    SELECT g.id, g.company_id, g.staff_id, g.made_by_id, m.id, m.role, m.team_id, m.partner_id,
           g.orders, g.fields, g.moves
      INTO held
      FROM public.accounts_pass p
      JOIN public.accounts_grant g ON g.id = p.grant_id AND g.staff_id = p.user_id
      JOIN public.accounts_user s ON s.id = g.staff_id AND s.is_active AND s.is_support
      JOIN public.accounts_company c ON c.id = g.company_id AND c.suspended_at IS NULL
      JOIN public.accounts_membership m
        ON m.company_id = g.company_id AND m.user_id = g.made_by_id AND m.left_at IS NULL
      JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
     WHERE p.hash = a_hash AND p.kind = 'session' AND p.reach IS NULL
       AND p.expires_at > clock_timestamp() AND g.expires_at > clock_timestamp()
       AND g.confirmed_at IS NOT NULL AND g.ended_at IS NULL AND g.revoked_at IS NULL
       AND NOT EXISTS (SELECT FROM public.accounts_membership o WHERE o.user_id = g.staff_id
                          AND o.company_id = g.company_id AND o.left_at IS NULL)
       AND gate.missing_policies(g.made_by_id, g.company_id) IS NULL
       AND gate.missing_policies(g.staff_id, NULL) IS NULL;
    RETURN held;
END $$;

-- Which permissions a grant can open at all, and which of them this one does. Whatever is not named
-- stays shut under every grant.
CREATE FUNCTION gate.opens(a gate.access, wanted text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN wanted IN ('company.enter', 'orders.read', 'persons.open') THEN true
                WHEN wanted = 'orders.write' THEN cardinality(a.moves) > 0
                WHEN wanted = 'persons.telephone' THEN a.fields @> ARRAY['telephone']
                WHEN wanted = 'persons.find' THEN a.fields @> ARRAY['name', 'telephone', 'email']
                ELSE false END
$$;

-- As `standing`, for a pass under a grant: 'all' and 'part' of what its maker sees, or orders that are
-- 'listed'.
CREATE FUNCTION gate.accessed(wanted text, OUT granted text, OUT user_id bigint,
    OUT company_id bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE a gate.access := gate.access(gate.presented()); makers text;
BEGIN
    IF a.grant_id IS NULL OR a.company_id IS DISTINCT FROM gate.claim()
       OR NOT gate.opens(a, wanted) THEN RETURN; END IF;
    SELECT p.scope INTO makers FROM gate.permission p
     WHERE p.permission = wanted AND p.role = a.role;
    IF makers IS NULL THEN RETURN; END IF;
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN PERFORM gate.note_access(a); END IF;
    IF wanted <> 'company.enter' AND NOT EXISTS (
        SELECT FROM gate.writing w WHERE w.transaction = pg_current_xact_id_if_assigned()
           AND w.hash = gate.presented() AND w.grant_id = a.grant_id AND w.told) THEN RETURN; END IF;
    granted := CASE WHEN a.orders IS NOT NULL THEN 'listed' WHEN makers = 'all' THEN 'all'
                    ELSE 'part' END;
    user_id := a.staff_id;
    company_id := a.company_id;
END $$;
"""

NOTING = """
-- `grant_id`: what was answered was a grant's, whose maker's place `place` is then. `told`: there is
-- an entry of it in the audit.
ALTER TABLE gate.writing ADD COLUMN grant_id uuid, ADD COLUMN told boolean NOT NULL DEFAULT false;

CREATE FUNCTION gate.note_access(a gate.access) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE ours bytea := gate.presented(); noted text;
        held text := (a.role, a.team_id, a.partner_id)::text;
BEGIN
    SELECT w.place INTO noted FROM gate.writing w
     WHERE w.transaction = pg_current_xact_id() AND w.hash = ours AND w.grant_id = a.grant_id;
    IF NOT FOUND THEN
        INSERT INTO gate.writing (hash, company_id, user_id, place, grant_id)
        SELECT ours, a.company_id, a.staff_id, held, a.grant_id
         WHERE EXISTS (SELECT FROM gate.writing w WHERE w.transaction = pg_current_xact_id());
    ELSIF noted <> held THEN
        RAISE EXCEPTION 'the right that this is written under was changed meanwhile'
            USING ERRCODE = 'CV002';
    END IF;
END $$;

-- As it was (0023), and for a grant: that it stands still, and is not being taken back right now.
CREATE OR REPLACE FUNCTION gate.ask_again(w gate.writing) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE stands boolean := true; a gate.access;
BEGIN
    IF w.place IS NULL THEN RETURN; END IF;
    IF NOT w.ended THEN
        PERFORM FROM public.accounts_pass p
          WHERE p.hash = w.hash AND p.expires_at > clock_timestamp()
            FOR KEY SHARE SKIP LOCKED;
        stands := FOUND;
    END IF;
    IF w.grant_id IS NOT NULL THEN
        PERFORM FROM public.accounts_grant g WHERE g.id = w.grant_id FOR SHARE SKIP LOCKED;
        stands := stands AND FOUND;
        PERFORM FROM public.accounts_grant g JOIN public.accounts_membership m
             ON m.company_id = g.company_id AND m.user_id = g.made_by_id
          WHERE g.id = w.grant_id FOR SHARE OF m SKIP LOCKED;
        stands := stands AND FOUND;
        a := gate.access(w.hash);
        IF stands AND a.grant_id = w.grant_id
           AND (a.role, a.team_id, a.partner_id)::text = w.place THEN RETURN; END IF;
    ELSE
        IF stands AND w.place <> '(,,)' THEN
            PERFORM FROM public.accounts_membership m
              WHERE m.company_id = w.company_id AND m.user_id = w.user_id FOR SHARE SKIP LOCKED;
            stands := FOUND;
        END IF;
        IF stands AND gate.place(w.user_id, w.company_id) = w.place
           AND (NOT w.accepted OR gate.has_accepted(w.user_id, w.company_id, w.published)) THEN
            RETURN;
        END IF;
    END IF;
    RAISE EXCEPTION 'the right that this was written under was taken back meanwhile'
        USING ERRCODE = 'CV002';
END $$;

-- An entry made under a grant says so by itself, whatever its writer says.
CREATE FUNCTION gate.name_grant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE a gate.access;
BEGIN
    IF EXISTS (SELECT FROM public.accounts_pass p
                WHERE p.hash = gate.presented() AND p.grant_id IS NOT NULL) THEN
        a := gate.access(gate.presented());
    END IF;
    NEW.grant_id := CASE WHEN a.company_id = NEW.company_id THEN a.grant_id END;
    RETURN NEW;
END $$;
CREATE FUNCTION gate.note_told() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE gate.writing w SET told = true
     WHERE w.transaction = pg_current_xact_id() AND w.hash = gate.presented()
       AND w.grant_id = NEW.grant_id;
    RETURN NULL;
END $$;
DO $$ BEGIN
    EXECUTE format('CREATE TRIGGER name_grant BEFORE INSERT ON accounts_auditentry FOR EACH ROW '
        'WHEN (current_user <> %L) EXECUTE FUNCTION gate.name_grant()', current_user);
    EXECUTE format('CREATE TRIGGER note_told AFTER INSERT ON accounts_auditentry FOR EACH ROW '
        'WHEN (current_user <> %L AND NEW.grant_id IS NOT NULL) '
        'EXECUTE FUNCTION gate.note_told()', current_user);
END $$;
"""

WRITES = "IF pg_current_xact_id_if_assigned() IS NOT NULL THEN"

ANSWERS = f"""
-- All as they were (0019), but that a pass under an open grant is nobody's own, and that where a member
-- has nothing, a grant is asked about.
CREATE OR REPLACE FUNCTION gate.user_id() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE holder bigint; company bigint; held uuid;
BEGIN
    SELECT u.id, p.company_id, p.grant_id INTO holder, company, held FROM public.accounts_pass p
      JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > clock_timestamp()
       AND current_setting('transaction_isolation') = 'read committed';
    IF held IS NOT NULL AND (gate.access(gate.presented())).grant_id IS NOT NULL THEN
        RETURN NULL;
    END IF;
    {WRITES} PERFORM gate.answered(holder, company, false); END IF;
    RETURN holder;
END $$;

CREATE OR REPLACE FUNCTION gate.holder(OUT user_id bigint, OUT company_id bigint,
    OUT membership_id uuid, OUT role text, OUT team_id uuid, OUT partner_id uuid, OUT reach jsonb)
LANGUAGE plpgsql STABLE AS $$
DECLARE company bigint; held uuid;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN RETURN; END IF;
    SELECT p.user_id, p.company_id, m.company_id, m.id, m.role, m.team_id, m.partner_id, p.reach,
           p.grant_id
      INTO user_id, company, company_id, membership_id, role, team_id, partner_id, reach, held
      FROM public.accounts_pass p
      JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
      LEFT JOIN public.accounts_company c ON c.id = p.company_id AND c.suspended_at IS NULL
      LEFT JOIN public.accounts_membership m
        ON m.company_id = c.id AND m.user_id = p.user_id AND m.left_at IS NULL
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > clock_timestamp();
    IF held IS NOT NULL AND (gate.access(gate.presented())).grant_id IS NOT NULL THEN
        user_id := NULL;
        company_id := NULL;
        membership_id := NULL;
        role := NULL;
        team_id := NULL;
        partner_id := NULL;
        RETURN;
    END IF;
    {WRITES} PERFORM gate.answered(user_id, company, false); END IF;
END $$;

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
       AND p.expires_at > clock_timestamp() AND p.verified_until > clock_timestamp();
    IF FOUND THEN
        {WRITES} PERFORM gate.answered(user_id, company_id, true); END IF;
    ELSE
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
           AND p.expires_at > clock_timestamp()
           AND p.company_id = gate.claim() AND (p.reach IS NULL OR p.reach ? wanted)
           AND (p.kind <> 'export' OR m.role = 'owner'
                AND current_setting('transaction_read_only') = 'on');
        IF FOUND THEN
            {WRITES} PERFORM gate.answered(user_id, company_id, false); END IF;
        ELSE
            SELECT a.granted, a.user_id, a.company_id, a.granted IS NOT NULL
              INTO granted, user_id, company_id, verified FROM gate.accessed(wanted) a;
        END IF;
    END IF;
END $$;

-- As it was (0019): a list of orders opens nothing else of the company.
CREATE OR REPLACE FUNCTION gate.company(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE holder bigint; company bigint;
BEGIN
    SELECT p.user_id, p.company_id INTO holder, company FROM public.accounts_pass p
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > clock_timestamp() AND p.verified_until > clock_timestamp()
       AND p.scopes ? wanted AND current_setting('transaction_isolation') = 'read committed';
    IF FOUND THEN
        {WRITES} PERFORM gate.answered(holder, company, true); END IF;
        RETURN company;
    END IF;
    RETURN (SELECT g.company_id FROM gate.granted(wanted) g WHERE g.scope <> 'listed');
END $$;

-- The same with lists of orders: for what hangs on an order, whose own rule says whether it is listed.
CREATE FUNCTION gate.reached(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE company bigint := gate.company(wanted);
BEGIN
    RETURN coalesce(company,
                    (SELECT g.company_id FROM gate.granted(wanted) g WHERE g.scope = 'listed'));
END $$;

-- `whole`: the maker of a grant reaches all; `orders`: of what there is, these alone.
ALTER TYPE gate.share ADD ATTRIBUTE whole boolean, ADD ATTRIBUTE orders uuid[];
CREATE FUNCTION gate.shared(wanted text) RETURNS gate.share LANGUAGE plpgsql STABLE AS $$
DECLARE a gate.access; makers text; held gate.share;
BEGIN
    PERFORM FROM gate.granted(wanted) g WHERE g.scope IN ('part', 'listed');
    IF NOT FOUND THEN RETURN NULL; END IF;
    a := gate.access(gate.presented());
    SELECT p.scope INTO makers FROM gate.permission p
     WHERE p.permission = wanted AND p.role = a.role;
    held := (a.company_id, makers IN ('own', 'team'),
             CASE WHEN makers IN ('own', 'team') THEN a.membership_id END,
             CASE WHEN makers = 'team' THEN a.team_id END,
             CASE WHEN makers = 'partner' THEN a.partner_id END, makers = 'all', a.orders);
    RETURN held;
END $$;

CREATE OR REPLACE FUNCTION gate.share(wanted text) RETURNS gate.share
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held gate.share;
BEGIN
    SELECT g.company_id, g.scope <> 'partner',
           CASE WHEN g.scope <> 'partner' THEN m.id END,
           CASE WHEN g.scope = 'team' THEN m.team_id END,
           CASE WHEN g.scope = 'partner' THEN m.partner_id END, false, NULL
      INTO held
      FROM gate.granted(wanted) g
      JOIN public.accounts_membership m
        ON m.company_id = g.company_id AND m.user_id = g.user_id AND m.left_at IS NULL
     WHERE g.scope IN ('own', 'team', 'partner');
    IF NOT FOUND THEN held := gate.shared(wanted); END IF;
    RETURN held;
END $$;

-- Whether an order is within a share, and on its list where it has one (0007 says why it is so plain).
CREATE FUNCTION gate.within(s gate.share, company_id bigint, id uuid, agent_id uuid, team_id uuid,
    partner_id uuid) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN s.company_id OPERATOR(pg_catalog.=) company_id
        AND (s.free AND agent_id IS NULL OR s.agent_id OPERATOR(pg_catalog.=) agent_id
             OR s.team_id OPERATOR(pg_catalog.=) team_id
             OR s.partner_id OPERATOR(pg_catalog.=) partner_id OR s.whole)
        AND (s.orders IS NULL OR id OPERATOR(pg_catalog.=) ANY (s.orders));
END $$;

-- In whose name one of the gate's own functions is making an entry, and nobody else.
CREATE UNLOGGED TABLE gate.telling (
    transaction xid8 PRIMARY KEY DEFAULT pg_current_xact_id(),
    company_id bigint NOT NULL, user_id bigint NOT NULL);
CREATE OR REPLACE FUNCTION gate.doer() RETURNS TABLE (company_id bigint, user_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp ROWS 1 AS $$
BEGIN
    RETURN QUERY SELECT t.company_id, t.user_id FROM gate.telling t
                  WHERE t.transaction = pg_current_xact_id_if_assigned();
    IF FOUND THEN RETURN; END IF;
    RETURN QUERY SELECT s.company_id, s.user_id FROM gate.standing('company.enter') s
                  WHERE s.granted IS NOT NULL;
END $$;
"""  # noqa: S608  (SQL made of this module's own)

REVOKED = """
REVOKE ALL ON FUNCTION gate.access(bytea), gate.opens(gate.access, text), gate.accessed(text),
    gate.note_access(gate.access), gate.name_grant(), gate.note_told(), gate.reached(text),
    gate.shared(text), gate.within(gate.share, bigint, uuid, uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.reached(text),
    gate.within(gate.share, bigint, uuid, uuid, uuid, uuid) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0032_heads")]
    operations: ClassVar = [
        GRANT,
        migrations.AddField("pass", "grant_id", models.UUIDField(null=True)),
        guard(ACCESS + NOTING + ANSWERS + REVOKED),  # no way back: the orders' rules rest on it
    ]
