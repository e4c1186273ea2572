"""What people take along, and the end of a company (accounts/migrations/0011 says under which pass).

Closing is done in two steps. The first, in the request: the company's keys are destroyed, its name
is gone, everybody else is out; from then on no person in it can be opened. The second, in a job:
its rows go, so many in a transaction that nobody else waits.
"""

from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard

TABLES = [
    migrations.CreateModel(
        "Closure",
        [
            ("company_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ("orders", models.PositiveBigIntegerField()),
            ("remaining", models.PositiveBigIntegerField()),
            ("started_at", models.DateTimeField()),
            ("finished_at", models.DateTimeField(null=True)),
            (
                "user",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
    ),
    migrations.CreateModel(
        "Export",
        [
            (
                "id",
                models.UUIDField(
                    default=accounts.identifiers.uuid7,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("company_id", models.BigIntegerField(null=True)),
            ("key", models.BinaryField()),
            ("done", models.PositiveBigIntegerField(default=0)),
            ("total", models.PositiveBigIntegerField(default=0)),
            ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
            ("finished_at", models.DateTimeField(null=True)),
            ("expires_at", models.DateTimeField()),
            (
                "user",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                ),
            ),
        ],
    ),
    migrations.CreateModel(
        "ExportChunk",
        [
            (
                "id",
                models.UUIDField(
                    default=accounts.identifiers.uuid7,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("position", models.PositiveIntegerField()),
            ("body", models.BinaryField()),
            (
                "export",
                models.ForeignKey(
                    db_constraint=False,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="chunks",
                    to="orders.export",
                ),
            ),
        ],
        {
            "constraints": [
                models.UniqueConstraint("export", "position", name="orders_exportchunk_once")
            ]
        },
    ),
]

EXPORTS = """
ALTER TABLE orders_export ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_export FOR SELECT USING (user_id = (SELECT gate.user_id()));
CREATE POLICY makes ON orders_export FOR INSERT WITH CHECK (
    user_id = (SELECT gate.user_id()) AND expires_at <= statement_timestamp() + interval '1 day');
CREATE POLICY goes_on ON orders_export FOR UPDATE USING (user_id = (SELECT gate.user_id()));
GRANT SELECT, INSERT, UPDATE (done, total, finished_at) ON orders_export TO :web;

ALTER TABLE orders_exportchunk ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_exportchunk FOR SELECT USING (
    EXISTS (SELECT FROM orders_export e WHERE e.id = export_id));
CREATE POLICY adds ON orders_exportchunk FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM orders_export e WHERE e.id = export_id));
CREATE POLICY removes ON orders_exportchunk FOR DELETE USING (
    EXISTS (SELECT FROM orders_export e WHERE e.id = export_id));
GRANT SELECT, INSERT, DELETE ON orders_exportchunk TO :web;
ALTER TABLE orders_exportchunk ADD CONSTRAINT orders_exportchunk_export
    FOREIGN KEY (export_id) REFERENCES orders_export (id) ON DELETE CASCADE;

SELECT gate.watch('orders_export'), gate.watch('orders_exportchunk');

CREATE FUNCTION gate.sweep_exports() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE swept bigint;
BEGIN
    DELETE FROM public.orders_export WHERE expires_at <= statement_timestamp();
    GET DIAGNOSTICS swept = ROW_COUNT;
    RETURN swept;
END $$;

-- Who goes leaves no archive behind.
CREATE FUNCTION gate.drop_exports() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.orders_export WHERE user_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER drop_exports AFTER UPDATE OF is_active ON accounts_user FOR EACH ROW
    WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION gate.drop_exports();

REVOKE ALL ON FUNCTION gate.sweep_exports(), gate.drop_exports() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.sweep_exports() TO :web;
"""

CLOSING = """
ALTER TABLE orders_closure ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON orders_closure FOR SELECT USING (user_id = (SELECT gate.user_id()));
GRANT SELECT ON orders_closure TO :web;

-- For the gate's own functions, which the forced rules bind too. What hangs on these goes along.
CREATE POLICY clears ON orders_order FOR DELETE USING (
    company_id = :claim AND company_id = (SELECT gate.closing()));
CREATE POLICY clears ON orders_offer FOR DELETE USING (
    company_id = :claim AND company_id = (SELECT gate.closing()));
CREATE POLICY clears ON orders_import FOR DELETE USING (
    company_id = :claim AND company_id = (SELECT gate.closing()));
CREATE POLICY clears ON orders_importrefusal FOR DELETE USING (
    company_id = :claim AND company_id = (SELECT gate.closing()));

-- Destroys the keys and shuts the doors, at once and for good. The owner who does it stays a member
-- until the last row is gone: his closing pass rests on that.
CREATE FUNCTION gate.close_company(issue_key text, secret text, until timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asking bigint := gate.holder_in_person(issue_key);
    company bigint := gate.enrolled('company.close');
    ours text := current_setting('gate.pass', true);
    counted bigint;
BEGIN
    UPDATE public.accounts_company
       SET closed_at = statement_timestamp(), suspended_at = statement_timestamp(),
           name = format('Company %s', id), slug = format('deleted-company-%s', id),
           country = '', currency = 'EUR', time_zone = 'UTC'
     WHERE id = company AND closed_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'an owner alone closes a company, once' USING ERRCODE = '42501';
    END IF;
    UPDATE public.accounts_membership SET left_at = statement_timestamp()
     WHERE company_id = company AND user_id <> asking AND left_at IS NULL;
    DELETE FROM public.accounts_pass
     WHERE company_id = company AND hash <> gate.presented();
    UPDATE public.accounts_pass SET company_id = NULL, verified_until = NULL, scopes = NULL
     WHERE hash = gate.presented();
    INSERT INTO public.accounts_pass
        (hash, kind, user_id, company_id, reach, data, created_at, expires_at)
    VALUES (sha256(convert_to(secret, 'UTF8')), 'closing', asking, company,
            '["orders.read", "orders.import", "persons.open", "people.read", "audit.read"]', '',
            statement_timestamp(), until);
    PERFORM set_config('gate.pass', secret, true),
            set_config('gate.company', company::text, true);
    DELETE FROM public.accounts_companykey WHERE company_id = company;
    SELECT count(*) INTO counted FROM public.orders_order WHERE company_id = company;
    INSERT INTO public.orders_closure (company_id, user_id, orders, remaining, started_at)
    VALUES (company, asking, counted, counted, statement_timestamp());
    PERFORM set_config('gate.pass', ours, true), set_config('gate.company', '', true);
    RETURN company;
END $$;

-- Deletes some rows of one table, the first that has any; false once all are gone. By ranges of
-- the key: the planner would read the whole table for a join with a limited list of ids.
CREATE FUNCTION gate.clear_company(many integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    company bigint := gate.closing();
    a_table text; last uuid; gone bigint;
BEGIN
    IF company IS NULL THEN
        RAISE EXCEPTION 'nothing is being closed by this pass' USING ERRCODE = '42501';
    END IF;
    PERFORM set_config('gate.company', company::text, true);
    FOREACH a_table IN ARRAY ARRAY['orders_order', 'orders_importchunk', 'orders_importrefusal',
        'orders_import', 'orders_offer', 'accounts_auditentry']
    LOOP
        EXECUTE format('SELECT id FROM public.%I WHERE company_id = $1 ORDER BY id OFFSET $2 - 1'
            ' LIMIT 1', a_table) INTO last USING company, many;
        EXECUTE format('DELETE FROM public.%I WHERE company_id = $1 AND id <= coalesce($2,'
            ' ''ffffffff-ffff-ffff-ffff-ffffffffffff'')', a_table) USING company, last;
        GET DIAGNOSTICS gone = ROW_COUNT;
        IF gone > 0 THEN
            UPDATE public.orders_closure
               SET remaining = greatest(
                   remaining - CASE a_table WHEN 'orders_order' THEN gone ELSE 0 END, 0)
             WHERE company_id = company;
            RETURN true;
        END IF;
    END LOOP;
    PERFORM gate.clear_people(company);
    UPDATE public.orders_closure SET finished_at = statement_timestamp()
     WHERE company_id = company;
    RETURN false;
END $$;

-- The last of a company, and the pass with it: a membership holds its team and partner.
CREATE FUNCTION gate.clear_people(company bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE closer bigint := (SELECT p.user_id FROM public.accounts_pass p
                           WHERE p.hash = gate.presented());
BEGIN
    DELETE FROM public.accounts_invitation WHERE company_id = company;
    DELETE FROM public.accounts_membership WHERE company_id = company AND user_id <> closer;
    UPDATE public.accounts_membership SET team_id = NULL WHERE company_id = company;
    DELETE FROM public.accounts_team WHERE company_id = company;
    DELETE FROM public.accounts_partner WHERE company_id = company;
    DELETE FROM public.accounts_membership WHERE company_id = company;
    DELETE FROM public.accounts_pass WHERE company_id = company;
    EXECUTE format('DROP SEQUENCE numbers.company_%s', company);
END $$;

REVOKE ALL ON FUNCTION gate.close_company(text, text, timestamptz), gate.clear_company(integer),
    gate.clear_people(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.close_company(text, text, timestamptz),
    gate.clear_company(integer) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0013_countries_covered"),
        ("accounts", "0011_leaving"),
    ]
    operations: ClassVar = [*TABLES, guard(EXPORTS + CLOSING)]
