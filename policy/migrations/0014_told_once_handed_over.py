"""Whom a request of an authority concerns is read, and noted as told, with the issuing key alone.

Until now SQL smuggled into any request read whom the register had not told, and by that told them:
no letter went out. A company is noted as told once its letter was handed over.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

TELLING = """
DROP FUNCTION gate.tell_companies();

-- The next request of which its company may know and has not been told, in the order of ids, with
-- whom to write to. Until the commit it is nobody else's to tell.
CREATE FUNCTION gate.company_to_tell(issue_key text, after uuid)
RETURNS TABLE (disclosure uuid, company text, readers jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    RETURN QUERY
    SELECT d.id, c.name::text, (
           SELECT coalesce(jsonb_agg(jsonb_build_object('email', u.email, 'language', u.language)
                           ORDER BY u.email), '[]')
             FROM public.accounts_membership m
             JOIN gate.permission g
               ON g.permission = 'company.policy' AND g.scope = 'all' AND g.role = m.role
             JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
            WHERE m.company_id = c.id AND m.left_at IS NULL)
      FROM public.policy_disclosure d JOIN public.accounts_company c ON c.id = d.company_id
     WHERE d.id > after AND coalesce(d.secret_until <= statement_timestamp(), true)
       AND NOT EXISTS (SELECT FROM public.policy_disclosureevent e
                        WHERE e.disclosure_id = d.id AND e.deed = 'told')
     ORDER BY d.id LIMIT 1 FOR UPDATE OF d SKIP LOCKED;
END $$;

CREATE FUNCTION gate.note_told(issue_key text, a_disclosure uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    INSERT INTO public.policy_disclosureevent (id, disclosure_id, deed, proven, reason)
    SELECT gen_random_uuid(), d.id, 'told', '', '' FROM public.policy_disclosure d
     WHERE d.id = a_disclosure AND coalesce(d.secret_until <= statement_timestamp(), true);
END $$;

REVOKE ALL ON FUNCTION gate.company_to_tell(text, uuid), gate.note_told(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.company_to_tell(text, uuid), gate.note_told(text, uuid) TO :web;
"""

COUNTING = """
-- As before (0003), with a bound: no file holds a million rows, and a sum of these fits its column for
-- longer than anybody could go on.
CREATE OR REPLACE FUNCTION gate.count_refusals(a_way text, a_sign text, a_jurisdiction text,
    number bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF gate.scope('company.enter') IS NULL OR number IS NULL OR number NOT BETWEEN 1 AND 1000000 THEN
        RAISE EXCEPTION 'a refusal is counted by the company it happened in'
            USING ERRCODE = '42501';
    END IF;
    INSERT INTO public.policy_refusal AS r (company_id, day, way, sign, jurisdiction, count)
    VALUES (gate.claim(), (statement_timestamp() AT TIME ZONE 'UTC')::date, a_way, a_sign,
            a_jurisdiction, number)
    ON CONFLICT (company_id, day, way, sign, jurisdiction)
        DO UPDATE SET count = least(r.count::numeric + excluded.count, 1000000000000);
END $$;

-- As before (0003); what counts of earlier days may hold overflows nothing.
CREATE OR REPLACE FUNCTION gate.refusal_totals()
RETURNS TABLE (jurisdiction text, sign text, way text, refused bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT gate.is_operator() THEN
        RAISE EXCEPTION 'the totals are the operator''s' USING ERRCODE = '42501';
    END IF;
    RETURN QUERY
    SELECT r.jurisdiction::text, r.sign::text, r.way::text,
           least(sum(r.count), 9223372036854775807)::bigint
      FROM public.policy_refusal r GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("policy", "0013_drafts"),
        ("accounts", "0017_jobs_of_the_worker_alone"),
    ]
    operations: ClassVar = [guard(TELLING), guard(COUNTING)]  # for good: the former were leaks
