"""Visits of the external pages: our own count, and the operator's decisions on another's (S2)."""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard

RULES = """
-- One after another, and each at its own moment, so that the last is the last.
CREATE FUNCTION gate.decide_counter() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('policy_counter'));
    NEW.decided_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER decide BEFORE INSERT ON policy_counter FOR EACH ROW
    EXECUTE FUNCTION gate.decide_counter();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_counter
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_change();

-- Every external page asks which counter is on; the operator alone decides, in no other name.
ALTER TABLE policy_counter ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_counter FOR SELECT USING ((SELECT gate.vouched()));
CREATE POLICY adds ON policy_counter FOR INSERT WITH CHECK (
    (SELECT gate.vouched()) AND decided_by_id = (SELECT gate.user_id())
    AND (SELECT gate.is_operator()));
GRANT SELECT, INSERT ON policy_counter TO :web;
SELECT gate.watch('policy_counter');

-- Adds one to today's count (UTC) of a page. A path that is no external page's fits no constraint.
CREATE FUNCTION gate.count_visit(a_path text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT gate.vouched() THEN
        RAISE EXCEPTION 'visits are counted by the application' USING ERRCODE = '42501';
    END IF;
    INSERT INTO public.policy_visits AS v (day, path, count)
    VALUES ((statement_timestamp() AT TIME ZONE 'UTC')::date, a_path, 1)
    ON CONFLICT (day, path) DO UPDATE SET count = v.count + 1;
END $$;

ALTER TABLE policy_visits ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_visits FOR SELECT USING (
    (SELECT gate.vouched()) AND (SELECT gate.is_operator()));
GRANT SELECT ON policy_visits TO :web;

REVOKE ALL ON FUNCTION gate.decide_counter(), gate.count_visit(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.count_visit(text) TO :web;
"""

UNDO = """
DROP FUNCTION gate.count_visit(text);
DROP TRIGGER append_only ON policy_counter;
DROP TRIGGER decide ON policy_counter;
DROP FUNCTION gate.decide_counter();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("policy", "0010_reminders")]
    operations: ClassVar = [
        migrations.CreateModel(
            "Counter",
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
                ("number", models.BigIntegerField("number of the counter", null=True)),
                (
                    "decided_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        settings.AUTH_USER_MODEL,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        db_index=False,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(models.F("decided_at"), name="policy_counter_last"),
                    models.CheckConstraint(
                        condition=models.Q(number__isnull=True) | models.Q(number__gt=0),
                        name="policy_counter_number",
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            "Visits",
            [
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "day", "path",
                        blank=True, editable=False, primary_key=True, serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("path", models.CharField(max_length=50)),
                ("count", models.PositiveBigIntegerField()),
            ],
            options={
                "db_table": "policy_visits",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(path__in=("/", "/privacy/")),
                        name="policy_visits_external",
                    )
                ],
            },
        ),
        guard(RULES, UNDO),
    ]  # fmt: skip
