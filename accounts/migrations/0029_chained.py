"""The audit is a chain for each company: whoever changes it behind the application's back is found.

An entry's fields are hashed when it is added; at the commit it gets its number in the company, the
hash of the entry before and its own (docs/decisions/0019). Names of people stand beside, each under a
salted hash that the entries carry: a name can be forgotten, and the chain still holds.
"""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

from accounts.rowrules import guard, rewritten

NAMED = """
-- Names as they were at the time, which an account's deletion takes out in every company at once.
ALTER TABLE accounts_auditname ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_auditname FOR SELECT USING (
    company_id = :claim AND company_id = (SELECT gate.company('persons.open')));
GRANT SELECT ON accounts_auditname TO :web;

CREATE FUNCTION gate.name_seal(salt text, a_name text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(salt || a_name, 'UTF8')), 'hex')
$$;

-- A name under a salt of its own; what it is sealed as.
CREATE FUNCTION gate.seal_name(a_company bigint, a_user bigint, a_name text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE a_salt text := gen_random_uuid()::text || gen_random_uuid()::text;
        a_seal text := gate.name_seal(a_salt, a_name);
BEGIN
    INSERT INTO public.accounts_auditname (company_id, seal, user_id, name, salt)
    VALUES (a_company, a_seal, a_user, a_name, a_salt);
    RETURN a_seal;
END $$;

-- What a person's present name is sealed as in a company. Where two come to seal it at once there
-- are two seals: neither waits. Whoever is being deleted just now is nameless already.
CREATE FUNCTION gate.seal_of(a_company bigint, a_user bigint) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE told text; found text;
BEGIN
    SELECT n.seal INTO found
      FROM public.accounts_user u JOIN public.accounts_auditname n
        ON n.company_id = a_company AND n.user_id = u.id
       AND n.name = coalesce(nullif(u.name, ''), u.email)
     WHERE u.id = a_user LIMIT 1;
    IF found IS NULL THEN
        SELECT coalesce(nullif(u.name, ''), u.email) INTO told FROM public.accounts_user u
         WHERE u.id = a_user FOR KEY SHARE SKIP LOCKED;
        found := gate.seal_name(a_company, a_user, coalesce(told, format('Person %s', a_user)));
    END IF;
    RETURN found;
END $$;

-- After the account's own name is gone: what an entry has sealed meanwhile is seen, too.
CREATE FUNCTION gate.forget_names() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.accounts_auditname n
     WHERE n.user_id = OLD.id OR n.user_id IS NULL AND lower(n.name) = OLD.email;
    RETURN NULL;
END $$;
CREATE TRIGGER forget_names AFTER UPDATE OF email ON accounts_user FOR EACH ROW
    WHEN (OLD.is_active AND NOT NEW.is_active AND OLD.email <> NEW.email)
    EXECUTE FUNCTION gate.forget_names();
"""

TOLD = """
-- Whether what an entry says can be written anew, letter by letter, by whoever checks it elsewhere:
-- whole numbers, and nothing deep.
CREATE FUNCTION gate.is_plain(said jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_typeof(said) = 'object' AND NOT said @? '$.**{5 to last}'
       AND NOT EXISTS (SELECT FROM jsonb_path_query(said, '$.** ? (@.type() == "number")') n
                        WHERE n::text !~ '^-?[0-9]{1,15}$')
$$;

-- The time and the names are the database's to write. Whom an entry is about is named only where he
-- is, or was, a member of the company: of nobody else is the name the company's to know.
CREATE OR REPLACE FUNCTION gate.tell_truly() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT gate.is_plain(NEW.changes) THEN
        RAISE EXCEPTION 'an entry says texts and whole numbers' USING ERRCODE = '22023';
    END IF;
    NEW.at := clock_timestamp();
    NEW.actor_seal := gate.seal_of(NEW.company_id, NEW.actor_id);
    NEW.person_seal := '';
    IF NEW.object_type = 'membership' THEN
        NEW.object_name := '';
        NEW.person_id := (SELECT m.user_id FROM public.accounts_membership m
                           WHERE m.company_id = NEW.company_id AND m.id = NEW.object_id);
    ELSIF NEW.object_type = 'invitation' THEN
        NEW.object_name := '';
        NEW.person_id := NULL;
        SELECT gate.seal_name(i.company_id, NULL, i.email) INTO STRICT NEW.person_seal
          FROM public.accounts_invitation i
         WHERE i.company_id = NEW.company_id AND i.id = NEW.object_id;
    END IF;
    IF NEW.person_id IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM public.accounts_membership m
                        WHERE m.company_id = NEW.company_id AND m.user_id = NEW.person_id) THEN
            RAISE EXCEPTION 'an entry is about people of the company' USING ERRCODE = '42501';
        END IF;
        NEW.person_seal := gate.seal_of(NEW.company_id, NEW.person_id);
    END IF;
    RETURN NEW;
END $$;
"""

CHAINED = """
ALTER TABLE accounts_auditentry ALTER actor_seal SET DEFAULT '', ALTER person_seal SET DEFAULT '';

ALTER TABLE accounts_auditchain ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_auditchain FOR SELECT USING (
    company_id = :claim AND company_id = (SELECT gate.whole('audit.read')));
GRANT SELECT ON accounts_auditchain TO :web;
ALTER TABLE accounts_auditchain ADD CONSTRAINT accounts_auditchain_entry
    FOREIGN KEY (company_id, entry_id) REFERENCES accounts_auditentry (company_id, id)
    ON DELETE CASCADE;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_auditchain
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_rewriting();

-- Where each company's chain ends. Its row is what writers of one company take turns by; in a table
-- of the gate's, so that nobody else can hold it.
CREATE TABLE gate.chain_end (
    company_id bigint PRIMARY KEY REFERENCES accounts_company ON DELETE CASCADE,
    number bigint NOT NULL DEFAULT 0, hash text NOT NULL DEFAULT ''
) WITH (fillfactor = 20);

-- What a transaction under way has added, and not yet chained.
CREATE UNLOGGED TABLE gate.unchained (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY, company_id bigint NOT NULL, entry_id uuid NOT NULL,
    digest text NOT NULL, rounds integer NOT NULL DEFAULT 0, PRIMARY KEY (transaction, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Over all that an entry says, as a JSON array; times in microseconds. verify_audit.py says it once
-- more.
CREATE FUNCTION gate.entry_digest(e public.accounts_auditentry) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(jsonb_build_array(
        e.company_id, e.id, (extract(epoch FROM e.at) * 1000000)::bigint, e.actor_id, e.actor_seal,
        e.person_id, e.person_seal, e.action, e.object_type, e.object_id, e.object_name, e.changes,
        e.grant_id)::text, 'UTF8')), 'hex')
$$;

CREATE FUNCTION gate.chain_hash(number bigint, previous text, digest text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(
        jsonb_build_array(number, previous, digest)::text, 'UTF8')), 'hex')
$$;

CREATE FUNCTION gate.note_entry() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO gate.unchained (company_id, entry_id, digest)
    VALUES (NEW.company_id, NEW.id, gate.entry_digest(NEW));
    RETURN NULL;
END $$;
CREATE TRIGGER note_entry AFTER INSERT ON accounts_auditentry FOR EACH ROW
    EXECUTE FUNCTION gate.note_entry();

-- All that this transaction has added. The companies in their order, so that no two wait for each
-- other.
CREATE FUNCTION gate.chain() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE company bigint; at bigint; ending text; added record;
BEGIN
    FOR company IN SELECT DISTINCT u.company_id FROM gate.unchained u
                    WHERE u.transaction = pg_current_xact_id() ORDER BY 1 LOOP
        INSERT INTO gate.chain_end AS c (company_id) VALUES (company)
        ON CONFLICT (company_id) DO UPDATE SET number = c.number
        RETURNING c.number, c.hash INTO at, ending;
        FOR added IN SELECT u.entry_id, u.digest FROM gate.unchained u
                      WHERE u.transaction = pg_current_xact_id() AND u.company_id = company
                      ORDER BY u.id LOOP
            INSERT INTO public.accounts_auditchain
                (company_id, number, entry_id, previous_hash, hash)
            VALUES (company, at + 1, added.entry_id, ending,
                    gate.chain_hash(at + 1, ending, added.digest))
            RETURNING number, hash INTO at, ending;
        END LOOP;
        UPDATE gate.chain_end c SET number = at, hash = ending
         WHERE c.company_id = company;
    END LOOP;
    DELETE FROM gate.unchained u WHERE u.transaction = pg_current_xact_id();
END $$;

-- A transaction's first entry speaks for all of them. It waits for the commit and, there, for what
-- else is deferred; as with decision 9, COMMIT by itself is how it knows. Who waits for his turn
-- waits for nothing else after it.
CREATE FUNCTION gate.chain_at_commit() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE committing boolean := pg_has_role(session_user, current_user, 'MEMBER')
    OR current_query() ~* '^\\s*(commit|end)(\\s+(work|transaction))?\\s*;?\\s*$';
BEGIN
    IF NEW.id <> (SELECT min(u.id) FROM gate.unchained u
                   WHERE u.transaction = pg_current_xact_id()) THEN
        RETURN NULL;
    ELSIF committing AND NEW.rounds < 0 THEN
        PERFORM gate.chain();
        RETURN NULL;
    ELSIF committing AND EXISTS (SELECT FROM pg_cursors c WHERE c.is_holdable) THEN
        RAISE EXCEPTION 'an entry is committed without a cursor WITH HOLD'
            USING ERRCODE = '42501';
    ELSIF NEW.rounds >= 100 THEN
        RAISE EXCEPTION 'an entry is committed by COMMIT alone' USING ERRCODE = '42501';
    END IF;
    SET CONSTRAINTS gate.chain_at_commit DEFERRED;
    UPDATE gate.unchained u
       SET rounds = CASE WHEN committing THEN -1 ELSE greatest(rounds, 0) + 1 END
     WHERE u.transaction = NEW.transaction AND u.id = NEW.id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER chain_at_commit AFTER INSERT OR UPDATE OF rounds ON gate.unchained
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gate.chain_at_commit();
"""

# Forced rules bind the owner as well. He reads one company's audit at a time, to check its chain:
# nothing of a buyer's person is in it.
CHECKED = """
CREATE FUNCTION gate.checking() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN session_user = current_user THEN gate.claim() END;
END $$;
CREATE POLICY checks ON accounts_auditentry FOR SELECT TO CURRENT_USER USING (
    company_id = :claim AND company_id = (SELECT gate.checking()));
"""

EXPORTED = rewritten(  # the doer's name is no column any more
    "gate.open_export(text, text, boolean, uuid, timestamptz)",
    ("actor_id, actor_name,", "actor_id,"),
    ("asking, '', 'company.exported'", "asking, 'company.exported'"),
)

# What there was before, in the order of its times. For this migration alone the table's guards are off.
LIFTED = """
ALTER TABLE accounts_auditentry DISABLE TRIGGER append_only, NO FORCE ROW LEVEL SECURITY;
"""
SEALED = """
CREATE TEMPORARY TABLE former_name ON COMMIT DROP AS
SELECT company_id, user_id, name,
       gen_random_uuid()::text || gen_random_uuid()::text AS salt, NULL::text AS seal
  FROM (SELECT e.company_id, e.actor_id AS user_id, e.actor_name AS name FROM accounts_auditentry e
        UNION
        SELECT e.company_id, m.user_id, regexp_replace(e.object_name, ' [(][a-z]+[)]$', '')
          FROM accounts_auditentry e LEFT JOIN accounts_membership m
            ON m.company_id = e.company_id AND m.id = e.object_id AND e.object_type = 'membership'
         WHERE e.object_type IN ('membership', 'invitation')
        UNION
        SELECT e.company_id, NULL, e.changes ->> 'agent' FROM accounts_auditentry e
         WHERE e.action = 'order.assigned' AND e.changes ->> 'agent' <> '') names;
UPDATE former_name SET seal = gate.name_seal(salt, name);
INSERT INTO accounts_auditname (company_id, seal, user_id, name, salt)
SELECT company_id, seal, user_id, name, salt FROM former_name;

UPDATE accounts_auditentry e SET actor_seal = n.seal FROM former_name n
 WHERE n.company_id = e.company_id AND n.user_id = e.actor_id AND n.name = e.actor_name;
UPDATE accounts_auditentry e
   SET person_id = n.user_id, person_seal = n.seal, object_name = ''
  FROM former_name n
 WHERE e.object_type IN ('membership', 'invitation') AND n.company_id = e.company_id
   AND n.name = regexp_replace(e.object_name, ' [(][a-z]+[)]$', '')
   AND n.user_id IS NOT DISTINCT FROM (
       SELECT m.user_id FROM accounts_membership m
        WHERE m.company_id = e.company_id AND m.id = e.object_id AND e.object_type = 'membership');
UPDATE accounts_auditentry e SET person_seal = n.seal, changes = '{}' FROM former_name n
 WHERE e.action = 'order.assigned' AND n.company_id = e.company_id AND n.user_id IS NULL
   AND n.name = e.changes ->> 'agent';

-- An assignment told a name and no number: whose it is, where that is certain.
UPDATE accounts_auditname n SET user_id = found.user_id
  FROM (SELECT m.company_id, coalesce(nullif(u.name, ''), u.email) AS name,
               min(m.user_id) AS user_id
          FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
         GROUP BY 1, 2 HAVING count(*) = 1) found
 WHERE n.user_id IS NULL AND n.company_id = found.company_id AND n.name = found.name;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""
LINKED = """
DO $$
DECLARE company bigint; at bigint; ending text; e public.accounts_auditentry;
BEGIN
    FOR company IN SELECT DISTINCT a.company_id FROM public.accounts_auditentry a LOOP
        INSERT INTO gate.chain_end (company_id) VALUES (company) RETURNING number, hash INTO at, ending;
        FOR e IN SELECT a.* FROM public.accounts_auditentry a
                  WHERE a.company_id = company ORDER BY a.at, a.id LOOP
            INSERT INTO public.accounts_auditchain
                (company_id, number, entry_id, previous_hash, hash)
            VALUES (company, at + 1, e.id, ending,
                    gate.chain_hash(at + 1, ending, gate.entry_digest(e)))
            RETURNING number, hash INTO at, ending;
        END LOOP;
        UPDATE gate.chain_end SET number = at, hash = ending
         WHERE company_id = company;
    END LOOP;
END $$;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
ALTER TABLE accounts_auditentry ENABLE TRIGGER append_only, FORCE ROW LEVEL SECURITY;
"""

RIGHTS = """
REVOKE ALL ON FUNCTION gate.name_seal(text, text), gate.seal_name(bigint, bigint, text),
    gate.seal_of(bigint, bigint), gate.forget_names(), gate.is_plain(jsonb),
    gate.entry_digest(public.accounts_auditentry), gate.chain_hash(bigint, text, text),
    gate.note_entry(), gate.chain(), gate.chain_at_commit(), gate.checking() FROM PUBLIC;
"""


def neighbour(model: str, column: str, key: str) -> models.ForeignObject:  # type: ignore[type-arg]
    return models.ForeignObject(
        model,
        django.db.models.deletion.DO_NOTHING,
        from_fields=["company", column],
        to_fields=["company", key],
        related_name="+",
        null=True,
    )


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0028_moments_that_are_read")]
    operations: ClassVar = [
        migrations.CreateModel(
            "AuditName",
            [
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "company_id",
                        "seal",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("seal", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=254)),
                ("salt", models.CharField(max_length=72)),
                (
                    "company",
                    models.ForeignKey(
                        "accounts.company",
                        django.db.models.deletion.CASCADE,
                        related_name="+",
                        db_index=False,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        "accounts.user",
                        django.db.models.deletion.PROTECT,
                        related_name="+",
                        null=True,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            "auditentry",
            "person",
            models.ForeignKey(
                "accounts.user",
                django.db.models.deletion.PROTECT,
                related_name="+",
                null=True,
                db_index=False,
            ),
        ),
        migrations.AddField(
            "auditentry",
            "person_seal",
            models.CharField(max_length=64, default="", editable=False),
        ),
        migrations.AddField(
            "auditentry",
            "actor_seal",
            models.CharField(max_length=64, default="", editable=False),
        ),
        migrations.CreateModel(
            "AuditChain",
            [
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "company_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("entry_id", models.UUIDField()),
                ("previous_hash", models.CharField(max_length=64, blank=True)),
                ("hash", models.CharField(max_length=64)),
                (
                    "company",
                    models.ForeignKey(
                        "accounts.company",
                        django.db.models.deletion.CASCADE,
                        related_name="+",
                        db_index=False,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        "company", "entry_id", name="accounts_auditchain_entry_once"
                    )
                ]
            },
        ),
        migrations.AddField(
            "auditentry", "actor_as", neighbour("accounts.auditname", "actor_seal", "seal")
        ),
        migrations.AddField(
            "auditentry", "person_as", neighbour("accounts.auditname", "person_seal", "seal")
        ),
        migrations.AddField(
            "auditchain", "entry", neighbour("accounts.auditentry", "entry_id", "id")
        ),
        guard(NAMED + LIFTED + SEALED),
        migrations.RemoveField("auditentry", "actor_name"),
        guard(TOLD + CHAINED + CHECKED + EXPORTED + LINKED + RIGHTS),
    ]
