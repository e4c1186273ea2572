"""Orders under an access link: those on its list and within its maker's reach, and its moves alone.

What hangs on an order is asked for by `gate.reached`, which knows lists; everything else of a company
stays shut to them. What reading and opening used to let one write as well (words, keys, comments,
items) asks for permissions that no grant opens, and the words' index answers only where all that it
is made of may be seen: a hash that is found tells as much as the field.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

REACHED = """company_id = :claim AND (company_id = (SELECT gate.whole('{permission}'))
    OR gate.within((SELECT gate.share('{permission}')), company_id, id, agent_id, team_id,
                   partner_id))"""
ON_AN_ORDER = """company_id = :claim AND (company_id = (SELECT gate.whole('{permission}'))
        OR company_id = (SELECT gate.reached('{permission}'))
           AND EXISTS (SELECT FROM orders_order o WHERE o.company_id = {table}.company_id
                       AND o.id = {table}.{order}))"""


def reached(permission: str) -> str:
    return REACHED.format(permission=permission)


def on_an_order(table: str, permission: str, order: str = "order_id") -> str:
    return ON_AN_ORDER.format(table=table, permission=permission, order=order)


RULES = f"""
ALTER POLICY reads ON orders_order USING ({reached("orders.read")});
ALTER POLICY adds ON orders_order WITH CHECK (
    company_id = (SELECT gate.company_under_policy()) AND {reached("orders.create")});
ALTER POLICY changes ON orders_order USING ({reached("orders.write")});
DROP FUNCTION gate.within(gate.share, bigint, uuid, uuid, uuid);

ALTER POLICY reads ON orders_item USING ({on_an_order("orders_item", "orders.read")});
ALTER POLICY adds ON orders_item WITH CHECK ({on_an_order("orders_item", "orders.create")});
ALTER POLICY removes ON orders_item USING ({on_an_order("orders_item", "orders.create")});

ALTER POLICY reads ON orders_comment USING ({on_an_order("orders_comment", "persons.open")});
ALTER POLICY adds ON orders_comment WITH CHECK (
    company_id = :claim
    AND (company_id, author_id) =
        (SELECT g.company_id, g.user_id FROM gate.granted('orders.write') g)
    AND EXISTS (SELECT FROM orders_order o WHERE o.company_id = orders_comment.company_id
                AND o.id = orders_comment.order_id));

ALTER POLICY reads ON orders_searchword USING (
    company_id = :claim AND company_id = (SELECT gate.company('persons.find')));
ALTER POLICY adds ON orders_searchword
    WITH CHECK ({on_an_order("orders_searchword", "persons.write")});
ALTER POLICY removes ON orders_searchword
    USING ({on_an_order("orders_searchword", "persons.write")});

ALTER POLICY reads ON accounts_companykey USING (
    company_id = :claim AND company_id = (SELECT gate.reached('persons.open')));
ALTER POLICY makes ON accounts_companykey WITH CHECK (
    company_id = :claim AND version = 1  -- the first; a later one is the owner role's to make
    AND company_id = (SELECT gate.company('persons.write')));

ALTER POLICY reads ON accounts_partner USING (
    company_id = :claim AND (company_id = (SELECT gate.whole('orders.read'))
        OR (SELECT (s.free OR s.partner_id = accounts_partner.id) AND s.orders IS NULL
              FROM gate.share('orders.read') s
             WHERE s.company_id = accounts_partner.company_id)));

ALTER POLICY reads ON accounts_auditentry USING (
    company_id = :claim AND (company_id = (SELECT gate.quietly_whole('audit.read'))
        OR object_type = 'order'
           AND {on_an_order("accounts_auditentry", "persons.open", "object_id")}));

-- What partners' machines sent is nobody's of support's, whatever a link opens.
ALTER POLICY reads ON orders_lead USING (
    company_id = :claim AND (company_id = (SELECT gate.whole('orders.create'))
        OR (company_id, partner_id) = (SELECT s.company_id, s.partner_id FROM gate.sender() s)));

-- Jobs that are under way go on: what they may has other names now.
UPDATE accounts_pass SET reach = reach || '["persons.write", "persons.find"]'
 WHERE kind = 'job' AND reach ? 'persons.open';
"""  # noqa: S608  (SQL made of this module's own)

MOVES = """
-- The role by which the pass presented moves an order of that company to that status: a member's own,
-- or that of a grant's maker where the grant has it among its moves.
CREATE FUNCTION gate.mover(a_company bigint, a_status text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE held record := gate.holder(); a gate.access;
BEGIN
    IF held.company_id = a_company THEN RETURN held.role; END IF;
    a := gate.access(gate.presented());
    IF a.company_id = a_company AND a_status = ANY (a.moves) THEN RETURN a.role; END IF;
    RAISE EXCEPTION 'an order of another company, or no move of this access link'
        USING ERRCODE = '42501';
END $$;

CREATE OR REPLACE FUNCTION gate.check_move() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE doer text := gate.mover(NEW.company_id, NEW.status);
BEGIN
    IF OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL THEN doer := 'erasure'; END IF;
    IF NOT EXISTS (SELECT FROM gate.move m WHERE m.origin = OLD.status
                      AND m.target = NEW.status AND m.made_by = doer) THEN
        RAISE EXCEPTION 'no move from % to % for this role', OLD.status, NEW.status
            USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;

-- Under a grant an order is moved, and nothing else of it is changed. Who presents the pass of one
-- right to the rule and that of another here has to hold both.
CREATE FUNCTION gate.keep_to_moves(was public.orders_order, becomes public.orders_order)
RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE a gate.access;
BEGIN
    IF gate.whole('orders.write') IS DISTINCT FROM was.company_id AND gate.within(
        gate.share('orders.write'), was.company_id, was.id, was.agent_id, was.team_id,
        was.partner_id) IS NOT TRUE THEN
        RAISE EXCEPTION 'an order out of reach' USING ERRCODE = '42501';
    END IF;
    a := gate.access(gate.presented());
    IF a.grant_id IS NULL THEN RETURN; END IF;
    IF was.status = becomes.status OR becomes.status <> ALL (a.moves) THEN
        RAISE EXCEPTION 'no move of this access link' USING ERRCODE = '42501';
    END IF;
    was.status := becomes.status;
    was.version := becomes.version;
    was.attempts := becomes.attempts;
    was.recall_at := becomes.recall_at;
    was.reason := becomes.reason;
    was.updated_at := becomes.updated_at;
    IF was IS DISTINCT FROM becomes THEN
        RAISE EXCEPTION 'under an access link an order is moved, and not changed'
            USING ERRCODE = '42501';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION gate.owe_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE was public.orders_order := OLD;
BEGIN
    OLD.team_id := NEW.team_id;
    IF OLD IS DISTINCT FROM NEW THEN
        PERFORM gate.keep_to_moves(was, NEW);
        INSERT INTO gate.untold (order_id, company_id, was, became)
        VALUES (NEW.id, NEW.company_id, OLD.status, NEW.status);
    END IF;
    RETURN NULL;
END $$;

-- As before (0026), and of support, whose moves a lead follows too.
CREATE OR REPLACE FUNCTION gate.acting_company() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((gate.holder()).company_id, gate.sender_company(),
                    (gate.access(gate.presented())).company_id);
END $$;

REVOKE ALL ON FUNCTION gate.mover(bigint, text),
    gate.keep_to_moves(public.orders_order, public.orders_order) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0030_webhooks"),
        ("accounts", "0035_access_followed"),
    ]
    operations: ClassVar = [guard(RULES + MOVES)]  # no way back: the former rules know no grant
