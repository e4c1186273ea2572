"""What authorities get of a company's orders stands in its own audit, too (clauses T1 and D1).

The entries are made by the database with the register's: all that was done before as the company is
told, each later deed at once. So there is none of a request while a law keeps it secret; the numbers
of the entries, which have no gap, do not show either that one is being waited for.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

TOLD = """
-- `at` is said of what was done before it could be told.
CREATE FUNCTION gate.tell_of_deed(d public.policy_disclosure, deed text, doer bigint,
    moment timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM gate.tell(c.id, doer, 'disclosure.' || deed, jsonb_strip_nulls(jsonb_build_object(
            'orders', CASE deed WHEN 'received' THEN jsonb_array_length(d.numbers) END,
            'at', CASE WHEN moment < clock_timestamp() - interval '1 hour'
                       THEN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END)),
        'disclosure', d.id, left(d.authority, 120))
       FROM public.accounts_company c WHERE c.id = d.company_id AND c.closed_at IS NULL;
END $$;

CREATE FUNCTION gate.tell_so_far(d public.policy_disclosure) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE done record;
BEGIN
    PERFORM gate.tell_of_deed(d, 'received', d.received_by_id, d.received_at);
    FOR done IN SELECT e.deed, e.by_id, e.at FROM public.policy_disclosureevent e
                 WHERE e.disclosure_id = d.id AND e.deed <> 'told' ORDER BY e.at LOOP
        PERFORM gate.tell_of_deed(d, done.deed, done.by_id, done.at);
    END LOOP;
END $$;

CREATE FUNCTION gate.tell_of_disclosure() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE d public.policy_disclosure;
BEGIN
    SELECT * INTO d FROM public.policy_disclosure r WHERE r.id = NEW.disclosure_id;
    IF NEW.deed = 'told' THEN
        IF d.secret_until > clock_timestamp() THEN
            RAISE EXCEPTION 'a company is not told of what is secret still'
                USING ERRCODE = '42501';
        END IF;
        PERFORM gate.tell_so_far(d);
    ELSIF EXISTS (SELECT FROM public.policy_disclosureevent e
                   WHERE e.disclosure_id = d.id AND e.deed = 'told') THEN
        PERFORM gate.tell_of_deed(d, NEW.deed, NEW.by_id, NEW.at);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON policy_disclosureevent FOR EACH ROW
    EXECUTE FUNCTION gate.tell_of_disclosure();

REVOKE ALL ON FUNCTION gate.tell_of_deed(public.policy_disclosure, text, bigint, timestamptz),
    gate.tell_so_far(public.policy_disclosure), gate.tell_of_disclosure() FROM PUBLIC;

-- Of what companies were told before there were such entries.
SELECT gate.tell_so_far(d) FROM policy_disclosure d JOIN policy_disclosureevent e
    ON e.disclosure_id = d.id AND e.deed = 'told' ORDER BY e.at;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0040_told_at_the_gate"),
        ("policy", "0021_seconded_by_who_was_here"),
    ]
    operations: ClassVar = [guard(TOLD)]  # no way back: the entries stay
