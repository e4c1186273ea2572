"""A write begun before a right was taken back, and committed after, is refused.

Row rules ask once per statement; a transaction may go on for a while after. So each statement of
the web role that writes to a watched table notes, once for a transaction, what its pass was worth;
and at the commit that has to hold still: the pass and its holder, the membership with its role and
place, the acceptances. Whoever revokes after that waits for the commit.

A note is a row, because a deferred trigger on it is what PostgreSQL runs at the commit. Rejected:
holding a lock on the pass from the first write on, since whoever keeps a transaction open would
keep the revocation waiting; a deferred trigger per written row, which an import of thousands pays.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

NOTING = """
-- What a transaction under way writes under: the pass, its holder and company, the holder's place
-- there (NULL: nothing more to ask), and whether every policy in force was accepted. `ended`: the
-- transaction has ended the pass itself, and holds its row until the commit.
CREATE UNLOGGED TABLE gate.writing (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(), hash bytea NOT NULL,
    company_id bigint, user_id bigint, place text, accepted boolean NOT NULL DEFAULT false,
    ended boolean NOT NULL DEFAULT false, rounds integer NOT NULL DEFAULT 0,
    UNIQUE NULLS NOT DISTINCT (transaction, hash, company_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- The hash of the pass that this transaction presents.
CREATE FUNCTION gate.presented() RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(coalesce(current_setting('gate.pass', true), ''), 'UTF8')) $$;

-- Somebody's place in a company, '(,,)' for none, and whether he has accepted what is in force there
-- and what the transaction has just put into force; NULL for a person deactivated.
CREATE FUNCTION gate.place_of(a_user bigint, a_company bigint, OUT place text,
    OUT accepted boolean)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT (m.role, m.team_id, m.partner_id)::text,
           gate.missing_policies(a_user, a_company) IS NULL
           AND gate.policies_stand_until(a_company) > clock_timestamp()
      INTO place, accepted
      FROM public.accounts_user u
      LEFT JOIN public.accounts_company c ON c.id = a_company AND c.suspended_at IS NULL
      LEFT JOIN public.accounts_membership m
        ON m.company_id = c.id AND m.user_id = u.id AND m.left_at IS NULL
     WHERE u.id = a_user AND u.is_active;
END $$;

-- After a statement: so a pass that was presented for a part of it is none, and nothing is written.
CREATE FUNCTION gate.note_write() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE ours bytea := gate.presented(); holder record; held record;
BEGIN
    SELECT p.user_id, p.company_id INTO holder FROM public.accounts_pass p
     WHERE p.hash = ours AND p.expires_at > statement_timestamp();
    IF EXISTS (SELECT FROM gate.writing w
                WHERE w.transaction = pg_current_xact_id() AND w.hash = ours
                  AND (w.ended OR w.accepted AND w.company_id IS NOT DISTINCT FROM
                                                 holder.company_id)) THEN
        RETURN NULL;
    END IF;
    held := gate.place_of(holder.user_id, holder.company_id);
    IF held.place IS NULL THEN
        RAISE EXCEPTION 'no living pass to write with' USING ERRCODE = CASE WHEN EXISTS (
            SELECT FROM gate.writing w WHERE w.transaction = pg_current_xact_id()
               AND w.hash = ours) THEN 'CV002' ELSE '42501' END;
    END IF;
    INSERT INTO gate.writing AS w (hash, company_id, user_id, place, accepted)
    VALUES (ours, holder.company_id, holder.user_id, held.place, held.accepted)
    ON CONFLICT (transaction, hash, company_id) DO UPDATE SET accepted = excluded.accepted
      WHERE excluded.accepted;
    RETURN NULL;
END $$;

-- Watches what the web role itself writes; functions of the gate that write as the owner ask for
-- themselves.
CREATE FUNCTION gate.watch(a_table regclass, commands text DEFAULT 'INSERT OR UPDATE OR DELETE')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER note_write AFTER %s ON %s FOR EACH STATEMENT '
        'WHEN (current_user <> %L) EXECUTE FUNCTION gate.note_write()',
        commands, a_table, current_user);
END $$;
"""

ASKING_AGAIN = """
-- Raises CV002 unless what was noted holds, and makes it hold until the transaction ends. A row that
-- somebody is changing right now counts as changed: whoever waits at the commit may wait for one
-- who waits for him.
CREATE FUNCTION gate.ask_again(w gate.writing) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE stands boolean := true; held record;
BEGIN
    IF w.place IS NULL THEN RETURN; END IF;
    IF NOT w.ended THEN
        PERFORM FROM public.accounts_pass p
          WHERE p.hash = w.hash AND p.expires_at > statement_timestamp()
            FOR KEY SHARE SKIP LOCKED;
        stands := FOUND;
    END IF;
    IF stands AND w.place <> '(,,)' THEN
        PERFORM FROM public.accounts_membership m
          WHERE m.company_id = w.company_id AND m.user_id = w.user_id FOR SHARE SKIP LOCKED;
        stands := FOUND;
    END IF;
    held := gate.place_of(w.user_id, w.company_id);
    IF stands AND held.place = w.place AND held.accepted >= w.accepted THEN RETURN; END IF;
    RAISE EXCEPTION 'the right that this was written under was taken back meanwhile'
        USING ERRCODE = 'CV002';
END $$;

-- Run before the commit, as SET CONSTRAINTS does, it asks nothing and comes again. That it is the
-- commit is known by the message being nothing else; so a transaction that wrote and is ended in any
-- other way goes round until it fails.
CREATE FUNCTION gate.check_at_commit() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE noted gate.writing;
BEGIN
    IF current_query() ~* '^\\s*(commit|end)(\\s+(work|transaction))?\\s*;?\\s*$' THEN
        DELETE FROM gate.writing w WHERE w.transaction = NEW.transaction AND w.hash = NEW.hash
           AND w.company_id IS NOT DISTINCT FROM NEW.company_id RETURNING * INTO STRICT noted;
        PERFORM gate.ask_again(noted);
    ELSIF NEW.rounds < 100 THEN
        SET CONSTRAINTS gate.check_at_commit DEFERRED;
        UPDATE gate.writing w SET rounds = rounds + 1
         WHERE w.transaction = NEW.transaction AND w.hash = NEW.hash
           AND w.company_id IS NOT DISTINCT FROM NEW.company_id;
    ELSE
        RAISE EXCEPTION 'what was written with a pass is committed by COMMIT alone'
            USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER check_at_commit AFTER INSERT OR UPDATE OF rounds ON gate.writing
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gate.check_at_commit();
"""

ONES_OWN = """
-- What the transaction itself takes back is not held against it: one may sign out, leave, take a
-- lesser role, publish what one has not accepted yet. Its own change holds the row it changed, so
-- nobody else's can come in between.
CREATE FUNCTION gate.end_ones_own_pass() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE gate.writing SET ended = true
     WHERE transaction = pg_current_xact_id() AND hash = OLD.hash;
    IF NOT FOUND AND OLD.hash = gate.presented() THEN
        INSERT INTO gate.writing (hash, ended) VALUES (OLD.hash, true);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ones_own AFTER DELETE ON accounts_pass
    FOR EACH ROW EXECUTE FUNCTION gate.end_ones_own_pass();

CREATE FUNCTION gate.change_ones_own_place() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE gate.writing SET place = CASE WHEN NEW.left_at IS NULL
               THEN (NEW.role, NEW.team_id, NEW.partner_id)::text ELSE '(,,)' END
     WHERE transaction = pg_current_xact_id()
       AND company_id = OLD.company_id AND user_id = OLD.user_id
       AND place = (OLD.role, OLD.team_id, OLD.partner_id)::text;
    RETURN NULL;
END $$;
CREATE TRIGGER ones_own AFTER UPDATE OF role, team_id, partner_id, left_at ON accounts_membership
    FOR EACH ROW EXECUTE FUNCTION gate.change_ones_own_place();

CREATE FUNCTION gate.deactivate_oneself() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE gate.writing SET place = NULL
     WHERE transaction = pg_current_xact_id() AND user_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER ones_own AFTER UPDATE OF is_active ON accounts_user FOR EACH ROW
    WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION gate.deactivate_oneself();

CREATE FUNCTION gate.publish_oneself() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE gate.writing SET accepted = false WHERE transaction = pg_current_xact_id();
    RETURN NULL;
END $$;
"""

WATCHED = """
SELECT gate.watch(name) FROM unnest(ARRAY['accounts_membership', 'accounts_invitation',
    'accounts_team', 'accounts_partner', 'accounts_companykey', 'accounts_auditentry'
    ]::regclass[]) AS name;
SELECT gate.watch('accounts_user', 'UPDATE');  -- people are added before there is a pass

REVOKE ALL ON FUNCTION gate.presented(), gate.place_of(bigint, bigint), gate.note_write(),
    gate.watch(regclass, text), gate.ask_again(gate.writing), gate.check_at_commit(),
    gate.end_ones_own_pass(), gate.change_ones_own_place(), gate.deactivate_oneself(),
    gate.publish_oneself() FROM PUBLIC;
"""

UNDO = """
DROP FUNCTION gate.note_write() CASCADE;
DROP FUNCTION gate.end_ones_own_pass() CASCADE;
DROP FUNCTION gate.change_ones_own_place() CASCADE;
DROP FUNCTION gate.deactivate_oneself() CASCADE;
DROP FUNCTION gate.publish_oneself() CASCADE;
DROP TABLE gate.writing CASCADE;
DROP FUNCTION gate.check_at_commit(), gate.watch(regclass, text), gate.place_of(bigint, bigint),
    gate.presented();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0007_bound_to_the_pass")]
    operations: ClassVar = [guard(NOTING + ASKING_AGAIN + ONES_OWN + WATCHED, UNDO)]
