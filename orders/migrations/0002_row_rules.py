"""What the database lets a pass see and do with orders.

Each table has one permissive rule per command, in the one form whose plan stays good: the company
claimed, plainly, and the gate's answer in a subquery that runs once per statement. What hangs on an
order is visible where the order is; the EXISTS behind that runs only for roles that do not see the
whole company.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

ORDERS = """
-- A role reaches all orders, its own team's, its own (free ones too), or its partner's.
ALTER TABLE orders_order ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_order FOR SELECT USING (
    company_id = gate.claim() AND CASE (SELECT gate.allows('orders.read'))
        WHEN 'all' THEN true
        WHEN 'team' THEN agent_id IS NULL OR agent_id = (SELECT gate.membership_id())
                         OR team_id = (SELECT gate.team_id())
        WHEN 'own' THEN agent_id IS NULL OR agent_id = (SELECT gate.membership_id())
        WHEN 'partner' THEN partner_id = (SELECT gate.partner_id())
        ELSE false END);
CREATE POLICY adds ON orders_order FOR INSERT WITH CHECK (
    company_id = gate.claim() AND (SELECT gate.company_has_policy())
    AND CASE (SELECT gate.allows('orders.create'))
        WHEN 'all' THEN true
        WHEN 'team' THEN agent_id IS NULL OR agent_id = (SELECT gate.membership_id())
                         OR team_id = (SELECT gate.team_id())
        WHEN 'own' THEN agent_id IS NULL OR agent_id = (SELECT gate.membership_id())
        ELSE false END);
CREATE POLICY changes ON orders_order FOR UPDATE USING (
    company_id = gate.claim() AND CASE (SELECT gate.allows('orders.write'))
        WHEN 'all' THEN true
        WHEN 'team' THEN agent_id IS NULL OR agent_id = (SELECT gate.membership_id())
                         OR team_id = (SELECT gate.team_id())
        WHEN 'own' THEN agent_id IS NULL OR agent_id = (SELECT gate.membership_id())
        ELSE false END);
GRANT SELECT, INSERT ON orders_order TO :web;
GRANT UPDATE (status, version, external_id, country, citizenship, person, phone_hash, offer_id,
    partner_id, agent_id, currency, total, attempts, recall_at, reason, updated_at)
    ON orders_order TO :web;

-- The number is the company's own count; the team follows the agent.
CREATE FUNCTION gate.complete_order() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.company_id IS DISTINCT FROM gate.claim() THEN
            RAISE EXCEPTION 'an order of another company' USING ERRCODE = '42501';
        END IF;
        NEW.number := nextval(format('numbers.company_%s', NEW.company_id)::regclass);
    END IF;
    NEW.team_id := (SELECT m.team_id FROM public.accounts_membership m
                     WHERE m.company_id = NEW.company_id AND m.id = NEW.agent_id);
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION gate.complete_order() FROM PUBLIC;
CREATE TRIGGER complete BEFORE INSERT OR UPDATE OF agent_id ON orders_order
    FOR EACH ROW EXECUTE FUNCTION gate.complete_order();

ALTER TABLE orders_order
    ADD CONSTRAINT orders_order_offer FOREIGN KEY (company_id, offer_id)
        REFERENCES orders_offer (company_id, id),
    ADD CONSTRAINT orders_order_partner FOREIGN KEY (company_id, partner_id)
        REFERENCES accounts_partner (company_id, id),
    ADD CONSTRAINT orders_order_agent FOREIGN KEY (company_id, agent_id)
        REFERENCES accounts_membership (company_id, id);
"""

AROUND_ORDERS = """
ALTER TABLE orders_offer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_offer FOR SELECT USING (
    company_id = gate.claim() AND (SELECT gate.allows('orders.read')) IS NOT NULL);
CREATE POLICY adds ON orders_offer FOR INSERT WITH CHECK (
    company_id = gate.claim() AND (SELECT gate.allows('orders.create')) IS NOT NULL);
CREATE POLICY changes ON orders_offer FOR UPDATE USING (
    company_id = gate.claim() AND (SELECT gate.allows('orders.create')) = 'all');
GRANT SELECT, INSERT, UPDATE (name) ON orders_offer TO :web;

ALTER TABLE orders_item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_item FOR SELECT USING (
    company_id = gate.claim() AND CASE (SELECT gate.allows('orders.read')) WHEN 'all' THEN true
        ELSE EXISTS (SELECT FROM orders_order o WHERE o.company_id = orders_item.company_id
                     AND o.id = orders_item.order_id) END);
CREATE POLICY adds ON orders_item FOR INSERT WITH CHECK (
    company_id = gate.claim() AND CASE (SELECT gate.allows('orders.write')) WHEN 'all' THEN true
        ELSE (SELECT gate.allows('orders.write')) IS NOT NULL
             AND EXISTS (SELECT FROM orders_order o WHERE o.company_id = orders_item.company_id
                         AND o.id = orders_item.order_id) END);
CREATE POLICY removes ON orders_item FOR DELETE USING (
    company_id = gate.claim() AND CASE (SELECT gate.allows('orders.write')) WHEN 'all' THEN true
        ELSE (SELECT gate.allows('orders.write')) IS NOT NULL
             AND EXISTS (SELECT FROM orders_order o WHERE o.company_id = orders_item.company_id
                         AND o.id = orders_item.order_id) END);
GRANT SELECT, INSERT, DELETE ON orders_item TO :web;

ALTER TABLE orders_searchword ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_searchword FOR SELECT USING (
    company_id = gate.claim() AND CASE (SELECT gate.allows('persons.open')) WHEN 'all' THEN true
        ELSE (SELECT gate.allows('persons.open')) IS NOT NULL
             AND EXISTS (SELECT FROM orders_order o
                         WHERE o.company_id = orders_searchword.company_id
                         AND o.id = orders_searchword.order_id) END);
CREATE POLICY adds ON orders_searchword FOR INSERT WITH CHECK (
    company_id = gate.claim() AND CASE (SELECT gate.allows('persons.open')) WHEN 'all' THEN true
        ELSE (SELECT gate.allows('persons.open')) IS NOT NULL
             AND EXISTS (SELECT FROM orders_order o
                         WHERE o.company_id = orders_searchword.company_id
                         AND o.id = orders_searchword.order_id) END);
CREATE POLICY removes ON orders_searchword FOR DELETE USING (
    company_id = gate.claim() AND CASE (SELECT gate.allows('persons.open')) WHEN 'all' THEN true
        ELSE (SELECT gate.allows('persons.open')) IS NOT NULL
             AND EXISTS (SELECT FROM orders_order o
                         WHERE o.company_id = orders_searchword.company_id
                         AND o.id = orders_searchword.order_id) END);
GRANT SELECT, INSERT, DELETE ON orders_searchword TO :web;

ALTER TABLE orders_comment ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_comment FOR SELECT USING (
    company_id = gate.claim() AND CASE (SELECT gate.allows('persons.open')) WHEN 'all' THEN true
        ELSE (SELECT gate.allows('persons.open')) IS NOT NULL
             AND EXISTS (SELECT FROM orders_order o WHERE o.company_id = orders_comment.company_id
                         AND o.id = orders_comment.order_id) END);
CREATE POLICY adds ON orders_comment FOR INSERT WITH CHECK (
    company_id = gate.claim() AND author_id = (SELECT gate.user_id())
    AND (SELECT gate.allows('persons.open')) IS NOT NULL
    AND EXISTS (SELECT FROM orders_order o WHERE o.company_id = orders_comment.company_id
                AND o.id = orders_comment.order_id));
GRANT SELECT, INSERT ON orders_comment TO :web;

ALTER TABLE orders_item ADD CONSTRAINT orders_item_order FOREIGN KEY (company_id, order_id)
    REFERENCES orders_order (company_id, id) ON DELETE CASCADE;
ALTER TABLE orders_searchword ADD CONSTRAINT orders_searchword_order
    FOREIGN KEY (company_id, order_id) REFERENCES orders_order (company_id, id) ON DELETE CASCADE;
ALTER TABLE orders_comment ADD CONSTRAINT orders_comment_order FOREIGN KEY (company_id, order_id)
    REFERENCES orders_order (company_id, id) ON DELETE CASCADE;

-- An order's entries are read by whoever sees the order; all others by who may read the audit.
DROP POLICY reads ON accounts_auditentry;
CREATE POLICY reads ON accounts_auditentry FOR SELECT USING (
    company_id = gate.claim() AND CASE WHEN (SELECT gate.allows('audit.read')) = 'all' THEN true
        ELSE object_type = 'order' AND (SELECT gate.allows('persons.open')) IS NOT NULL
             AND EXISTS (SELECT FROM orders_order o
                         WHERE o.company_id = accounts_auditentry.company_id
                         AND o.id = accounts_auditentry.object_id) END);
"""

IMPORTS = """
ALTER TABLE orders_import ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_import FOR SELECT USING (
    company_id = gate.claim() AND (SELECT gate.allows('orders.import')) = 'all');
CREATE POLICY adds ON orders_import FOR INSERT WITH CHECK (
    company_id = gate.claim() AND (SELECT gate.allows('orders.import')) = 'all'
    AND (SELECT gate.company_has_policy()) AND author_id = (SELECT gate.user_id()));
CREATE POLICY changes ON orders_import FOR UPDATE USING (
    company_id = gate.claim() AND (SELECT gate.allows('orders.import')) = 'all');
GRANT SELECT, INSERT, UPDATE (created, refused, prohibited, finished_at) ON orders_import TO :web;

ALTER TABLE orders_importchunk ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_importchunk FOR SELECT USING (
    company_id = gate.claim() AND (SELECT gate.allows('orders.import')) = 'all');
CREATE POLICY adds ON orders_importchunk FOR INSERT WITH CHECK (
    company_id = gate.claim() AND (SELECT gate.allows('orders.import')) = 'all');
CREATE POLICY removes ON orders_importchunk FOR DELETE USING (
    company_id = gate.claim() AND (SELECT gate.allows('orders.import')) = 'all');
GRANT SELECT, INSERT, DELETE ON orders_importchunk TO :web;

ALTER TABLE orders_importrefusal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_importrefusal FOR SELECT USING (
    company_id = gate.claim() AND (SELECT gate.allows('orders.import')) = 'all');
CREATE POLICY adds ON orders_importrefusal FOR INSERT WITH CHECK (
    company_id = gate.claim() AND (SELECT gate.allows('orders.import')) = 'all');
GRANT SELECT, INSERT ON orders_importrefusal TO :web;

ALTER TABLE orders_importchunk ADD CONSTRAINT orders_importchunk_import
    FOREIGN KEY (company_id, import_id) REFERENCES orders_import (company_id, id)
    ON DELETE CASCADE;
ALTER TABLE orders_importrefusal ADD CONSTRAINT orders_importrefusal_import
    FOREIGN KEY (company_id, import_id) REFERENCES orders_import (company_id, id)
    ON DELETE CASCADE;
"""

JOBS = """
-- The worker's own tables: names and ids, no order field; a job's pass is sealed in its arguments.
GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events,
    procrastinate_periodic_defers, procrastinate_workers TO :web;
GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq,
    procrastinate_periodic_defers_id_seq TO :web;
"""

UNDO = """
ALTER TABLE orders_order DROP CONSTRAINT orders_order_offer,
    DROP CONSTRAINT orders_order_partner, DROP CONSTRAINT orders_order_agent;
DROP TRIGGER complete ON orders_order;
DROP FUNCTION gate.complete_order();
DROP POLICY reads ON accounts_auditentry;
CREATE POLICY reads ON accounts_auditentry FOR SELECT USING (
    company_id = gate.claim() AND (SELECT gate.allows('audit.read')) = 'all');
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0001_initial"),
        ("accounts", "0002_gate"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]
    operations: ClassVar = [guard(ORDERS + AROUND_ORDERS + IMPORTS + JOBS, UNDO)]
