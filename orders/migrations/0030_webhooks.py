"""Webhooks: a partner's server is told when a lead of theirs changes its phase (decision 22).

What is told is written down in the transaction that changes the order, by a trigger, so that no way of
changing it goes untold; a delivery holds no body, and no person. Whoever has to tell it is asked for by
the clock, over all companies: so these tables' rules do not bind the owner, whose functions write here.
"""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard


def company_owned(name: str, *fields: tuple[str, models.Field]) -> migrations.CreateModel:
    return migrations.CreateModel(
        name,
        [
            (
                "pk",
                models.CompositePrimaryKey(
                    "company_id",
                    "id",
                    blank=True,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("id", models.UUIDField(default=accounts.identifiers.uuid7, editable=False)),
            (
                "company",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to="accounts.company",
                ),
            ),
            *fields,
        ],
    )


def neighbour(model: str, column: str) -> tuple[str, models.Field]:
    return column.removesuffix("_id"), models.ForeignObject(
        from_fields=["company", column],
        null=True,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to=model,
        to_fields=["company", "id"],
    )


WEBHOOK = company_owned(
    "Webhook",
    ("partner_id", models.UUIDField()),
    ("url", models.CharField(max_length=500)),
    ("secret", models.BinaryField()),
    ("made_at", models.DateTimeField()),
    ("ended_at", models.DateTimeField(null=True)),
    (
        "made_by",
        models.ForeignKey(
            on_delete=django.db.models.deletion.PROTECT,
            related_name="+",
            to=settings.AUTH_USER_MODEL,
        ),
    ),
    neighbour("accounts.partner", "partner_id"),
)
DELIVERY = company_owned(
    "Delivery",
    ("webhook_id", models.UUIDField()),
    ("lead_id", models.UUIDField()),
    ("external_id", models.CharField(max_length=100)),
    ("payout", models.DecimalField(decimal_places=2, max_digits=12, null=True)),
    ("currency", models.CharField(max_length=3)),
    ("phase", models.CharField(max_length=12)),
    ("reason", models.CharField(max_length=40)),
    ("at", models.DateTimeField()),
    ("attempts", models.PositiveSmallIntegerField(default=0)),
    ("next_at", models.DateTimeField(null=True)),
    ("answer", models.CharField(max_length=20)),
    ("delivered_at", models.DateTimeField(null=True)),
    neighbour("orders.webhook", "webhook_id"),
)

RULES = """
ALTER TABLE orders_webhook ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_webhook FOR SELECT USING (
    company_id = :claim AND company_id = (SELECT gate.whole('webhooks.manage')));
CREATE POLICY adds ON orders_webhook FOR INSERT WITH CHECK (
    company_id = :claim AND (company_id, made_by_id) = (SELECT g.company_id, g.user_id
        FROM gate.granted('webhooks.manage') g WHERE g.scope = 'all'));
CREATE POLICY ends ON orders_webhook FOR UPDATE USING (
    company_id = :claim AND company_id = (SELECT gate.whole('webhooks.manage')));
GRANT SELECT, INSERT, UPDATE (ended_at) ON orders_webhook TO :web;

ALTER TABLE orders_delivery ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_delivery FOR SELECT USING (
    company_id = :claim AND company_id = (SELECT gate.whole('webhooks.manage')));
CREATE POLICY goes_on ON orders_delivery FOR UPDATE USING (
    company_id = :claim AND company_id = (SELECT gate.whole('webhooks.manage')));
CREATE POLICY forgets ON orders_delivery FOR DELETE USING (
    company_id = :claim AND company_id = (SELECT gate.whole('webhooks.manage')));
GRANT SELECT, UPDATE (attempts, next_at, answer, delivered_at), DELETE ON orders_delivery TO :web;
SELECT gate.watch('orders_webhook'), gate.watch('orders_delivery');

ALTER TABLE orders_webhook ADD CONSTRAINT orders_webhook_partner FOREIGN KEY (company_id, partner_id)
    REFERENCES accounts_partner (company_id, id) ON DELETE CASCADE;
ALTER TABLE orders_delivery ADD CONSTRAINT orders_delivery_webhook
    FOREIGN KEY (company_id, webhook_id) REFERENCES orders_webhook (company_id, id)
    ON DELETE CASCADE;
ALTER TABLE orders_delivery ADD CONSTRAINT orders_delivery_lead FOREIGN KEY (company_id, lead_id)
    REFERENCES orders_lead (company_id, id) ON DELETE CASCADE;
CREATE INDEX orders_webhook_of_partner ON orders_webhook (company_id, partner_id)
 WHERE ended_at IS NULL;
CREATE INDEX orders_delivery_of_webhook ON orders_delivery (company_id, webhook_id);
CREATE INDEX orders_delivery_of_lead ON orders_delivery (company_id, lead_id);
CREATE INDEX orders_delivery_newest ON orders_delivery (company_id, at, id);
CREATE INDEX orders_delivery_due ON orders_delivery (next_at) WHERE next_at IS NOT NULL;
"""

TELLING = """
CREATE FUNCTION gate.tell_partner() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.orders_delivery (company_id, id, webhook_id, lead_id, external_id, payout,
        currency, phase, reason, at, attempts, next_at, answer)
    SELECT w.company_id, gen_random_uuid(), w.id, NEW.id, NEW.external_id, NEW.payout,
           NEW.currency, NEW.phase, NEW.reason, NEW.updated_at, 0, NEW.updated_at, ''
      FROM public.orders_webhook w
     WHERE w.company_id = NEW.company_id AND w.partner_id = NEW.partner_id AND w.ended_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_partner AFTER UPDATE OF phase, reason ON orders_lead FOR EACH ROW
    WHEN ((OLD.phase, OLD.reason) IS DISTINCT FROM (NEW.phase, NEW.reason))
    EXECUTE FUNCTION gate.tell_partner();

-- What waits for a webhook that has ended waits no more.
CREATE FUNCTION gate.end_deliveries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.orders_delivery d SET next_at = NULL
     WHERE d.company_id = NEW.company_id AND d.webhook_id = NEW.id AND d.next_at IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER end_deliveries AFTER UPDATE OF ended_at ON orders_webhook FOR EACH ROW
    WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION gate.end_deliveries();

-- Of each company that has something to tell now, its id and that of whoever answers for it: who set
-- the webhook, or else another who may.
CREATE FUNCTION gate.telling(issue_key text) RETURNS TABLE (company_id bigint, user_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM gate.check_issuer(issue_key);
    RETURN QUERY
    SELECT due.company_id, chosen.user_id
      FROM (SELECT d.company_id, max(w.made_by_id) AS made_by_id
              FROM public.orders_delivery d JOIN public.orders_webhook w
                ON w.company_id = d.company_id AND w.id = d.webhook_id AND w.ended_at IS NULL
             WHERE d.next_at <= clock_timestamp() GROUP BY d.company_id) due
      JOIN public.accounts_company c ON c.id = due.company_id AND c.suspended_at IS NULL
      CROSS JOIN LATERAL (
           SELECT m.user_id FROM public.accounts_membership m
             JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
             JOIN gate.permission g
               ON g.permission = 'webhooks.manage' AND g.role = m.role AND g.scope = 'all'
            WHERE m.company_id = due.company_id AND m.left_at IS NULL
              AND gate.missing_policies(m.user_id, m.company_id) IS NULL
            ORDER BY m.user_id <> due.made_by_id, m.id LIMIT 1) chosen;
END $$;

REVOKE ALL ON FUNCTION gate.tell_partner(), gate.end_deliveries(), gate.telling(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.telling(text) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0029_heads_go_with_their_company")]
    operations: ClassVar = [WEBHOOK, DELIVERY, guard(RULES + TELLING)]
