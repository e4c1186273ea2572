"""How long persons are kept in orders that have ended, and what was erased once that was over.

The clock asks for which companies periods are set, and in whose name it may erase there: whoever
set them, while they run the company and have accepted what is in force, or else somebody who does.
It learns nothing else. The pass it then opens is a job's, as any other.
"""

from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard

COMPANY = (
    "company",
    models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        to="accounts.company",
    ),
)

TABLES = [
    migrations.CreateModel(
        "Retention",
        [
            (
                "pk",
                models.CompositePrimaryKey(
                    "company_id",
                    "kind",
                    blank=True,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("kind", models.CharField(max_length=16)),
            ("days", models.PositiveIntegerField()),
            ("set_at", models.DateTimeField(default=django.utils.timezone.now)),
            (
                "author",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
            COMPANY,
        ],
        {
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("days__gte", 1)), name="orders_retention_days"
                )
            ]
        },
    ),
    migrations.CreateModel(
        "RetentionRun",
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
            ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
            ("finished_at", models.DateTimeField(null=True)),
            ("erased", models.JSONField(default=dict)),
            COMPANY,
        ],
    ),
    migrations.AddIndex(
        "order",
        models.Index(
            models.F("company"),
            models.F("status"),
            models.F("updated_at"),
            condition=models.Q(
                ("erased_at", None),
                ("status__in", ("delivered", "paid", "returned", "cancelled", "trash")),
            ),
            name="orders_order_retained",
        ),
    ),
]

RULES = """
-- Not forced: the clock reads it before any company is known. It names nobody but who set it.
ALTER TABLE orders_retention ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_retention FOR SELECT USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.erase')));
CREATE POLICY adds ON orders_retention FOR INSERT WITH CHECK (
    company_id = :claim AND (company_id, author_id) = (SELECT g.company_id, g.user_id
        FROM gate.granted('orders.erase') g WHERE g.scope = 'all'));
CREATE POLICY removes ON orders_retention FOR DELETE USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.erase')));
GRANT SELECT, INSERT, DELETE ON orders_retention TO :web;

ALTER TABLE orders_retentionrun ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_retentionrun FOR SELECT USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.erase')));
CREATE POLICY adds ON orders_retentionrun FOR INSERT WITH CHECK (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.erase')));
CREATE POLICY counts ON orders_retentionrun FOR UPDATE USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.erase')));
CREATE POLICY clears ON orders_retentionrun FOR DELETE USING (
    company_id = :claim AND company_id = (SELECT gate.closing()));
GRANT SELECT, INSERT, UPDATE (finished_at, erased) ON orders_retentionrun TO :web;

SELECT gate.watch('orders_retention'), gate.watch('orders_retentionrun');
"""

CLOCK = """
CREATE FUNCTION gate.retaining() RETURNS TABLE (company_id bigint, user_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF NOT gate.vouched() THEN
        RAISE EXCEPTION 'only for the application itself' USING ERRCODE = '42501';
    END IF;
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

-- As before (0018), and the periods.
CREATE OR REPLACE FUNCTION gate.clear_people(company bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE closer bigint := (SELECT p.user_id FROM public.accounts_pass p
                           WHERE p.hash = gate.presented());
BEGIN
    DELETE FROM public.orders_inquiry WHERE company_id = company;
    DELETE FROM public.orders_retention WHERE company_id = company;
    DELETE FROM public.orders_retentionrun WHERE company_id = company;
    DELETE FROM public.accounts_invitation WHERE company_id = company;
    DELETE FROM public.accounts_membership WHERE company_id = company AND user_id <> closer;
    UPDATE public.accounts_membership SET team_id = NULL WHERE company_id = company;
    DELETE FROM public.accounts_team WHERE company_id = company;
    DELETE FROM public.accounts_partner WHERE company_id = company;
    DELETE FROM public.accounts_membership WHERE company_id = company;
    DELETE FROM public.accounts_pass WHERE company_id = company;
    EXECUTE format('DROP SEQUENCE numbers.company_%s', company);
END $$;

REVOKE ALL ON FUNCTION gate.retaining() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.retaining() TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0018_buyers_rights")]
    operations: ClassVar = [*TABLES, guard(RULES + CLOCK)]
