"""Clause P1 in the database: a company's version declares its countries, and strict companies refuse
the others.

The declaration is sealed into the version: it is a part of what the texts' hashes are taken over, so
every acceptance is evidence of it, too. What is compared with it is only what was declared itself,
a citizenship or a country; nobody's telephone is asked.
"""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard

DECLARING = """
-- The countries as the hash of a text holds them, after the text; nothing where none are declared.
CREATE FUNCTION gate.declaration(countries jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN countries = '[]' THEN '' ELSE E'\\n\\nCountries: '
        || (SELECT string_agg(c.code, ', ' ORDER BY c.place)
              FROM jsonb_array_elements_text(countries) WITH ORDINALITY c (code, place))
        || E'\\n' END
$$;

CREATE FUNCTION gate.check_countries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.countries <> '[]' AND NEW.kind <> 'company' OR NEW.countries IS DISTINCT FROM (
        SELECT coalesce(jsonb_agg(c.code ORDER BY c.code COLLATE "C"), '[]')
          FROM (SELECT DISTINCT code FROM jsonb_array_elements_text(NEW.countries) d (code)
                 WHERE code ~ '^[A-Z]{2}$') c) THEN
        RAISE EXCEPTION 'countries are a company''s to declare: codes, each once, in order'
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER numbered_countries BEFORE INSERT ON policy_policyversion
    FOR EACH ROW EXECUTE FUNCTION gate.check_countries();

CREATE OR REPLACE FUNCTION gate.check_text() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE version record;
BEGIN
    SELECT v.hashes, v.countries INTO version FROM public.policy_policyversion v
     WHERE v.id = NEW.version_id;
    NEW.hash := encode(sha256(convert_to(NEW.body || gate.declaration(version.countries), 'UTF8')),
                       'hex');
    IF version.hashes ->> NEW.language IS DISTINCT FROM NEW.hash THEN
        RAISE EXCEPTION 'the version was not published with this text' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
"""

COVERING = """
-- What a strict company's policy in force leaves out of these, as a JSON object; NULL for nothing.
-- A company that is not strict refuses nobody for it, and one without a policy takes no order at all.
CREATE FUNCTION gate.uncovered(a_company bigint, a_citizenship text, a_country text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE declared jsonb;
BEGIN
    SELECT v.countries INTO declared FROM public.accounts_company c
     CROSS JOIN LATERAL (
           SELECT u.countries FROM public.policy_policyversion u
            WHERE u.kind = 'company' AND u.company_id = c.id
              AND u.effective_at <= statement_timestamp()
            ORDER BY u.number DESC LIMIT 1) v
     WHERE c.id = a_company AND c.strict;
    IF a_citizenship <> '' AND NOT declared ? a_citizenship THEN
        RETURN jsonb_build_object('sign', 'citizenship', 'country', a_citizenship);
    ELSIF a_country <> '' AND NOT declared ? a_country THEN
        RETURN jsonb_build_object('sign', 'country', 'country', a_country);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION gate.refuse_uncovered(rule jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF rule IS NOT NULL THEN
        RAISE EXCEPTION 'clause P1: the company''s policy does not cover this country'
            USING ERRCODE = 'CVP01', DETAIL = rule::text;
    END IF;
END $$;

-- A member's citizenship: not of a prohibited jurisdiction (clause P2), and covered where the company
-- is strict.
CREATE FUNCTION gate.admit_member() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.citizenship <> '' AND gate.prohibits(NEW.citizenship) THEN
        RAISE EXCEPTION 'clause P2: this person is not stored' USING ERRCODE = 'CVP02',
            DETAIL = jsonb_build_object('sign', 'citizenship', 'jurisdiction', NEW.citizenship);
    END IF;
    PERFORM gate.refuse_uncovered(gate.uncovered(NEW.company_id, NEW.citizenship, ''));
    RETURN NEW;
END $$;
CREATE TRIGGER admit BEFORE INSERT OR UPDATE OF citizenship ON accounts_membership FOR EACH ROW
    WHEN (NEW.citizenship <> '') EXECUTE FUNCTION gate.admit_member();

-- Whoever has left belongs to no employee's country any more.
CREATE FUNCTION gate.forget_citizenship() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.citizenship := '';
    RETURN NEW;
END $$;
CREATE TRIGGER forget_citizenship BEFORE UPDATE OF left_at ON accounts_membership FOR EACH ROW
    WHEN (NEW.left_at IS NOT NULL) EXECUTE FUNCTION gate.forget_citizenship();

-- Everybody declares for himself, or takes it back; it need not be said at all.
CREATE FUNCTION gate.declare_citizenship(a_code text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held record := gate.holder();
BEGIN
    UPDATE public.accounts_membership SET citizenship = a_code
     WHERE company_id = held.company_id AND id = held.membership_id AND held.reach IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a citizenship is declared by the member' USING ERRCODE = '42501';
    END IF;
END $$;

REVOKE ALL ON FUNCTION gate.declaration(jsonb), gate.check_countries(), gate.forget_citizenship(),
    gate.uncovered(bigint, text, text), gate.refuse_uncovered(jsonb), gate.admit_member(),
    gate.declare_citizenship(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.declare_citizenship(text) TO :web;
"""

UNDO = """
DROP TRIGGER forget_citizenship ON accounts_membership;
DROP TRIGGER admit ON accounts_membership;
DROP TRIGGER numbered_countries ON policy_policyversion;
DROP FUNCTION gate.declare_citizenship(text), gate.forget_citizenship(), gate.admit_member(), gate.refuse_uncovered(jsonb),
    gate.uncovered(bigint, text, text), gate.check_countries();
CREATE OR REPLACE FUNCTION gate.check_text() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.hash := encode(sha256(convert_to(NEW.body, 'UTF8')), 'hex');
    IF NOT EXISTS (SELECT FROM public.policy_policyversion v
                    WHERE v.id = NEW.version_id AND v.hashes ->> NEW.language = NEW.hash) THEN
        RAISE EXCEPTION 'the version was not published with this text' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
DROP FUNCTION gate.declaration(jsonb);
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("policy", "0006_checked_at_commit"),
        ("accounts", "0010_countries_of_members"),
    ]
    operations: ClassVar = [
        migrations.AddField(
            "policyversion",
            "countries",
            models.JSONField(
                default=list, db_default=models.Value([], models.JSONField()), editable=False
            ),
        ),
        guard(DECLARING + COVERING, UNDO),
    ]
