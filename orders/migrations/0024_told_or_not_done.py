"""Archives go with an erasure that is told; who retains is the application's question; kinds are known.

SQL in anybody's request learnt which companies erase and in whose name, and an admin's deleted the
archives of the company's owners untold. Moments are asked of the clock: a statement that began before
one, as a DO block does, went on after it.
"""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard

ARCHIVES = """
-- What a company's owners took along of it, and may still load, holds whoever is erased now.
DROP FUNCTION gate.drop_archives();
CREATE FUNCTION gate.drop_archives() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.orders_export e
     WHERE e.company_id = NEW.company_id AND e.company_id = (SELECT gate.whole('orders.erase'))
       AND EXISTS (SELECT FROM public.orders_inquiry i
                    WHERE i.company_id = NEW.company_id AND i.id = NEW.object_id
                      AND i.erasing_at IS NOT NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER drop_archives AFTER INSERT ON accounts_auditentry FOR EACH ROW
    WHEN (NEW.action = 'buyer.erased') EXECUTE FUNCTION gate.drop_archives();
REVOKE ALL ON FUNCTION gate.drop_archives() FROM PUBLIC;
"""

CLOCK = """
DROP FUNCTION gate.retaining();
CREATE FUNCTION gate.retaining(issue_key text) RETURNS TABLE (company_id bigint, user_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM gate.check_issuer(issue_key);
    RETURN QUERY
    SELECT r.company_id, chosen.user_id
      FROM (SELECT t.company_id, max(t.author_id) AS author_id FROM public.orders_retention t
             GROUP BY t.company_id) r
      JOIN public.accounts_company c ON c.id = r.company_id AND c.suspended_at IS NULL
      CROSS JOIN LATERAL (
           SELECT m.user_id FROM public.accounts_membership m
             JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
             JOIN gate.permission g
               ON g.permission = 'orders.erase' AND g.role = m.role AND g.scope = 'all'
            WHERE m.company_id = r.company_id AND m.left_at IS NULL
              AND gate.missing_policies(m.user_id, m.company_id) IS NULL
            ORDER BY m.user_id <> r.author_id, m.id LIMIT 1) chosen;
END $$;
REVOKE ALL ON FUNCTION gate.retaining(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.retaining(text) TO :web;
"""

MOMENTS = """
-- As before (0008), by the clock.
CREATE OR REPLACE FUNCTION gate.company_under_policy() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held record := gate.holder();
BEGIN
    RETURN (SELECT v.company_id FROM public.policy_policyversion v
             WHERE v.kind = 'company' AND v.company_id = held.company_id
               AND v.effective_at <= clock_timestamp() LIMIT 1);
END $$;

-- As before (accounts/migrations/0011), by the clock.
CREATE OR REPLACE FUNCTION gate.closing() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT c.id FROM public.accounts_pass p JOIN public.accounts_company c
                ON c.id = p.company_id AND c.closed_at IS NOT NULL
             WHERE p.hash = gate.presented() AND p.kind = 'closing'
               AND p.expires_at > clock_timestamp());
END $$;
"""

UNKNOWN = """
DELETE FROM orders_retention
 WHERE kind NOT IN ('delivered', 'paid', 'returned', 'cancelled', 'trash', 'lines');
"""
KINDS = ("delivered", "paid", "returned", "cancelled", "trash", "lines")


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0023_a_preview_is_imported_once"),
        ("accounts", "0020_doubted_without_a_turn"),
    ]
    operations: ClassVar = [  # for good: the former rules were leaks
        guard(ARCHIVES + CLOCK + MOMENTS + UNKNOWN),
        migrations.AddConstraint(
            "retention",
            models.CheckConstraint(
                condition=models.Q(("kind__in", KINDS)), name="orders_retention_kind"
            ),
        ),
    ]
