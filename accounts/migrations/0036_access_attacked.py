"""What attacks on access links found, mended.

Whoever wrote letters held the grant's row while the mail server took its time, and a revocation with
it: what is told of is kept apart now. Any entry opened rows, and SQL in support's request entered
deeds that only the gate does, among the older ones if it liked. A write that waited for its turn in
the audit was committed after the link was over: it is asked about once the turn has come.
"""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard, rewritten

FOLLOWED = """
-- A page at a time, or whoever looks hundreds of times hides what he looked at first.
DROP FUNCTION gate.deeds_under(uuid, integer);
CREATE FUNCTION gate.deeds_under(a_grant uuid, before timestamptz, most integer)
RETURNS TABLE (at timestamptz, doer text, action text, object_type text, object_id uuid,
    changes jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT e.at, coalesce(nullif(u.name, ''), u.email)::text, e.action::text,
           e.object_type::text, e.object_id, e.changes
      FROM public.accounts_auditentry e JOIN public.accounts_user u ON u.id = e.actor_id
     WHERE e.company_id = gate.claim() AND e.grant_id = a_grant
       AND e.at < coalesce(before, 'infinity')
     ORDER BY e.at DESC, e.id DESC LIMIT most;
END $$;
REVOKE ALL ON FUNCTION gate.deeds_under(uuid, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.deeds_under(uuid, timestamptz, integer) TO :web;
DROP INDEX accounts_audit_under_grant;
CREATE INDEX accounts_audit_under_grant ON accounts_auditentry (company_id, grant_id, at, id)
    WHERE grant_id IS NOT NULL;
"""

LETTERS = """
-- Which letters about a grant are written. Whoever writes one holds this row, and nobody else's.
CREATE TABLE gate.grant_letters (
    grant_id uuid PRIMARY KEY REFERENCES accounts_grant (id) ON DELETE CASCADE,
    told text[] NOT NULL DEFAULT '{}');
INSERT INTO gate.grant_letters SELECT id, told FROM accounts_grant;

CREATE OR REPLACE FUNCTION gate.tell_of_making() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO gate.grant_letters VALUES (NEW.id);
    PERFORM gate.tell_of_grant(NEW, 'access.made', NEW.made_by_id);
    RETURN NULL;
END $$;

DROP FUNCTION gate.due_about(public.accounts_grant);
CREATE FUNCTION gate.due_about(g public.accounts_grant, told text[]) RETURNS TABLE (what text)
LANGUAGE sql STABLE AS $$
    SELECT w.what FROM (
        SELECT 1 AS turn, 'asked' AS what WHERE g.asked_at IS NOT NULL
        UNION ALL SELECT 2, 'viewed' WHERE EXISTS (
            SELECT FROM gate.happened h WHERE h.grant_id = g.id AND h.what = 'viewed')
        UNION ALL SELECT 3, 'written' WHERE EXISTS (
            SELECT FROM gate.happened h WHERE h.grant_id = g.id AND h.what = 'written')
        UNION ALL SELECT 4, 'over' WHERE g.asked_at IS NOT NULL AND (g.ended_at IS NOT NULL
            OR g.revoked_at IS NOT NULL OR g.expires_at <= clock_timestamp())) w
     WHERE w.what <> ALL (told) ORDER BY w.turn
$$;

CREATE OR REPLACE FUNCTION gate.letter_about_access(issue_key text, but uuid[])
RETURNS TABLE (grant_id uuid, what text, company text, staff text, reason text, readers jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE g public.accounts_grant; due text;
BEGIN
    PERFORM gate.check_issuer(issue_key);
    SELECT r.* INTO g FROM gate.grant_letters l JOIN public.accounts_grant r ON r.id = l.grant_id
     WHERE r.id <> ALL (but) AND r.asked_at IS NOT NULL
       AND r.expires_at > clock_timestamp() - interval '7 days'
       AND EXISTS (SELECT FROM gate.due_about(r, l.told))
     ORDER BY r.asked_at LIMIT 1 FOR NO KEY UPDATE OF l SKIP LOCKED;
    SELECT d.what INTO due FROM gate.grant_letters l, gate.due_about(g, l.told) d
     WHERE l.grant_id = g.id LIMIT 1;
    IF due IS NULL THEN RETURN; END IF;
    UPDATE gate.grant_letters l SET told = l.told || due WHERE l.grant_id = g.id;
    RETURN QUERY
    SELECT g.id, due, c.name::text, coalesce(nullif(s.name, ''), s.email)::text, g.reason::text,
           (SELECT jsonb_agg(DISTINCT jsonb_build_object('email', u.email, 'language', u.language))
              FROM public.accounts_membership m
              JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
             WHERE m.company_id = g.company_id AND m.left_at IS NULL
               AND (m.user_id = g.made_by_id OR m.role = 'owner'))
      FROM public.accounts_company c, public.accounts_user s
     WHERE c.id = g.company_id AND s.id = g.staff_id;
END $$;
REVOKE ALL ON FUNCTION gate.due_about(public.accounts_grant, text[]) FROM PUBLIC;
"""
BEGUN = rewritten("gate.begin_grant()", ("    NEW.told := '{}';\n", ""))

TOLD = """
-- As it was (0033). Under a grant the web role tells of looks, moves and comments alone, and of a
-- link nothing: the gate does.
CREATE OR REPLACE FUNCTION gate.name_grant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE a gate.access;
BEGIN
    IF EXISTS (SELECT FROM public.accounts_pass p
                WHERE p.hash = gate.presented() AND p.grant_id IS NOT NULL) THEN
        a := gate.access(gate.presented());
    END IF;
    NEW.grant_id := CASE WHEN a.company_id = NEW.company_id THEN a.grant_id END;
    IF NEW.grant_id IS NULL AND starts_with(NEW.action, 'access.') OR NEW.grant_id IS NOT NULL
       AND NEW.action NOT IN ('access.viewed', 'access.listed', 'access.searched', 'order.moved',
                              'order.commented') THEN
        RAISE EXCEPTION 'an entry of a deed that is not done so' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;

-- As before (0035): a look alone opens.
CREATE OR REPLACE FUNCTION gate.note_told() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE looks boolean := starts_with(NEW.action, 'access.');
BEGIN
    UPDATE gate.writing w SET told = true
     WHERE looks AND w.transaction = pg_current_xact_id() AND w.hash = gate.presented()
       AND w.grant_id = NEW.grant_id;
    INSERT INTO gate.happened VALUES (
        NEW.grant_id, CASE WHEN looks THEN 'viewed' ELSE 'written' END)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

-- Whether an id is of the time that is now, as `accounts.identifiers` makes them. The application's
-- clock may differ from the database's by some minutes.
CREATE FUNCTION gate.is_new(an_id uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT abs(('x0000' || substr(replace(an_id::text, '-', ''), 1, 12))::bit(64)::bigint
               - extract(epoch FROM clock_timestamp()) * 1000) < 300000
$$;
REVOKE ALL ON FUNCTION gate.is_new(uuid) FROM PUBLIC;
"""
PLACED = rewritten(
    "gate.tell_truly()",
    (
        "NEW.at := clock_timestamp();",
        "NEW.at := clock_timestamp();\n"
        "    IF NOT gate.is_new(NEW.id) THEN NEW.id := gate.new_id(); END IF;",
    ),
)

COMMITTED = rewritten(  # 0019
    "gate.check_at_commit()",
    (
        "IF committing AND NEW.rounds < 0 THEN",
        "IF committing AND NEW.rounds < 0 AND NOT EXISTS (\n"
        "        SELECT FROM gate.unchained u WHERE u.transaction = NEW.transaction) THEN",
    ),
    ("ELSIF NEW.rounds >= 100 THEN", "ELSIF abs(NEW.rounds) >= 100 THEN"),
    (
        "THEN -1 ELSE greatest(rounds, 0) + 1",
        "THEN least(rounds, 0) - 1 ELSE greatest(rounds, 0) + 1",
    ),
)

# The pass is held before it is asked what it has in hand: or two links asked with at once were both
# used up. And it chooses no company while it has one.
ONE_AT_A_TIME = rewritten(
    "gate.ask_with_link(text, text, text)",
    (
        "    IF NOT EXISTS (\n        SELECT FROM public.accounts_pass p",
        "    PERFORM FROM public.accounts_pass p WHERE p.hash = gate.presented() FOR UPDATE;\n"
        "    IF NOT EXISTS (\n        SELECT FROM public.accounts_pass p",
    ),
) + rewritten(
    "gate.choose_company(text, bigint)",
    (
        "AND m.left_at IS NULL;",
        "AND m.left_at IS NULL\n"
        "       AND NOT EXISTS (SELECT FROM public.accounts_grant g\n"
        "                        WHERE g.id = p.grant_id AND gate.grant_lives(g));",
    ),
)

# What a grant is worth is asked in a snapshot of its own: a cursor that was declared before the
# revocation, and is read from after it, brought the one from before along.
AS_IT_IS = "ALTER FUNCTION gate.access(bytea) VOLATILE;"

# Whoever takes his account back, from somebody who had its password, shuts what that one has opened.
TAKEN_BACK = """
CREATE FUNCTION gate.revoke_grants_of_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.accounts_grant g SET revoked_at = clock_timestamp()
     WHERE g.made_by_id = OLD.id
       AND g.ended_at IS NULL AND g.revoked_at IS NULL AND g.expires_at > clock_timestamp();
    RETURN NULL;
END $$;
CREATE TRIGGER revoke_grants AFTER UPDATE OF password, is_active ON accounts_user FOR EACH ROW
    WHEN (OLD.password IS DISTINCT FROM NEW.password OR OLD.is_active AND NOT NEW.is_active)
    EXECUTE FUNCTION gate.revoke_grants_of_user();
REVOKE ALL ON FUNCTION gate.revoke_grants_of_user() FROM PUBLIC;
"""

# Nothing of what there is, before it is open; and that it is in hand although it opens nothing now,
# as while its maker has a policy to accept.
IN_HAND = rewritten(
    "gate.grant_in_hand()",
    ("'orders', g.orders,", "'confirmed', g.confirmed_at IS NOT NULL, 'orders', a.orders,"),
    ("'fields', g.fields, 'moves', g.moves,", "'fields', coalesce(a.fields, '{}'), "
     "'moves', coalesce(a.moves, '{}'),"),
    ("gate.grant_lives(g) AND (a.grant_id IS NOT NULL OR g.confirmed_at IS NULL);",
     "gate.grant_lives(g);"),
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0035_access_followed")]
    operations: ClassVar = [
        migrations.RemoveIndex("grant", "accounts_grant_by_secret"),
        migrations.RemoveIndex("grant", "accounts_grant_by_id"),
        # Of all companies together: a pass names its grant by the id, and support its link by the
        # secret, before any company is known.
        migrations.AddConstraint(
            "grant", models.UniqueConstraint(fields=["hash"], name="accounts_grant_secret_once")
        ),
        migrations.AddConstraint(
            "grant", models.UniqueConstraint(fields=["id"], name="accounts_grant_id_once")
        ),
        # For good: what was before were ways in.
        guard(FOLLOWED + LETTERS + BEGUN + TOLD + PLACED),
        guard(COMMITTED + ONE_AT_A_TIME + AS_IT_IS + TAKEN_BACK + IN_HAND),
        migrations.RemoveField("grant", "told"),
    ]
