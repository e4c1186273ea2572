"""The operator's list of prohibited jurisdictions, and the count of whom it refused (clause P2).

The list is made of decisions, and a decision is only ever added. Its first came with the software:
the server's clause names the Russian Federation. The count is written through the gate alone, which
adds to the company of the pass and never takes away.
"""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard

LIST = """
-- The countries that the last decision about them put on the list; STABLE, so that a statement on
-- many orders asks with the one snapshot.
CREATE FUNCTION gate.prohibits(a_code text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT j.prohibited FROM public.policy_jurisdiction j
                      WHERE j.code = a_code ORDER BY j.decided_at DESC LIMIT 1), false)
$$;

-- One after another, and each at its own moment, so that the last is the last.
CREATE FUNCTION gate.decide_jurisdiction() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('policy_jurisdiction'));
    NEW.decided_at := clock_timestamp();
    IF NEW.prohibited = gate.prohibits(NEW.code) THEN
        RAISE EXCEPTION 'policy_jurisdiction_decides'
            USING ERRCODE = '23514', CONSTRAINT = 'policy_jurisdiction_decides';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decide BEFORE INSERT ON policy_jurisdiction FOR EACH ROW
    EXECUTE FUNCTION gate.decide_jurisdiction();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_jurisdiction
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_change();

-- Everybody's input is judged by the list; the operator alone decides, in no other name.
ALTER TABLE policy_jurisdiction ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_jurisdiction FOR SELECT USING ((SELECT gate.vouched()));
CREATE POLICY adds ON policy_jurisdiction FOR INSERT WITH CHECK (
    (SELECT gate.vouched()) AND decided_by_id = (SELECT gate.user_id())
    AND (SELECT gate.is_operator()));
GRANT SELECT, INSERT ON policy_jurisdiction TO :web;

INSERT INTO policy_jurisdiction (id, code, prohibited, reason)
VALUES (gen_random_uuid(), 'RU', true, '');
"""

COUNT = """
-- Adds to the count of the pass's company, on the day that it is (UTC). Whoever may work in the
-- company may add: what was refused leaves nothing else, so nothing else vouches for it.
CREATE FUNCTION gate.count_refusals(a_way text, a_sign text, a_jurisdiction text, number bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF gate.scope('company.enter') IS NULL OR number < 1 THEN
        RAISE EXCEPTION 'a refusal is counted by the company it happened in'
            USING ERRCODE = '42501';
    END IF;
    INSERT INTO public.policy_refusal AS r (company_id, day, way, sign, jurisdiction, count)
    VALUES (gate.claim(), (statement_timestamp() AT TIME ZONE 'UTC')::date, a_way, a_sign,
            a_jurisdiction, number)
    ON CONFLICT (company_id, day, way, sign, jurisdiction)
        DO UPDATE SET count = r.count + excluded.count;
END $$;

-- How often each rule refused somebody, of all companies together, for the operator.
CREATE FUNCTION gate.refusal_totals()
RETURNS TABLE (jurisdiction text, sign text, way text, refused bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT gate.is_operator() THEN
        RAISE EXCEPTION 'the totals are the operator''s' USING ERRCODE = '42501';
    END IF;
    RETURN QUERY
    SELECT r.jurisdiction::text, r.sign::text, r.way::text, sum(r.count)::bigint
      FROM public.policy_refusal r GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
END $$;

ALTER TABLE policy_refusal ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_refusal FOR SELECT USING (
    company_id = gate.claim() AND (SELECT gate.allows('company.policy')) = 'all');
GRANT SELECT ON policy_refusal TO :web;

REVOKE ALL ON FUNCTION gate.prohibits(text), gate.decide_jurisdiction(),
    gate.count_refusals(text, text, text, bigint), gate.refusal_totals() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.count_refusals(text, text, text, bigint), gate.refusal_totals()
    TO :web;
"""

UNDO = """
DROP FUNCTION gate.refusal_totals(), gate.count_refusals(text, text, text, bigint);
DROP TRIGGER append_only ON policy_jurisdiction;
DROP TRIGGER decide ON policy_jurisdiction;
DROP FUNCTION gate.decide_jurisdiction(), gate.prohibits(text);
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("policy", "0002_row_rules")]
    operations: ClassVar = [
        migrations.CreateModel(
            "Jurisdiction",
            [
                (
                    "id",
                    models.UUIDField(
                        primary_key=True,
                        default=accounts.identifiers.uuid7,
                        editable=False,
                        serialize=False,
                    ),
                ),
                ("code", models.CharField("country", max_length=2)),
                ("prohibited", models.BooleanField()),
                ("reason", models.CharField("reason", max_length=500, blank=True)),
                (
                    "decided_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        settings.AUTH_USER_MODEL,
                        on_delete=django.db.models.deletion.PROTECT,
                        null=True,
                        related_name="+",
                        db_index=False,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("code"), models.F("decided_at"), name="policy_jurisdiction_last"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(code__regex="^[A-Z]{2}$"),
                        name="policy_jurisdiction_code",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True)
                        | models.Q(decided_by__isnull=True),
                        name="policy_jurisdiction_reason",
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            "Refusal",
            [
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "company_id", "day", "way", "sign", "jurisdiction",
                        blank=True, editable=False, primary_key=True, serialize=False,
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        "accounts.company",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        db_index=False,
                    ),
                ),
                ("day", models.DateField("day")),
                (
                    "way",
                    models.CharField(
                        "came by",
                        max_length=8,
                        choices=[
                            ("form", "form"),
                            ("edit", "edit of an order"),
                            ("import", "import"),
                            ("api", "API"),
                        ],
                    ),
                ),
                (
                    "sign",
                    models.CharField(
                        "sign",
                        max_length=12,
                        choices=[
                            ("citizenship", "citizenship"),
                            ("country", "country"),
                            ("phone", "telephone"),
                        ],
                    ),
                ),
                ("jurisdiction", models.CharField("country", max_length=2)),
                ("count", models.PositiveBigIntegerField("refused")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(way__in=["form", "edit", "import", "api"]),
                        name="policy_refusal_way",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(sign__in=["citizenship", "country", "phone"]),
                        name="policy_refusal_sign",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(jurisdiction__regex="^[A-Z]{2}$"),
                        name="policy_refusal_jurisdiction",
                    ),
                ]
            },
        ),
        guard(LIST + COUNT, UNDO),
    ]  # fmt: skip
