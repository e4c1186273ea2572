"""What a company is asked about one buyer, and what erasing that buyer everywhere takes.

A line that an import refused can be deleted by who may erase, and so can a comment on an order
whose person stays: it may speak of somebody else. Such a comment owes an entry in its order's
history, as a change of the order does (0011).
"""

from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard

TABLE = migrations.CreateModel(
    "Inquiry",
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
        ("buyer", models.BinaryField(null=True)),
        ("read", models.PositiveBigIntegerField(default=0)),
        ("total", models.PositiveBigIntegerField(default=0)),
        ("found", models.JSONField(default=dict)),
        ("erased", models.JSONField(default=dict)),
        ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
        ("read_at", models.DateTimeField(null=True)),
        ("erasing_at", models.DateTimeField(null=True)),
        ("erased_at", models.DateTimeField(null=True)),
        ("expires_at", models.DateTimeField()),
        (
            "author",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
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
    {
        "constraints": [
            models.CheckConstraint(
                condition=models.Q(
                    ("erased_at", None),
                    models.Q(("buyer", None), ("found", {})),
                    _connector="XOR",
                ),
                name="orders_inquiry_erased",
            )
        ]
    },
)

INQUIRIES = """
-- Not forced: what is over is swept before any company is known, as exports are.
ALTER TABLE orders_inquiry ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_inquiry FOR SELECT USING (
    company_id = :claim AND company_id = (SELECT gate.whole('buyers.answer')));
CREATE POLICY adds ON orders_inquiry FOR INSERT WITH CHECK (
    company_id = :claim AND expires_at <= statement_timestamp() + interval '1 day'
    AND (company_id, author_id) = (SELECT g.company_id, g.user_id
        FROM gate.granted('buyers.answer') g WHERE g.scope = 'all'));
CREATE POLICY goes_on ON orders_inquiry FOR UPDATE USING (
    company_id = :claim AND company_id = (SELECT gate.whole('buyers.answer')));
CREATE POLICY removes ON orders_inquiry FOR DELETE USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.erase')));
GRANT SELECT, INSERT, DELETE,
    UPDATE (buyer, read, total, found, erased, read_at, erasing_at, erased_at)
    ON orders_inquiry TO :web;
SELECT gate.watch('orders_inquiry');

-- One that is being erased stays until it is done, or for a month.
CREATE FUNCTION gate.sweep_inquiries() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE swept bigint;
BEGIN
    DELETE FROM public.orders_inquiry
     WHERE expires_at <= statement_timestamp() - CASE
           WHEN erasing_at IS NOT NULL AND erased_at IS NULL THEN interval '30 days'
           ELSE interval '0' END;
    GET DIAGNOSTICS swept = ROW_COUNT;
    RETURN swept;
END $$;

-- What a company's owners took along of it, and may still load, holds whoever is erased now.
CREATE FUNCTION gate.drop_archives() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.orders_export e
     WHERE e.company_id = (SELECT gate.whole('orders.erase'));
END $$;
"""

ERASING = """
-- Who evaluates a rule calls its functions: for a pass that closes nothing this is NULL.
GRANT EXECUTE ON FUNCTION gate.closing() TO :web;
DROP POLICY clears ON orders_importrefusal;
CREATE POLICY removes ON orders_importrefusal FOR DELETE USING (
    company_id = :claim AND (company_id = (SELECT gate.closing())
        OR company_id = (SELECT gate.whole('orders.erase'))));
GRANT DELETE ON orders_importrefusal TO :web;

ALTER POLICY removes ON orders_comment USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.erase')));

CREATE FUNCTION gate.owe_comment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO gate.untold (order_id, company_id, was, became)
    SELECT o.id, o.company_id, o.status, o.status FROM public.orders_order o
     WHERE o.company_id = OLD.company_id AND o.id = OLD.order_id AND o.erased_at IS NULL;
    RETURN NULL;
END $$;
-- Not for the tables' owner, in whose name a company's orders go with what hangs on them.
DO $$ BEGIN
    EXECUTE format('CREATE TRIGGER owe_entry AFTER DELETE ON orders_comment FOR EACH ROW '
        'WHEN (current_user <> %L) EXECUTE FUNCTION gate.owe_comment()', current_user);
END $$;

CREATE OR REPLACE TRIGGER tell AFTER INSERT ON accounts_auditentry FOR EACH ROW
    WHEN (NEW.action IN ('order.added', 'order.edited', 'order.moved', 'order.assigned',
                         'order.erased', 'order.comment_erased'))
    EXECUTE FUNCTION gate.tell();
"""

CLOSING = """
-- As before (0014), and what was asked about buyers.
CREATE OR REPLACE FUNCTION gate.clear_people(company bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE closer bigint := (SELECT p.user_id FROM public.accounts_pass p
                           WHERE p.hash = gate.presented());
BEGIN
    DELETE FROM public.orders_inquiry WHERE company_id = company;
    DELETE FROM public.accounts_invitation WHERE company_id = company;
    DELETE FROM public.accounts_membership WHERE company_id = company AND user_id <> closer;
    UPDATE public.accounts_membership SET team_id = NULL WHERE company_id = company;
    DELETE FROM public.accounts_team WHERE company_id = company;
    DELETE FROM public.accounts_partner WHERE company_id = company;
    DELETE FROM public.accounts_membership WHERE company_id = company;
    DELETE FROM public.accounts_pass WHERE company_id = company;
    EXECUTE format('DROP SEQUENCE numbers.company_%s', company);
END $$;

REVOKE ALL ON FUNCTION gate.sweep_inquiries(), gate.drop_archives(), gate.owe_comment()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.sweep_inquiries(), gate.drop_archives() TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0017_new_orders_judged"),
        ("accounts", "0015_revoked_without_waiting"),
    ]
    operations: ClassVar = [TABLE, guard(INQUIRIES + ERASING + CLOSING)]
