"""What is asked about at the commit is what was answered, and nothing comes between it and the commit.

Three ways around were found. An answer is read in the statement's snapshot, its note was in a newer
one: a right that was taken back while the statement was under way was used, and not noted. A
demoted admin's statement that waited for the demotion wrote his former role over it, and then held
what its note said. And a cursor WITH HOLD is run through between the deferred triggers and the end
of a transaction, for as long as its query sleeps.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

NOTING = """
-- Somebody's place in a company, in the caller's snapshot: '(,,)' for none, NULL for a person
-- deactivated.
CREATE FUNCTION gate.place(a_user bigint, a_company bigint) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT (m.role, m.team_id, m.partner_id)::text
              FROM public.accounts_user u
              LEFT JOIN public.accounts_company c ON c.id = a_company AND c.suspended_at IS NULL
              LEFT JOIN public.accounts_membership m
                ON m.company_id = c.id AND m.user_id = u.id AND m.left_at IS NULL
             WHERE u.id = a_user AND u.is_active);
END $$;

CREATE OR REPLACE FUNCTION gate.place_of(a_user bigint, a_company bigint, OUT place text,
    OUT accepted boolean)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    place := gate.place(a_user, a_company);
    accepted := place IS NOT NULL AND gate.missing_policies(a_user, a_company) IS NULL
                AND gate.policies_stand_until(a_company) > clock_timestamp();
END $$;

-- Each answer passes here what it rests on, as its own snapshot has it; `demanded`: also on the
-- acceptance of every policy.
CREATE FUNCTION gate.answered(a_user bigint, a_company bigint, demanded boolean) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF a_user IS NOT NULL THEN
        PERFORM gate.note_answer(a_user, a_company, gate.place(a_user, a_company), demanded);
    END IF;
END $$;

-- Nothing, in a transaction that has not begun to write to a watched table. What was noted of this
-- pass must be what is answered now: another has changed it in between where it is not.
DROP FUNCTION gate.note_answer();
CREATE FUNCTION gate.note_answer(a_user bigint, a_company bigint, a_place text, demanded boolean)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE ours bytea := gate.presented(); noted record;
BEGIN
    SELECT w.place, w.accepted, w.ended INTO noted FROM gate.writing w
     WHERE w.transaction = pg_current_xact_id() AND w.hash = ours
       AND w.company_id IS NOT DISTINCT FROM a_company;
    IF NOT FOUND THEN
        INSERT INTO gate.writing (hash, company_id, user_id, place, accepted)
        SELECT ours, a_company, a_user, a_place, demanded
         WHERE EXISTS (SELECT FROM gate.writing w WHERE w.transaction = pg_current_xact_id());
    ELSIF noted.place <> a_place AND NOT noted.ended THEN
        RAISE EXCEPTION 'the right that this is written under was changed meanwhile'
            USING ERRCODE = 'CV002';
    ELSIF demanded AND NOT noted.accepted THEN
        UPDATE gate.writing w SET accepted = true
         WHERE w.transaction = pg_current_xact_id() AND w.hash = ours
           AND w.company_id IS NOT DISTINCT FROM a_company;
    END IF;
END $$;

REVOKE ALL ON FUNCTION gate.place(bigint, bigint), gate.answered(bigint, bigint, boolean),
    gate.note_answer(bigint, bigint, text, boolean) FROM PUBLIC;
"""

# Nothing of it costs a transaction that only reads.
WRITES = "IF pg_current_xact_id_if_assigned() IS NOT NULL THEN"

ANSWERS = f"""
-- All as they were (0007, 0016), but for what they pass on, and that a pass is over when its time is,
-- also within a statement of many.
CREATE OR REPLACE FUNCTION gate.whole(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE holder bigint; company bigint; scope text;
BEGIN
    SELECT p.user_id, p.company_id, p.scopes ->> wanted INTO holder, company, scope
      FROM public.accounts_pass p
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > clock_timestamp() AND p.verified_until > clock_timestamp()
       AND current_setting('transaction_isolation') = 'read committed';
    IF scope = 'all' THEN
        {WRITES} PERFORM gate.answered(holder, company, true); END IF;
        RETURN company;
    END IF;
    RETURN (SELECT g.company_id FROM gate.granted(wanted) g WHERE g.scope = 'all');
END $$;

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
    RETURN (SELECT g.company_id FROM gate.granted(wanted) g);
END $$;

CREATE OR REPLACE FUNCTION gate.granted(wanted text)
RETURNS TABLE (company_id bigint, user_id bigint, scope text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE held record; missing jsonb;
BEGIN
    held := gate.standing(wanted);
    IF held.granted IS NULL THEN RETURN; END IF;
    IF held.verified IS NOT TRUE THEN
        missing := gate.missing_policies(held.user_id, held.company_id);
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION 'a policy in force has not been accepted'
                USING ERRCODE = 'CV001', DETAIL = missing::text;
        END IF;
        {WRITES} PERFORM gate.answered(held.user_id, held.company_id, true); END IF;
    END IF;
    RETURN QUERY SELECT held.company_id, held.user_id, held.granted;
END $$;

CREATE OR REPLACE FUNCTION gate.user_id() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE holder bigint; company bigint;
BEGIN
    SELECT u.id, p.company_id INTO holder, company FROM public.accounts_pass p
      JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > clock_timestamp()
       AND current_setting('transaction_isolation') = 'read committed';
    {WRITES} PERFORM gate.answered(holder, company, false); END IF;
    RETURN holder;
END $$;

CREATE OR REPLACE FUNCTION gate.holder(OUT user_id bigint, OUT company_id bigint,
    OUT membership_id uuid, OUT role text, OUT team_id uuid, OUT partner_id uuid, OUT reach jsonb)
LANGUAGE plpgsql STABLE AS $$
DECLARE company bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN RETURN; END IF;
    SELECT p.user_id, p.company_id, m.company_id, m.id, m.role, m.team_id, m.partner_id, p.reach
      INTO user_id, company, company_id, membership_id, role, team_id, partner_id, reach
      FROM public.accounts_pass p
      JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
      LEFT JOIN public.accounts_company c ON c.id = p.company_id AND c.suspended_at IS NULL
      LEFT JOIN public.accounts_membership m
        ON m.company_id = c.id AND m.user_id = p.user_id AND m.left_at IS NULL
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > clock_timestamp();
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
        {WRITES} PERFORM gate.answered(user_id, company_id, false); END IF;
    END IF;
END $$;
"""  # noqa: S608  (SQL made of this module's own)

AT_THE_COMMIT = """
-- Asked last of all that is deferred, and with nothing to come after it.
CREATE OR REPLACE FUNCTION gate.check_at_commit() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE noted gate.writing; committing boolean := current_query()
    ~* '^\\s*(commit|end)(\\s+(work|transaction))?\\s*;?\\s*$';
BEGIN
    IF committing AND NEW.rounds < 0 THEN
        DELETE FROM gate.writing w WHERE w.transaction = NEW.transaction AND w.hash = NEW.hash
           AND w.company_id IS NOT DISTINCT FROM NEW.company_id RETURNING * INTO STRICT noted;
        PERFORM gate.ask_again(noted);
        RETURN NULL;
    ELSIF committing AND EXISTS (SELECT FROM pg_cursors c WHERE c.is_holdable) THEN
        RAISE EXCEPTION 'what was written with a pass is committed without a cursor WITH HOLD'
            USING ERRCODE = '42501';
    ELSIF NEW.rounds >= 100 THEN
        RAISE EXCEPTION 'what was written with a pass is committed by COMMIT alone'
            USING ERRCODE = '42501';
    END IF;
    SET CONSTRAINTS gate.check_at_commit DEFERRED;
    UPDATE gate.writing w SET rounds = CASE WHEN committing THEN -1 ELSE greatest(rounds, 0) + 1 END
     WHERE w.transaction = NEW.transaction AND w.hash = NEW.hash
       AND w.company_id IS NOT DISTINCT FROM NEW.company_id;
    RETURN NULL;
END $$;

-- A change of one's own place is made from the place that one has written with. A statement that has
-- waited for somebody else's change would undo that one.
CREATE OR REPLACE FUNCTION gate.change_ones_own_place() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was text := CASE WHEN OLD.left_at IS NULL
                     THEN (OLD.role, OLD.team_id, OLD.partner_id)::text ELSE '(,,)' END;
    becomes text := CASE WHEN NEW.left_at IS NULL
                         THEN (NEW.role, NEW.team_id, NEW.partner_id)::text ELSE '(,,)' END;
BEGIN
    IF EXISTS (SELECT FROM gate.writing w
                WHERE w.transaction = pg_current_xact_id() AND w.company_id = OLD.company_id
                  AND w.user_id = OLD.user_id AND w.place <> was AND NOT w.ended) THEN
        RAISE EXCEPTION 'the right that this is written under was changed meanwhile'
            USING ERRCODE = 'CV002';
    END IF;
    UPDATE gate.writing SET place = becomes
     WHERE transaction = pg_current_xact_id()
       AND company_id = OLD.company_id AND user_id = OLD.user_id AND place = was;
    RETURN NULL;
END $$;

-- Nobody is put back who has left: they are invited again.
CREATE FUNCTION gate.stay_away() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'whoever has left is invited again' USING ERRCODE = '42501';
END $$;
REVOKE ALL ON FUNCTION gate.stay_away() FROM PUBLIC;
DO $$ BEGIN
    EXECUTE format('CREATE TRIGGER stays_away BEFORE UPDATE ON accounts_membership FOR EACH ROW '
        'WHEN (current_user <> %L AND OLD.left_at IS NOT NULL) '
        'EXECUTE FUNCTION gate.stay_away()', current_user);
END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0018_coming_policies")]
    operations: ClassVar = [guard(NOTING + ANSWERS + AT_THE_COMMIT)]  # for good, as 0016
