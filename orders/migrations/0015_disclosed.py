"""The one way to a company's orders for somebody who is none of its people (clause T1).

`gate.open_disclosure` enters in the register that the package is made, which the register refuses
unless two operators have approved; then it makes a pass of a kind that nobody else has, looks with
it at the orders named, and takes it back, within one call: no pass leaves the function, and none is
ever committed. So the row rules of orders stay as they are, and know nothing of authorities.

Rejected: a row rule for operators, which each statement on orders would pay for, and which would
open whatever else a statement asks for; a pass for a job, which is a secret that opens a company.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

OPEN = """
-- The company's wrapped keys, and of the orders named those that are there, with what hangs on them.
CREATE FUNCTION gate.open_disclosure(a_disclosure uuid) RETURNS TABLE (what text, content jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    d public.policy_disclosure; ours uuid[];
    former_pass text := coalesce(current_setting('gate.pass', true), '');
    former_company text := coalesce(current_setting('gate.company', true), '');
    operator bigint := gate.user_id();
    secret text := gen_random_uuid()::text || gen_random_uuid()::text;
BEGIN
    IF NOT gate.is_operator() THEN
        RAISE EXCEPTION 'disclosures are the operators'' to make' USING ERRCODE = '42501';
    END IF;
    INSERT INTO public.policy_disclosureevent (id, disclosure_id, deed, by_id, proven, reason)
    VALUES (gen_random_uuid(), a_disclosure, 'packaged', operator, '', '');
    SELECT * INTO STRICT d FROM public.policy_disclosure r WHERE r.id = a_disclosure;
    INSERT INTO public.accounts_pass (hash, kind, user_id, company_id, reach, data, scopes,
                                      verified_until, created_at, expires_at)
    VALUES (sha256(convert_to(secret, 'UTF8')), 'disclose', operator, d.company_id, '[]', '',
            '{"orders.read": "all", "persons.open": "all"}',
            'infinity', statement_timestamp(), statement_timestamp() + interval '1 minute');
    PERFORM set_config('gate.pass', secret, true),
            set_config('gate.company', d.company_id::text, true);

    ours := ARRAY(SELECT o.id FROM public.orders_order o
                   WHERE o.company_id = d.company_id AND o.number IN (
                         SELECT n::bigint FROM jsonb_array_elements_text(d.numbers) n));
    RETURN QUERY
    SELECT 'key', to_jsonb(k) FROM public.accounts_companykey k WHERE k.company_id = d.company_id;
    RETURN QUERY
    SELECT 'order', to_jsonb(o) || jsonb_build_object('offer', f.name)
      FROM public.orders_order o
      LEFT JOIN public.orders_offer f ON f.company_id = o.company_id AND f.id = o.offer_id
     WHERE o.company_id = d.company_id AND o.id = ANY (ours) ORDER BY o.number;
    RETURN QUERY
    SELECT 'item', to_jsonb(i) FROM public.orders_item i
     WHERE i.company_id = d.company_id AND i.order_id = ANY (ours) ORDER BY i.position;
    RETURN QUERY
    SELECT 'comment', to_jsonb(c) FROM public.orders_comment c
     WHERE c.company_id = d.company_id AND c.order_id = ANY (ours) ORDER BY c.created_at;

    PERFORM set_config('gate.pass', former_pass, true),
            set_config('gate.company', former_company, true);
    DELETE FROM public.accounts_pass p WHERE p.hash = sha256(convert_to(secret, 'UTF8'));
END $$;
REVOKE ALL ON FUNCTION gate.open_disclosure(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.open_disclosure(uuid) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0014_leaving"),
        ("policy", "0009_disclosures"),
    ]
    operations: ClassVar = [guard(OPEN, "DROP FUNCTION gate.open_disclosure(uuid)")]
