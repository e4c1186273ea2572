"""Every pass that a writing transaction was answered for is asked about at the commit.

Until now it was the one presented at the end of each statement, and a statement can present another
there than the one whose right it has used; and a pass that the transaction had ended was not asked
about at all. Now a pass is noted before each statement, by each answer given while one writes, and
after it, and nothing is begun with a pass that is over.

Rejected: a trigger for each row. What a row is compared with is answered before its new values are
computed, and these can present another pass again, so it would see what it is meant to see.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

NOTING = """
-- Before a statement: of a pass presented now. After it: so a pass that was presented for a part of
-- it is none; one that the statement itself has ended was noted before.
CREATE OR REPLACE FUNCTION gate.note_write() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE ours bytea := gate.presented(); holder record; held record;
BEGIN
    SELECT p.user_id, p.company_id INTO holder FROM public.accounts_pass p
     WHERE p.hash = ours AND p.expires_at > statement_timestamp();
    IF EXISTS (SELECT FROM gate.writing w
                WHERE w.transaction = pg_current_xact_id() AND w.hash = ours
                  AND (w.ended AND TG_WHEN = 'AFTER'
                       OR NOT w.ended AND w.accepted
                          AND w.company_id IS NOT DISTINCT FROM holder.company_id)) THEN
        RETURN NULL;
    END IF;
    held := gate.place_of(holder.user_id, holder.company_id);
    IF held.place IS NULL THEN
        RAISE EXCEPTION 'no living pass to write with' USING ERRCODE = CASE WHEN EXISTS (
            SELECT FROM gate.writing w WHERE w.transaction = pg_current_xact_id()
               AND w.hash = ours AND NOT w.ended) THEN 'CV002' ELSE '42501' END;
    END IF;
    INSERT INTO gate.writing AS w (hash, company_id, user_id, place, accepted)
    VALUES (ours, holder.company_id, holder.user_id, held.place, held.accepted)
    ON CONFLICT (transaction, hash, company_id) DO UPDATE SET accepted = excluded.accepted
      WHERE excluded.accepted;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION gate.watch(a_table regclass,
    commands text DEFAULT 'INSERT OR UPDATE OR DELETE')
RETURNS void LANGUAGE plpgsql AS $$
DECLARE trigger record;
BEGIN
    FOR trigger IN VALUES ('note_write_begun', 'BEFORE'), ('note_write', 'AFTER') LOOP
        EXECUTE format('CREATE TRIGGER %I %s %s ON %s FOR EACH STATEMENT '
            'WHEN (current_user <> %L) EXECUTE FUNCTION gate.note_write()',
            trigger.column1, trigger.column2, commands, a_table, current_user);
    END LOOP;
END $$;

DO $$
DECLARE definition text;
BEGIN
    FOR definition IN SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'note_write' LOOP
        EXECUTE replace(definition, ' note_write AFTER ', ' note_write_begun BEFORE ');
    END LOOP;
END $$;

-- Of the pass that an answer was just given for, in a transaction that writes. The note comes before
-- the question what is accepted, whose answer may need another of the gate's.
CREATE FUNCTION gate.note_answer() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE ours bytea := gate.presented(); holder record;
BEGIN
    IF NOT EXISTS (SELECT FROM gate.writing w WHERE w.transaction = pg_current_xact_id()) THEN
        RETURN;
    END IF;
    SELECT p.user_id, p.company_id, (m.role, m.team_id, m.partner_id)::text AS place INTO holder
      FROM public.accounts_pass p
      JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
      LEFT JOIN public.accounts_company c ON c.id = p.company_id AND c.suspended_at IS NULL
      LEFT JOIN public.accounts_membership m
        ON m.company_id = c.id AND m.user_id = u.id AND m.left_at IS NULL
     WHERE p.hash = ours AND p.expires_at > statement_timestamp()
       AND NOT EXISTS (SELECT FROM gate.writing w
                        WHERE w.transaction = pg_current_xact_id() AND w.hash = ours
                          AND w.company_id IS NOT DISTINCT FROM p.company_id);
    IF NOT FOUND THEN RETURN; END IF;
    INSERT INTO gate.writing (hash, company_id, user_id, place)
    VALUES (ours, holder.company_id, holder.user_id, holder.place);
    UPDATE gate.writing w
       SET accepted = (gate.place_of(holder.user_id, holder.company_id)).accepted
     WHERE w.transaction = pg_current_xact_id() AND w.hash = ours
       AND w.company_id IS NOT DISTINCT FROM holder.company_id;
END $$;

REVOKE ALL ON FUNCTION gate.note_answer() FROM PUBLIC;
"""

# What begins each answer: nothing for a transaction that has written nothing at all.
NOTED = "IF pg_current_xact_id_if_assigned() IS NOT NULL THEN PERFORM gate.note_answer(); END IF;"

ANSWERS = f"""
-- All as they were (0002, 0007, 0009, 0011), but for the note.
CREATE OR REPLACE FUNCTION gate.whole(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE company bigint; scope text;
BEGIN
    {NOTED}
    SELECT p.company_id, p.scopes ->> wanted INTO company, scope FROM public.accounts_pass p
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > statement_timestamp() AND p.verified_until > statement_timestamp()
       AND current_setting('transaction_isolation') = 'read committed';
    IF scope = 'all' THEN RETURN company; END IF;
    RETURN (SELECT g.company_id FROM gate.granted(wanted) g WHERE g.scope = 'all');
END $$;

CREATE OR REPLACE FUNCTION gate.company(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE company bigint;
BEGIN
    {NOTED}
    SELECT p.company_id INTO company FROM public.accounts_pass p
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > statement_timestamp() AND p.verified_until > statement_timestamp()
       AND p.scopes ? wanted AND current_setting('transaction_isolation') = 'read committed';
    IF FOUND THEN RETURN company; END IF;
    RETURN (SELECT g.company_id FROM gate.granted(wanted) g);
END $$;

CREATE OR REPLACE FUNCTION gate.user_id() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    {NOTED}
    RETURN (SELECT u.id FROM public.accounts_pass p
              JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
             WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
               AND p.expires_at > statement_timestamp()
               AND current_setting('transaction_isolation') = 'read committed');
END $$;

CREATE OR REPLACE FUNCTION gate.holder(OUT user_id bigint, OUT company_id bigint,
    OUT membership_id uuid, OUT role text, OUT team_id uuid, OUT partner_id uuid, OUT reach jsonb)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    {NOTED}
    IF current_setting('transaction_isolation') <> 'read committed' THEN RETURN; END IF;
    SELECT p.user_id, m.company_id, m.id, m.role, m.team_id, m.partner_id, p.reach
      INTO user_id, company_id, membership_id, role, team_id, partner_id, reach
      FROM public.accounts_pass p
      JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
      LEFT JOIN public.accounts_company c ON c.id = p.company_id AND c.suspended_at IS NULL
      LEFT JOIN public.accounts_membership m
        ON m.company_id = c.id AND m.user_id = p.user_id AND m.left_at IS NULL
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > statement_timestamp();
END $$;

CREATE OR REPLACE FUNCTION gate.standing(wanted text, OUT granted text, OUT user_id bigint,
    OUT company_id bigint, OUT verified boolean)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    {NOTED}
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
"""  # noqa: S608


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0015_revoked_without_waiting")]
    operations: ClassVar = [guard(NOTING + ANSWERS)]  # for good: what was before could be got round
