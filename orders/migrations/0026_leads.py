"""Leads: what a partner's machine may add, and what of them it may read (decision 19).

A key reaches no table but this one, and of it its partner's rows: which lead is how far, and no person.
An order is added for it by one function, which takes the issuing key, so that SQL smuggled into a
sender's request adds nothing either. The function runs as the tables' owner, whom the forced rules bind
as they bind everybody: it has rules of its own here, for the sender's company and partner alone.
"""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard

LEAD = migrations.CreateModel(
    "Lead",
    [
        (
            "pk",
            models.CompositePrimaryKey(
                "company_id", "id", blank=True, editable=False, primary_key=True, serialize=False
            ),
        ),
        ("id", models.UUIDField(default=accounts.identifiers.uuid7, editable=False)),
        ("partner_id", models.UUIDField()),
        ("external_id", models.CharField(max_length=100)),
        ("digest", models.BinaryField(max_length=32, null=True)),
        ("phase", models.CharField(max_length=12)),
        ("reason", models.CharField(max_length=40)),
        ("payout", models.DecimalField(decimal_places=2, max_digits=12, null=True)),
        ("currency", models.CharField(max_length=3)),
        ("created_at", models.DateTimeField()),
        ("updated_at", models.DateTimeField()),
        (
            "company",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.company",
            ),
        ),
    ],
    options={
        "constraints": [
            models.UniqueConstraint(
                models.F("company"),
                models.F("partner_id"),
                models.F("external_id"),
                name="orders_lead_once",
            )
        ],
        "indexes": [
            models.Index(
                models.F("company"),
                models.F("partner_id"),
                models.F("updated_at"),
                models.F("id"),
                name="orders_lead_by_change",
            )
        ],
    },
)

ACTING = """
-- The company of whoever acts, by a pass or by a key: for what the gate's own functions write of what
-- somebody has done. No rule of the web role's asks it.
CREATE FUNCTION gate.acting_company() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN RETURN coalesce((gate.holder()).company_id, gate.sender_company()); END $$;
REVOKE ALL ON FUNCTION gate.acting_company() FROM PUBLIC;
"""

RULES = """
ALTER TABLE orders_lead ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_lead FOR SELECT USING (
    company_id = :claim AND (company_id = (SELECT gate.whole('orders.read'))
        OR (company_id, partner_id) = (SELECT s.company_id, s.partner_id FROM gate.sender() s)));
CREATE POLICY follows ON orders_lead TO CURRENT_USER USING (
    company_id = :claim AND company_id = (SELECT gate.acting_company()));
GRANT SELECT ON orders_lead TO :web;

-- The order comes after the lead that says whether it is new.
ALTER TABLE orders_lead ADD CONSTRAINT orders_lead_order FOREIGN KEY (company_id, id)
    REFERENCES orders_order (company_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE orders_lead ADD CONSTRAINT orders_lead_partner FOREIGN KEY (company_id, partner_id)
    REFERENCES accounts_partner (company_id, id) ON DELETE CASCADE;

CREATE POLICY sends ON orders_order FOR INSERT TO CURRENT_USER WITH CHECK (
    company_id = :claim
    AND (company_id, partner_id) = (SELECT s.company_id, s.partner_id FROM gate.sender() s)
    AND (status, source) = ('new', 'api') AND agent_id IS NULL);
CREATE POLICY sent ON orders_order FOR SELECT TO CURRENT_USER USING (
    company_id = :claim
    AND (company_id, partner_id) = (SELECT s.company_id, s.partner_id FROM gate.sender() s));
CREATE POLICY sends ON orders_item FOR INSERT TO CURRENT_USER WITH CHECK (
    company_id = :claim AND company_id = (SELECT gate.sender_company()));
CREATE POLICY sends ON orders_searchword FOR INSERT TO CURRENT_USER WITH CHECK (
    company_id = :claim AND company_id = (SELECT gate.sender_company()));
CREATE POLICY sends ON orders_offer FOR INSERT TO CURRENT_USER WITH CHECK (
    company_id = :claim AND company_id = (SELECT gate.sender_company()));
CREATE POLICY sent ON orders_offer FOR SELECT TO CURRENT_USER USING (
    company_id = :claim AND company_id = (SELECT gate.sender_company()));
CREATE POLICY sends ON accounts_auditentry FOR INSERT TO CURRENT_USER WITH CHECK (
    company_id = :claim
    AND (company_id, actor_id) = (SELECT s.company_id, s.user_id FROM gate.sender() s));
CREATE POLICY seals ON accounts_companykey FOR SELECT TO CURRENT_USER USING (
    company_id = :claim AND company_id = (SELECT gate.sender_company()));
CREATE POLICY makes_first ON accounts_companykey FOR INSERT TO CURRENT_USER WITH CHECK (
    company_id = :claim AND company_id = (SELECT gate.sender_company()) AND version = 1);
"""

SENDING = """
-- What seals a sender's leads, wrapped; `first` where the company has none yet. To the application
-- alone: a sender's SQL reads no key.
CREATE FUNCTION gate.sealing_keys(issue_key text, first bytea)
RETURNS TABLE (version smallint, wrapped bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM gate.check_issuer(issue_key);
    IF first IS NOT NULL THEN
        INSERT INTO public.accounts_companykey (company_id, version, wrapped, created_at)
        VALUES (gate.sender_company(), 1, first, statement_timestamp()) ON CONFLICT DO NOTHING;
    END IF;
    RETURN QUERY SELECT k.version, k.wrapped FROM public.accounts_companykey k
                  WHERE k.company_id = gate.sender_company();
END $$;

-- Where an order stands for its partner: orders.statuses, copied after each migration.
CREATE TABLE gate.phase (status text PRIMARY KEY, phase text NOT NULL);

-- Adds a lead with its order, or finds the one that the partner sent under this number before; of two
-- at once the second waits for the first. What a lead may not say for itself stands here: it is the
-- sender's partner's, new, nobody's yet, and of this moment.
CREATE FUNCTION gate.add_lead(issue_key text, a_lead jsonb, a_person bytea, a_phone_hash bytea,
    a_digest bytea, some_words bytea[], OUT id uuid, OUT digest bytea, OUT added boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    held record := gate.hold_sender(issue_key);
    o record; now timestamptz := clock_timestamp(); an_offer uuid; a_number bigint; a_key record;
BEGIN
    IF NOT EXISTS (SELECT FROM public.policy_policyversion v WHERE v.kind = 'company'
                      AND v.company_id = held.company_id AND v.effective_at <= now) THEN
        RAISE EXCEPTION 'clause C1: the company has no policy in force' USING ERRCODE = '42501';
    END IF;
    SELECT * INTO o FROM jsonb_to_record(a_lead) AS x (id uuid, external_id text, offer_id uuid,
        offer text, country text, citizenship text, phone_country text, currency text,
        total numeric, items jsonb, entry uuid);
    SELECT k.name, k.payout, c.currency INTO a_key FROM public.accounts_apikey k
      JOIN public.accounts_company c ON c.id = k.company_id
     WHERE k.company_id = held.company_id AND k.id = held.key_id;
    INSERT INTO public.orders_lead (company_id, id, partner_id, external_id, digest, phase, reason,
        payout, currency, created_at, updated_at)
    SELECT held.company_id, o.id, held.partner_id, o.external_id, a_digest, p.phase, '',
           a_key.payout, a_key.currency, now, now
      FROM gate.phase p WHERE p.status = 'new'
    ON CONFLICT (company_id, partner_id, external_id) DO NOTHING;
    added := FOUND;
    SELECT l.id, l.digest INTO id, digest FROM public.orders_lead l
     WHERE l.company_id = held.company_id AND l.partner_id = held.partner_id
       AND l.external_id = o.external_id;
    IF NOT added THEN RETURN; END IF;
    INSERT INTO public.orders_offer (company_id, id, name)
    VALUES (held.company_id, o.offer_id, o.offer) ON CONFLICT DO NOTHING;
    SELECT f.id INTO an_offer FROM public.orders_offer f
     WHERE f.company_id = held.company_id AND f.name = o.offer;
    INSERT INTO public.orders_order (company_id, id, status, version, external_id, country,
        citizenship, person, phone_hash, phone_country, offer_id, partner_id, currency, total,
        attempts, reason, source, created_at, updated_at)
    VALUES (held.company_id, o.id, 'new', 1, o.external_id, o.country, o.citizenship, a_person,
        a_phone_hash, o.phone_country, an_offer, held.partner_id, o.currency, o.total, 0, '', 'api',
        now, now)
    RETURNING number INTO a_number;
    INSERT INTO public.orders_item (company_id, id, order_id, position, name, sku, quantity, price)
    SELECT held.company_id, i.id, o.id, 1, i.name, '', i.quantity, i.price
      FROM jsonb_to_recordset(o.items) AS i (id uuid, name text, quantity integer, price numeric);
    INSERT INTO public.orders_searchword (company_id, word, order_id)
    SELECT held.company_id, w.word, o.id FROM unnest(some_words) AS w (word);
    INSERT INTO public.accounts_auditentry (company_id, id, at, actor_id, actor_name, action,
        object_type, object_id, object_name, changes)
    VALUES (held.company_id, o.entry, now, held.user_id, '', 'order.added', 'order', o.id,
        format('№ %s', a_number), jsonb_build_object('source', 'api', 'key', a_key.name));
END $$;

-- What clause P2 refused leaves this and nothing else.
CREATE FUNCTION gate.count_refused_lead(issue_key text, a_sign text, a_jurisdiction text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    INSERT INTO public.policy_refusal AS r (company_id, day, way, sign, jurisdiction, count)
    SELECT s.company_id, (clock_timestamp() AT TIME ZONE 'UTC')::date, 'api', a_sign,
           a_jurisdiction, 1 FROM gate.sender() s
    ON CONFLICT (company_id, day, way, sign, jurisdiction)
        DO UPDATE SET count = least(r.count::numeric + 1, 1000000000000);
END $$;

-- As before (0012), and for a sender.
CREATE OR REPLACE FUNCTION gate.complete_order() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.company_id IS DISTINCT FROM
           coalesce(gate.company('orders.create'), gate.sender_company()) THEN
            RAISE EXCEPTION 'an order of another company' USING ERRCODE = '42501';
        END IF;
        NEW.number := nextval(format('numbers.company_%s', NEW.company_id)::regclass);
    END IF;
    IF TG_OP = 'INSERT' OR NEW.agent_id IS DISTINCT FROM OLD.agent_id THEN
        PERFORM FROM public.accounts_membership m
          WHERE m.company_id = NEW.company_id AND m.id = NEW.agent_id FOR SHARE;
    END IF;
    NEW.team_id := (SELECT m.team_id FROM public.accounts_membership m
                     WHERE m.company_id = NEW.company_id AND m.id = NEW.agent_id);
    RETURN NEW;
END $$;

-- A lead goes where its order goes, and forgets what it was sent with when the person is erased.
CREATE FUNCTION gate.follow_order() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.orders_lead l
       SET phase = n.phase, reason = n.reason,
           digest = CASE WHEN NEW.erased_at IS NULL THEN l.digest END,
           updated_at = CASE WHEN (l.phase, l.reason) IS DISTINCT FROM (n.phase, n.reason)
                             THEN clock_timestamp() ELSE l.updated_at END
      FROM (SELECT p.phase, CASE WHEN p.phase IN ('cancelled', 'trash') THEN NEW.reason
                                 ELSE '' END AS reason
              FROM gate.phase p WHERE p.status = NEW.status) n
     WHERE l.company_id = NEW.company_id AND l.id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER follow_order AFTER UPDATE OF status, reason, erased_at ON orders_order FOR EACH ROW
    WHEN (NEW.source = 'api' AND (OLD.status, OLD.reason, OLD.erased_at)
                                 IS DISTINCT FROM (NEW.status, NEW.reason, NEW.erased_at))
    EXECUTE FUNCTION gate.follow_order();

REVOKE ALL ON FUNCTION gate.sealing_keys(text, bytea), gate.follow_order(),
    gate.add_lead(text, jsonb, bytea, bytea, bytea, bytea[]),
    gate.count_refused_lead(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.sealing_keys(text, bytea),
    gate.add_lead(text, jsonb, bytea, bytea, bytea, bytea[]),
    gate.count_refused_lead(text, text, text) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0025_archives_of_owners"),
        ("accounts", "0027_api_keys"),
        ("policy", "0016_approved_with_its_texts"),
    ]
    operations: ClassVar = [LEAD, guard(ACTING + RULES + SENDING)]
