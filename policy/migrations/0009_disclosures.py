"""The disclosure register (clause T1): what the database itself holds the operators to.

A request and its events are only ever added to. Two different operators, both of them operators
still, approve before a package is made; nothing comes after a refusal, nor after a package but its
being taken, once. A company reads the requests about it from the moment that no secrecy holds any
more, by the clock; telling it by mail is a second matter. The sealed package is handed out by one
function, since reading it twice would leave no trace.

Only `key` may be written anew, by the owner: the master key that wraps it is rotated.
"""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard

REGISTER = """
CREATE FUNCTION gate.receive_disclosure() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.received_at := clock_timestamp();
    IF jsonb_typeof(NEW.numbers) <> 'array' OR jsonb_array_length(NEW.numbers) NOT BETWEEN 1 AND 1000
       OR EXISTS (SELECT FROM jsonb_array_elements(NEW.numbers) o
                   WHERE jsonb_typeof(o) <> 'number' OR o::text !~ '^[1-9][0-9]{0,17}$') THEN
        RAISE EXCEPTION 'a request names its orders, each by its number' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receive BEFORE INSERT ON policy_disclosure FOR EACH ROW
    EXECUTE FUNCTION gate.receive_disclosure();

-- One deed after another, and each in its turn. An operator who is none any more has not approved.
CREATE FUNCTION gate.enter_disclosure() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE approvers bigint[]; broken text;
BEGIN
    PERFORM FROM public.policy_disclosure d WHERE d.id = NEW.disclosure_id FOR UPDATE;
    NEW.at := clock_timestamp();
    SELECT array_agg(DISTINCT u.id) INTO approvers
      FROM public.policy_disclosureevent e JOIN public.accounts_user u ON u.id = e.by_id
     WHERE e.disclosure_id = NEW.disclosure_id AND e.deed = 'approved'
       AND u.is_active AND u.is_superuser;
    broken := CASE
        WHEN NEW.deed IN ('approved', 'refused', 'packaged') AND EXISTS (
             SELECT FROM public.policy_disclosureevent e WHERE e.disclosure_id = NEW.disclosure_id
                AND e.deed IN ('refused', 'packaged')) THEN 'policy_disclosure_over'
        WHEN NEW.deed IN ('packaged', 'taken') AND coalesce(cardinality(approvers), 0) < 2
             THEN 'policy_disclosure_two'
        WHEN NEW.deed IN ('packaged', 'taken') AND NEW.by_id <> ALL (approvers)
             THEN 'policy_disclosure_approver'
        WHEN NEW.deed = 'taken' AND NOT EXISTS (
             SELECT FROM public.policy_disclosurepackage p
              WHERE p.disclosure_id = NEW.disclosure_id) THEN 'policy_disclosure_two'
        END;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION '%', broken USING ERRCODE = '23514', CONSTRAINT = broken;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER enter BEFORE INSERT ON policy_disclosureevent FOR EACH ROW
    EXECUTE FUNCTION gate.enter_disclosure();

CREATE TRIGGER append_only BEFORE UPDATE OF id, company_id, received_at, received_by_id, authority,
    legal_basis, numbers, document, document_hash, secret_until, secrecy_ground
    OR DELETE OR TRUNCATE ON policy_disclosure
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_disclosureevent
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_disclosurepackage
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_change();
"""

RULES = """
ALTER TABLE policy_disclosure ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_disclosure FOR SELECT USING (
    (SELECT gate.is_operator())
    OR (company_id = :claim AND company_id = (SELECT gate.enrolled('company.policy'))
        AND coalesce(secret_until <= statement_timestamp(), true)));
CREATE POLICY adds ON policy_disclosure FOR INSERT WITH CHECK (
    received_by_id = (SELECT gate.user_id()) AND (SELECT gate.is_operator()));
GRANT SELECT, INSERT ON policy_disclosure TO :web;

-- The other deeds are entered by the gate's functions alone.
ALTER TABLE policy_disclosureevent ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_disclosureevent FOR SELECT USING (
    EXISTS (SELECT FROM policy_disclosure d WHERE d.id = disclosure_id));
CREATE POLICY adds ON policy_disclosureevent FOR INSERT WITH CHECK (
    deed IN ('approved', 'refused')
    AND by_id = (SELECT gate.user_id()) AND (SELECT gate.is_operator()));
GRANT SELECT, INSERT ON policy_disclosureevent TO :web;

ALTER TABLE policy_disclosurepackage ENABLE ROW LEVEL SECURITY;
CREATE POLICY adds ON policy_disclosurepackage FOR INSERT WITH CHECK (
    (SELECT gate.is_operator())
    AND EXISTS (SELECT FROM policy_disclosureevent e WHERE e.disclosure_id = policy_disclosurepackage.disclosure_id
                   AND e.deed = 'packaged' AND e.by_id = (SELECT gate.user_id())));
GRANT INSERT ON policy_disclosurepackage TO :web;

SELECT gate.watch(name) FROM unnest(ARRAY['policy_disclosure', 'policy_disclosureevent',
    'policy_disclosurepackage']::regclass[]) AS name;
"""

DEEDS = """
CREATE FUNCTION gate.take_package(a_disclosure uuid) RETURNS bytea
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT gate.is_operator() THEN
        RAISE EXCEPTION 'packages are the operators'' to take' USING ERRCODE = '42501';
    END IF;
    INSERT INTO public.policy_disclosureevent (id, disclosure_id, deed, by_id, proven, reason)
    VALUES (gen_random_uuid(), a_disclosure, 'taken', gate.user_id(), '', '');
    RETURN (SELECT p.body FROM public.policy_disclosurepackage p
             WHERE p.disclosure_id = a_disclosure);
END $$;

-- Whom to write to of companies that may know and have not been told; told they are, by this.
CREATE FUNCTION gate.tell_companies() RETURNS TABLE (company text, email text, language text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT gate.vouched() THEN
        RAISE EXCEPTION 'only the application itself may do this' USING ERRCODE = '42501';
    END IF;
    RETURN QUERY
    WITH told AS (
        INSERT INTO public.policy_disclosureevent (id, disclosure_id, deed, proven, reason)
        SELECT gen_random_uuid(), d.id, 'told', '', '' FROM public.policy_disclosure d
         WHERE coalesce(d.secret_until <= statement_timestamp(), true)
           AND NOT EXISTS (SELECT FROM public.policy_disclosureevent e
                            WHERE e.disclosure_id = d.id AND e.deed = 'told')
        ON CONFLICT DO NOTHING
        RETURNING disclosure_id)
    SELECT c.name::text, u.email::text, u.language::text
      FROM told t JOIN public.policy_disclosure d ON d.id = t.disclosure_id
      JOIN public.accounts_company c ON c.id = d.company_id
      JOIN public.accounts_membership m ON m.company_id = c.id AND m.left_at IS NULL
      JOIN gate.permission g
        ON g.permission = 'company.policy' AND g.scope = 'all' AND g.role = m.role
      JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
     ORDER BY 2;
END $$;

-- For everybody: how many there were, and what became of them.
CREATE FUNCTION gate.disclosures()
RETURNS TABLE (year integer, received bigint, refused bigint, handed_over bigint, open bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT extract(year FROM d.received_at AT TIME ZONE 'UTC')::integer, count(*),
           count(*) FILTER (WHERE e.deed = 'refused'),
           count(*) FILTER (WHERE e.deed = 'packaged'), count(*) FILTER (WHERE e.deed IS NULL)
      FROM public.policy_disclosure d
      LEFT JOIN public.policy_disclosureevent e
        ON e.disclosure_id = d.id AND e.deed IN ('refused', 'packaged')
     GROUP BY 1 ORDER BY 1 DESC;
END $$;

REVOKE ALL ON FUNCTION gate.receive_disclosure(), gate.enter_disclosure(),
    gate.take_package(uuid), gate.tell_companies(), gate.disclosures() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.take_package(uuid), gate.tell_companies(), gate.disclosures()
    TO :web;
"""

UNDO = """
DROP FUNCTION gate.disclosures(), gate.tell_companies(), gate.take_package(uuid);
DROP POLICY adds ON policy_disclosurepackage;
DROP POLICY adds ON policy_disclosureevent;
DROP POLICY reads ON policy_disclosureevent;
DROP POLICY adds ON policy_disclosure;
DROP POLICY reads ON policy_disclosure;
DROP TRIGGER enter ON policy_disclosureevent;
DROP TRIGGER receive ON policy_disclosure;
DROP FUNCTION gate.enter_disclosure(), gate.receive_disclosure();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0008_checked_at_commit"),
        ("policy", "0008_operators_role"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Disclosure",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=accounts.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "received_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("authority", models.CharField(max_length=200, verbose_name="authority")),
                ("legal_basis", models.CharField(max_length=500, verbose_name="legal basis")),
                ("numbers", models.JSONField(verbose_name="orders")),
                ("document", models.BinaryField()),
                ("document_hash", models.CharField(max_length=64)),
                ("key", models.BinaryField()),
                ("secret_until", models.DateTimeField(null=True, verbose_name="secret until")),
                (
                    "secrecy_ground",
                    models.CharField(
                        blank=True, max_length=500, verbose_name="ground of the secrecy"
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.company",
                    ),
                ),
                (
                    "received_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DisclosurePackage",
            fields=[
                (
                    "disclosure",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="package",
                        serialize=False,
                        to="policy.disclosure",
                    ),
                ),
                ("body", models.BinaryField()),
                ("hash", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="DisclosureEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=accounts.identifiers.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "deed",
                    models.CharField(
                        choices=[
                            ("approved", "approved"),
                            ("refused", "refused"),
                            ("packaged", "package made"),
                            ("taken", "package taken"),
                            ("told", "company told"),
                        ],
                        max_length=8,
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("proven", models.CharField(blank=True, default="", max_length=16)),
                (
                    "reason",
                    models.CharField(blank=True, default="", max_length=500, verbose_name="reason"),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "disclosure",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="policy.disclosure",
                    ),
                ),
            ],
            options={
                "ordering": ["at"],
            },
        ),
        migrations.AddConstraint(
            model_name="disclosure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("authority", ""), _negated=True),
                    models.Q(("legal_basis", ""), _negated=True),
                ),
                name="policy_disclosure_grounded",
            ),
        ),
        migrations.AddConstraint(
            model_name="disclosure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("secrecy_ground", ""), ("secret_until__isnull", True)),
                    models.Q(
                        ("secret_until__isnull", False),
                        models.Q(("secrecy_ground", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="policy_disclosure_secrecy_grounded",
            ),
        ),
        migrations.AddConstraint(
            model_name="disclosureevent",
            constraint=models.UniqueConstraint(
                models.F("disclosure"),
                models.F("by"),
                condition=models.Q(("deed", "approved")),
                name="policy_disclosure_twice",
            ),
        ),
        migrations.AddConstraint(
            model_name="disclosureevent",
            constraint=models.UniqueConstraint(
                models.F("disclosure"),
                models.F("deed"),
                condition=models.Q(("deed", "approved"), _negated=True),
                name="policy_disclosure_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="disclosureevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("deed__in", ["approved", "refused", "packaged", "taken", "told"])
                ),
                name="policy_disclosureevent_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="disclosureevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("deed", "refused"), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="policy_disclosure_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="disclosureevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("deed", "approved"), _negated=True),
                    models.Q(("proven", ""), _negated=True),
                    _connector="OR",
                ),
                name="policy_disclosure_proven",
            ),
        ),
        migrations.AddConstraint(
            model_name="disclosureevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("deed", "told"), ("by__isnull", False), _connector="OR"),
                name="policy_disclosure_doer",
            ),
        ),
        guard(REGISTER + RULES + DEEDS, UNDO),
    ]
