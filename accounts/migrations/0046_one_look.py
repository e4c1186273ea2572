"""A page under an access link costs little more than a member's.

It asked twelve times what the link is worth, each time of seven tables and with the policies of both
sides; and its entry was noted, named and chained by as many functions as if anybody might write
anything, and put off three times at the commit. Now whatever nobody changes while support looks is
verified ahead, as a member's pass is (docs/decisions/0004, 0026); the link itself is asked about live,
as before. A look is entered by the gate, in one call and in no other way.
"""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

from accounts.rowrules import guard, rewritten

WORTH = """
-- What a grant rests on besides itself, its maker's place and its own pass. Whatever ends one of these
-- ends the pass, revokes the grant, or doubts what is verified.
CREATE FUNCTION gate.grant_stands(a_company bigint, maker bigint, staff bigint) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.accounts_user s, public.accounts_user u, public.accounts_company c
         WHERE s.id = staff AND s.is_active AND s.is_support AND u.id = maker AND u.is_active
           AND c.id = a_company AND c.suspended_at IS NULL)
       AND gate.missing_policies(maker, a_company) IS NULL
       AND gate.missing_policies(staff, NULL) IS NULL;
END $$;

-- `scopes`: the maker's, of what the grant opens, where that is verified. `noted`, `told`: what this
-- transaction has written down of the grant (`gate.writing`).
ALTER TYPE gate.access ADD ATTRIBUTE scopes jsonb, ADD ATTRIBUTE noted text, ADD ATTRIBUTE told boolean;
CREATE FUNCTION gate.scopes(a gate.access) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_object_agg(p.permission, p.scope) FROM gate.permission p
     WHERE p.role = a.role AND gate.opens(a, p.permission)
$$;

-- As it was (0033, 0036), but for what is verified: of a pass in no company `verified_until` says that
-- its grant stands.
CREATE OR REPLACE FUNCTION gate.access(a_hash bytea) RETURNS gate.access LANGUAGE plpgsql VOLATILE AS $$
DECLARE held gate.access;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN RETURN NULL; END IF;
    SELECT g.id, g.company_id, g.staff_id, g.made_by_id, m.id, m.role, m.team_id, m.partner_id,
           g.orders, g.fields, g.moves, p.scopes, w.place, w.told
      INTO held
      FROM public.accounts_pass p
      JOIN public.accounts_grant g ON g.id = p.grant_id AND g.staff_id = p.user_id
      JOIN public.accounts_membership m
        ON m.company_id = g.company_id AND m.user_id = g.made_by_id AND m.left_at IS NULL
      LEFT JOIN gate.writing w ON w.transaction = pg_current_xact_id_if_assigned()
       AND w.hash = a_hash AND w.grant_id = g.id
     WHERE p.hash = a_hash AND p.kind = 'session' AND p.reach IS NULL
       AND p.expires_at > clock_timestamp() AND g.expires_at > clock_timestamp()
       AND g.confirmed_at IS NOT NULL AND g.ended_at IS NULL AND g.revoked_at IS NULL
       AND NOT EXISTS (SELECT FROM public.accounts_membership o WHERE o.user_id = g.staff_id
                          AND o.company_id = g.company_id AND o.left_at IS NULL)
       AND (p.company_id IS NULL AND p.verified_until > clock_timestamp()
            OR gate.grant_stands(g.company_id, g.made_by_id, g.staff_id));
    RETURN held;
END $$;

-- Verifies it of the pass that `verify` holds, with the turn.
CREATE FUNCTION gate.verify_access(ours bytea) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE a gate.access := gate.access(ours); until timestamptz;
BEGIN
    PERFORM FROM public.accounts_company c WHERE c.id = a.company_id FOR SHARE SKIP LOCKED;
    IF NOT FOUND THEN RETURN; END IF;
    until := gate.policies_stand_until(a.company_id);
    UPDATE public.accounts_pass p SET verified_until = until, scopes = gate.scopes(a)
     WHERE p.hash = ours AND p.company_id IS NULL
       AND gate.grant_stands(a.company_id, a.maker_id, a.staff_id);
END $$;
REVOKE ALL ON FUNCTION gate.grant_stands(bigint, bigint, bigint), gate.scopes(gate.access),
    gate.verify_access(bytea) FROM PUBLIC;
"""
VERIFIED = (
    rewritten(
        "gate.verify(text, text)",
        (
            "SELECT p.user_id, p.company_id INTO held",
            "SELECT p.user_id, p.company_id, p.grant_id INTO held",
        ),
        (
            "    PERFORM FROM public.accounts_membership m\n",
            "    IF held.company_id IS NULL AND held.grant_id IS NOT NULL THEN\n"
            "        PERFORM gate.verify_access(ours);\n"
            "        RETURN;\n"
            "    END IF;\n"
            "    PERFORM FROM public.accounts_membership m\n",
        ),
    )
    + rewritten(
        "gate.doubt(bigint, bigint)",
        (
            "(a_company IS NULL OR p.company_id = a_company)",
            "(a_company IS NULL OR p.company_id = a_company OR p.grant_id IN (\n"
            "            SELECT g.id FROM public.accounts_grant g WHERE g.company_id = a_company))",
        ),
    )
    + rewritten(
        "gate.end_access(text, text)",
        (
            "SET grant_id = NULL WHERE",
            "SET grant_id = NULL, verified_until = NULL, scopes = NULL WHERE",
        ),
    )
)

WRITES = "IF pg_current_xact_id_if_assigned() IS NOT NULL THEN"

ASKED = f"""
-- As it was (0033), in one statement where it is verified.
CREATE OR REPLACE FUNCTION gate.accessed(wanted text, OUT granted text, OUT user_id bigint,
    OUT company_id bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE a gate.access := gate.access(gate.presented()); makers text := a.scopes ->> wanted;
BEGIN
    IF a.grant_id IS NULL OR a.company_id IS DISTINCT FROM gate.claim()
       OR NOT gate.opens(a, wanted) THEN RETURN; END IF;
    IF makers IS NULL THEN
        SELECT p.scope INTO makers FROM gate.permission p
         WHERE p.permission = wanted AND p.role = a.role;
        IF NOT FOUND THEN RETURN; END IF;
    END IF;
    IF a.noted IS DISTINCT FROM (a.role, a.team_id, a.partner_id)::text
       AND pg_current_xact_id_if_assigned() IS NOT NULL THEN PERFORM gate.note_access(a); END IF;
    IF wanted <> 'company.enter' AND a.told IS NOT TRUE THEN RETURN; END IF;
    granted := CASE WHEN a.orders IS NOT NULL THEN 'listed' WHEN makers = 'all' THEN 'all'
                    ELSE 'part' END;
    user_id := a.staff_id;
    company_id := a.company_id;
END $$;

-- As they were (0033), but that a pass is looked up once: what works in no company, and has a grant in
-- hand, has no membership to be looked for.
CREATE OR REPLACE FUNCTION gate.standing(wanted text, OUT granted text, OUT user_id bigint,
    OUT company_id bigint, OUT verified boolean)
LANGUAGE plpgsql STABLE AS $$
DECLARE by_grant boolean;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN RETURN; END IF;
    SELECT p.scopes ->> wanted, p.user_id, p.company_id,
           p.company_id = gate.claim() AND p.verified_until > clock_timestamp(),
           p.company_id IS NULL AND p.grant_id IS NOT NULL
      INTO granted, user_id, company_id, verified, by_grant
      FROM public.accounts_pass p
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > clock_timestamp();
    IF verified THEN
        {WRITES} PERFORM gate.answered(user_id, company_id, true); END IF;
    ELSIF by_grant THEN
        SELECT a.granted, a.user_id, a.company_id, a.granted IS NOT NULL
          INTO granted, user_id, company_id, verified FROM gate.accessed(wanted) a;
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
        END IF;
    END IF;
END $$;

-- As they were (0019, 0033), but for where to ask first. `gate.under`, that a grant is in hand, is no more
-- than a hint: whoever makes it up is answered for the pass that he presents all the same.
CREATE OR REPLACE FUNCTION gate.whole(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE holder bigint; company bigint; scope text; answer record;
BEGIN
    IF current_setting('gate.under', true) = 'grant' THEN
        answer := gate.accessed(wanted);
        IF answer.granted = 'all' THEN RETURN answer.company_id; END IF;
    END IF;
    SELECT p.user_id, p.company_id, p.scopes ->> wanted INTO holder, company, scope
      FROM public.accounts_pass p
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > clock_timestamp() AND p.verified_until > clock_timestamp()
       AND p.company_id IS NOT NULL
       AND current_setting('transaction_isolation') = 'read committed';
    IF scope = 'all' THEN
        {WRITES} PERFORM gate.answered(holder, company, true); END IF;
        RETURN company;
    END IF;
    RETURN (SELECT g.company_id FROM gate.granted(wanted) g WHERE g.scope = 'all');
END $$;

CREATE OR REPLACE FUNCTION gate.company(wanted text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE holder bigint; company bigint; answer record;
BEGIN
    IF current_setting('gate.under', true) = 'grant' THEN
        answer := gate.accessed(wanted);
        IF answer.granted <> 'listed' THEN RETURN answer.company_id; END IF;
    END IF;
    SELECT p.user_id, p.company_id INTO holder, company FROM public.accounts_pass p
     WHERE p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))
       AND p.expires_at > clock_timestamp() AND p.verified_until > clock_timestamp()
       AND p.company_id IS NOT NULL
       AND p.scopes ? wanted AND current_setting('transaction_isolation') = 'read committed';
    IF FOUND THEN
        {WRITES} PERFORM gate.answered(holder, company, true); END IF;
        RETURN company;
    END IF;
    RETURN (SELECT g.company_id FROM gate.granted(wanted) g WHERE g.scope <> 'listed');
END $$;

-- As they were (0033), but that what a grant opens of a list or a part is asked once.
CREATE OR REPLACE FUNCTION gate.shared(wanted text) RETURNS gate.share
LANGUAGE plpgsql STABLE AS $$
DECLARE a gate.access := gate.access(gate.presented()); makers text; held gate.share;
BEGIN
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
DECLARE g record; held gate.share;
BEGIN
    SELECT * INTO g FROM gate.granted(wanted);
    IF g.scope IN ('part', 'listed') THEN RETURN gate.shared(wanted); END IF;
    SELECT g.company_id, g.scope <> 'partner',
           CASE WHEN g.scope <> 'partner' THEN m.id END,
           CASE WHEN g.scope = 'team' THEN m.team_id END,
           CASE WHEN g.scope = 'partner' THEN m.partner_id END, false, NULL
      INTO held
      FROM public.accounts_membership m
     WHERE m.company_id = g.company_id AND m.user_id = g.user_id AND m.left_at IS NULL
       AND g.scope IN ('own', 'team', 'partner');
    RETURN held;
END $$;
"""  # noqa: S608  (SQL made of this module's own)

ENTERED = """
DROP FUNCTION gate.enter(text, text);
-- As it was (0022), and which grant the pass has in hand: it was asked in a statement of its own.
CREATE FUNCTION gate.enter(app_key text, secret text)
RETURNS TABLE (user_id bigint, user_name text, user_email text, user_language text,
    companies bigint, company_id bigint, company_name text, company_slug text,
    company_currency text, company_time_zone text, role text, membership_id uuid, team_id uuid,
    partner_id uuid, data text, missing jsonb, coming jsonb, verified boolean,
    proven_at timestamptz, factor_at timestamptz, access jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('gate.app', app_key, true), set_config('gate.company', '', true),
            set_config('gate.under', '', true),
            set_config('gate.pass', coalesce(secret, ''), true);
    RETURN QUERY
    SELECT u.id, u.name::text, u.email::text, u.language::text,
           (SELECT count(*) FROM public.accounts_membership o
             WHERE o.user_id = u.id AND o.left_at IS NULL),
           m.company_id, c.name::text, c.slug::text, c.currency::text, c.time_zone::text,
           m.role::text, m.id, m.team_id, m.partner_id, p.data,
           CASE WHEN u.id IS NOT NULL THEN gate.missing_policies(u.id, m.company_id) END,
           CASE WHEN u.id IS NOT NULL AND p.verified_until IS DISTINCT FROM 'infinity'
                THEN gate.coming_policies(m.company_id) END,
           coalesce(p.verified_until > statement_timestamp(), false),
           greatest(p.password_at, p.factor_at), p.factor_at,
           CASE WHEN p.grant_id IS NOT NULL AND m.company_id IS NULL
                THEN gate.grant_in_hand() END
      FROM public.accounts_pass p
      LEFT JOIN public.accounts_user u ON u.id = p.user_id AND u.is_active
      LEFT JOIN public.accounts_company c ON c.id = p.company_id AND c.suspended_at IS NULL
      LEFT JOIN public.accounts_membership m
        ON m.company_id = c.id AND m.user_id = u.id AND m.left_at IS NULL
     WHERE p.hash = sha256(convert_to(secret, 'UTF8')) AND p.expires_at > statement_timestamp()
       AND (p.user_id IS NULL OR u.id IS NOT NULL);
    IF gate.claim() IS NULL THEN
        PERFORM set_config('gate.company', coalesce(h.company_id::text, ''), true)
           FROM gate.holder() h;
    END IF;
END $$;
REVOKE ALL ON FUNCTION gate.enter(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.enter(text, text) TO :web;
REVOKE ALL ON FUNCTION gate.grant_in_hand() FROM :web;
"""
IN_HAND = rewritten(
    "gate.grant_in_hand()",
    ("AND gate.grant_lives(g);", "AND (a.grant_id IS NOT NULL OR gate.grant_lives(g));"),
    (
        "(SELECT jsonb_object_agg(p.permission, p.scope) FROM gate.permission p\n"
        "                           WHERE p.role = a.role AND gate.opens(a, p.permission))",
        "coalesce(a.scopes, gate.scopes(a))",
    ),
    (
        "PERFORM set_config('gate.company', a.company_id::text, true);",
        "PERFORM set_config('gate.company', a.company_id::text, true),\n"
        "                set_config('gate.under', 'grant', true);",
    ),
)

LOOKED = """
-- Tells of a look at an order, a list or a search under the grant in hand, and opens the transaction
-- to what the grant opens. Entries of looks are made so and in no other way.
CREATE FUNCTION gate.look(deed text, an_order uuid, said jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE a gate.access := gate.access(gate.presented());
BEGIN
    IF a.grant_id IS NULL OR deed NOT IN ('access.viewed', 'access.listed', 'access.searched') THEN
        RAISE EXCEPTION 'nothing to look at, or no look' USING ERRCODE = '42501';
    END IF;
    INSERT INTO gate.writing AS w (hash, company_id, user_id, place, grant_id, told)
    VALUES (gate.presented(), a.company_id, a.staff_id, (a.role, a.team_id, a.partner_id)::text,
            a.grant_id, true)
    ON CONFLICT (transaction, hash, company_id) DO UPDATE SET told = true
      WHERE w.grant_id = excluded.grant_id AND w.place = excluded.place;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the right that this is written under was changed meanwhile'
            USING ERRCODE = 'CV002';
    END IF;
    PERFORM gate.tell(a.company_id, a.staff_id, deed, said,
                      CASE WHEN an_order IS NULL THEN '' ELSE 'order' END, an_order,
                      under => a.grant_id);
    INSERT INTO gate.happened VALUES (a.grant_id, 'viewed') ON CONFLICT DO NOTHING;
END $$;
REVOKE ALL ON FUNCTION gate.look(text, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.look(text, uuid, jsonb) TO :web;

-- As they were (0036, 0040): of looks, too, the web role tells nothing by itself.
CREATE OR REPLACE FUNCTION gate.note_told() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO gate.happened VALUES (NEW.grant_id, 'written') ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
DROP TRIGGER gates_own ON accounts_auditentry;
DO $$ BEGIN
    EXECUTE format('CREATE TRIGGER gates_own BEFORE INSERT ON accounts_auditentry FOR EACH ROW '
        'WHEN (current_user <> %L '
        'AND NEW.action ~ ''^(session|password|factor|disclosure|access)[.]'') '
        'EXECUTE FUNCTION gate.refuse_telling()', current_user);
END $$;
"""
NAMED = rewritten(
    "gate.name_grant()",
    (
        "IF NEW.grant_id IS NULL AND starts_with(NEW.action, 'access.')"
        " OR NEW.grant_id IS NOT NULL\n"
        "       AND NEW.action NOT IN ('access.viewed', 'access.listed', 'access.searched',"
        " 'order.moved',\n"
        "                              'order.commented') THEN",
        "IF NEW.grant_id IS NOT NULL AND NEW.action NOT IN ('order.moved', 'order.commented') THEN",
    ),
)

# At the commit nothing is immediate: whatever makes it so has it run at once, and put off again. So it
# is put off there without naming it, which looks its name up in the catalog.
CHAINED = """
-- As they were (0029), but that a turn is a lock and no version of its row more, and that each entry is
-- read once; and in a language that calls them at half the cost.
CREATE OR REPLACE FUNCTION gate.chain() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE company bigint; at bigint; ending text; added record;
BEGIN
    FOR added IN SELECT u.company_id, u.entry_id, u.digest FROM gate.unchained u
                  WHERE u.transaction = pg_current_xact_id() ORDER BY u.company_id, u.id LOOP
        IF company <> added.company_id THEN
            UPDATE gate.chain_end c SET number = at, hash = ending WHERE c.company_id = company;
        END IF;
        IF company IS DISTINCT FROM added.company_id THEN
            company := added.company_id;
            SELECT c.number, c.hash INTO at, ending FROM gate.chain_end c
             WHERE c.company_id = company FOR NO KEY UPDATE;
            IF NOT FOUND THEN
                INSERT INTO gate.chain_end AS c (company_id) VALUES (company)
                ON CONFLICT (company_id) DO UPDATE SET number = c.number
                RETURNING c.number, c.hash INTO at, ending;
            END IF;
        END IF;
        INSERT INTO public.accounts_auditchain (company_id, number, entry_id, previous_hash, hash)
        VALUES (company, at + 1, added.entry_id, ending,
                gate.chain_hash(at + 1, ending, added.digest))
        RETURNING number, hash INTO at, ending;
    END LOOP;
    UPDATE gate.chain_end c SET number = at, hash = ending WHERE c.company_id = company;
    DELETE FROM gate.unchained u WHERE u.transaction = pg_current_xact_id();
END $$;
CREATE OR REPLACE FUNCTION gate.entry_digest(e public.accounts_auditentry) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN encode(sha256(convert_to(jsonb_build_array(
        e.company_id, e.id, (extract(epoch FROM e.at) * 1000000)::bigint, e.actor_id, e.actor_seal,
        e.person_id, e.person_seal, e.action, e.object_type, e.object_id, e.object_name, e.changes,
        e.grant_id)::text, 'UTF8')), 'hex');
END $$;
CREATE OR REPLACE FUNCTION gate.chain_hash(number bigint, previous text, digest text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN encode(sha256(convert_to(
        jsonb_build_array(number, previous, digest)::text, 'UTF8')), 'hex');
END $$;
"""
COMMITTED = (
    # Whoever is asked about takes the company's turn himself: what was told is chained, and then he
    # is asked, in one round.
    rewritten(
        "gate.check_at_commit()",
        (
            "IF committing AND NEW.rounds < 0 AND NOT EXISTS (\n"
            "        SELECT FROM gate.unchained u WHERE u.transaction = NEW.transaction) THEN\n",
            "IF committing AND NEW.rounds < 0 THEN\n        PERFORM gate.chain();\n",
        ),
        (
            "    SET CONSTRAINTS gate.check_at_commit DEFERRED;\n",
            "    IF NOT committing THEN SET CONSTRAINTS gate.check_at_commit DEFERRED; END IF;\n",
        ),
    )
    + rewritten(
        "gate.chain_at_commit()",
        (
            "    IF NEW.id <> (SELECT min(u.id) FROM gate.unchained u\n"
            "                   WHERE u.transaction = pg_current_xact_id()) THEN\n",
            "    IF NEW.id IS DISTINCT FROM (SELECT min(u.id) FROM gate.unchained u\n"
            "                                 WHERE u.transaction = pg_current_xact_id())\n"
            "       OR committing AND EXISTS (SELECT FROM gate.writing w\n"
            "                                  WHERE w.transaction = pg_current_xact_id()) THEN\n",
        ),
    )
    # What a grant rests on is held in one statement.
    + rewritten(
        "gate.ask_again(gate.writing)",
        (
            "    IF NOT w.ended THEN\n",
            "    IF NOT w.ended AND w.grant_id IS NULL THEN\n",
        ),
        (
            "        PERFORM FROM public.accounts_grant g"
            " WHERE g.id = w.grant_id FOR SHARE SKIP LOCKED;\n"
            "        stands := stands AND FOUND;\n",
            "",
        ),
        (
            "PERFORM FROM public.accounts_grant g JOIN public.accounts_membership m\n"
            "             ON m.company_id = g.company_id AND m.user_id = g.made_by_id\n"
            "          WHERE g.id = w.grant_id FOR SHARE OF m SKIP LOCKED;\n"
            "        stands := stands AND FOUND;\n",
            "PERFORM FROM public.accounts_grant g JOIN public.accounts_membership m\n"
            "             ON m.company_id = g.company_id AND m.user_id = g.made_by_id\n"
            "           JOIN public.accounts_pass p ON p.hash = w.hash\n"
            "          WHERE g.id = w.grant_id\n"
            "            FOR SHARE OF g, m SKIP LOCKED FOR KEY SHARE OF p SKIP LOCKED;\n"
            "        stands := FOUND;\n",
        ),
    )
    # Who is asked about is found by the hash of his pass: under a new one he is put off anew. He was
    # not asked about at all.
    + rewritten(
        "gate.change_secret(text)",
        (
            "SET hash = gate.presented()\n     WHERE w.",
            "SET hash = gate.presented(), rounds = rounds\n     WHERE w.",
        ),
    )
    + rewritten(
        "gate.tell_truly()",
        (
            "IF NOT gate.is_plain(NEW.changes) THEN",
            "IF NEW.changes <> '{}' AND NOT gate.is_plain(NEW.changes) THEN",
        ),
    )
    + rewritten(
        "gate.tell(bigint, bigint, text, jsonb, text, uuid, text, uuid)",
        (
            "    PERFORM set_config('gate.company', a_company::text, true);\n",
            "    IF former <> a_company::text THEN\n"
            "        PERFORM set_config('gate.company', a_company::text, true);\n"
            "    END IF;\n",
        ),
        (
            "    PERFORM set_config('gate.company', former, true);\n",
            "    IF former <> a_company::text THEN\n"
            "        PERFORM set_config('gate.company', former, true);\n"
            "    END IF;\n",
        ),
    )
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0045_one_link_at_a_time")]
    operations: ClassVar = [  # for good: what was before let looks be entered by anybody's SQL
        guard(WORTH + VERIFIED + ASKED + ENTERED + IN_HAND),
        guard(LOOKED + NAMED + CHAINED + COMMITTED),
        migrations.AlterField(  # its entry refers to the company
            "auditchain",
            "company",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.company",
            ),
        ),
    ]
