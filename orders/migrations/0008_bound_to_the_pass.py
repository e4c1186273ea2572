"""Orders' row rules compare with what the gate answers (accounts/migrations/0007 says why).

What hangs on an order is visible where the order is; the EXISTS behind that runs only for roles
that do not reach the whole company.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

REACHED = """company_id = :claim AND (company_id = (SELECT gate.whole('{permission}'))
    OR gate.within((SELECT gate.share('{permission}')), company_id, agent_id, team_id, partner_id))"""
ON_AN_ORDER = """company_id = :claim AND (company_id = (SELECT gate.whole('{permission}'))
        OR company_id = (SELECT gate.company('{permission}'))
           AND EXISTS (SELECT FROM orders_order o WHERE o.company_id = {table}.company_id
                       AND o.id = {table}.{order}))"""


def reached(permission: str) -> str:
    return REACHED.format(permission=permission)


def on_an_order(table: str, permission: str, order: str = "order_id") -> str:
    return ON_AN_ORDER.format(table=table, permission=permission, order=order)


COMPANY = """
-- Clause C1, of the pass's own company: NULL where it has no policy in force.
CREATE FUNCTION gate.company_under_policy() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE held record := gate.holder();
BEGIN
    RETURN (SELECT v.company_id FROM public.policy_policyversion v
             WHERE v.kind = 'company' AND v.company_id = held.company_id
               AND v.effective_at <= statement_timestamp() LIMIT 1);
END $$;
REVOKE ALL ON FUNCTION gate.company_under_policy() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.company_under_policy() TO :web;

CREATE OR REPLACE FUNCTION gate.complete_order() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.company_id IS DISTINCT FROM gate.company('orders.create') THEN
            RAISE EXCEPTION 'an order of another company' USING ERRCODE = '42501';
        END IF;
        NEW.number := nextval(format('numbers.company_%s', NEW.company_id)::regclass);
    END IF;
    NEW.team_id := (SELECT m.team_id FROM public.accounts_membership m
                     WHERE m.company_id = NEW.company_id AND m.id = NEW.agent_id);
    RETURN NEW;
END $$;
"""

RULES = f"""
ALTER POLICY reads ON orders_order USING ({reached("orders.read")});
ALTER POLICY adds ON orders_order WITH CHECK (
    company_id = (SELECT gate.company_under_policy()) AND {reached("orders.create")});
ALTER POLICY changes ON orders_order USING ({reached("orders.write")});

ALTER POLICY reads ON orders_offer USING (
    company_id = :claim AND company_id = (SELECT gate.company('orders.read')));
ALTER POLICY adds ON orders_offer WITH CHECK (
    company_id = :claim AND company_id = (SELECT gate.company('orders.create')));
ALTER POLICY changes ON orders_offer USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.create')));

ALTER POLICY reads ON orders_item USING ({on_an_order("orders_item", "orders.read")});
ALTER POLICY adds ON orders_item WITH CHECK ({on_an_order("orders_item", "orders.write")});
ALTER POLICY removes ON orders_item USING ({on_an_order("orders_item", "orders.write")});

ALTER POLICY reads ON orders_searchword USING (
    company_id = :claim AND company_id = (SELECT gate.company('persons.open')));
ALTER POLICY adds ON orders_searchword
    WITH CHECK ({on_an_order("orders_searchword", "persons.open")});
ALTER POLICY removes ON orders_searchword
    USING ({on_an_order("orders_searchword", "persons.open")});

ALTER POLICY reads ON orders_comment USING ({on_an_order("orders_comment", "persons.open")});
ALTER POLICY adds ON orders_comment WITH CHECK (
    company_id = :claim
    AND (company_id, author_id) =
        (SELECT g.company_id, g.user_id FROM gate.granted('persons.open') g)
    AND EXISTS (SELECT FROM orders_order o WHERE o.company_id = orders_comment.company_id
                AND o.id = orders_comment.order_id));
ALTER POLICY removes ON orders_comment USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.erase'))
    AND EXISTS (SELECT FROM orders_order o WHERE o.company_id = orders_comment.company_id
                AND o.id = orders_comment.order_id AND o.erased_at IS NOT NULL));

ALTER POLICY reads ON accounts_auditentry USING (
    company_id = :claim AND (company_id = (SELECT gate.quietly_whole('audit.read'))
        OR object_type = 'order'
           AND {on_an_order("accounts_auditentry", "persons.open", "object_id")}));

ALTER POLICY reads ON orders_import USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.import')));
ALTER POLICY adds ON orders_import WITH CHECK (
    company_id = :claim AND company_id = (SELECT gate.company_under_policy())
    AND (company_id, author_id) = (SELECT g.company_id, g.user_id
        FROM gate.granted('orders.import') g WHERE g.scope = 'all'));
ALTER POLICY changes ON orders_import USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.import')));

ALTER POLICY reads ON orders_importchunk USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.import')));
ALTER POLICY adds ON orders_importchunk WITH CHECK (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.import')));
ALTER POLICY removes ON orders_importchunk USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.import')));

ALTER POLICY reads ON orders_importrefusal USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.import')));
ALTER POLICY adds ON orders_importrefusal WITH CHECK (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.import')));
"""  # noqa: S608

NO_LONGER_ASKED = """
DROP FUNCTION gate.quietly_allows(text), gate.membership_id(), gate.team_id(), gate.partner_id(),
    gate.company_has_policy();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0007_jurisdictions"),
        ("accounts", "0007_bound_to_the_pass"),
        ("policy", "0005_bound_to_the_pass"),
    ]
    operations: ClassVar = [guard(COMPANY + RULES + NO_LONGER_ASKED)]
