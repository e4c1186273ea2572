"""Drafts of policies, and the second operator's word that the platform's need (clause R2).

Where another operator is active, a version of the platform's is published only as a draft that he
approved: with its texts, its summaries, its moment and whom it asks, all of which the draft's seal is
taken over. Whoever changes a draft takes its approvals off. The owner role's commands are bound by
none of it: whoever has the owner's password can do away with triggers.

An approval counts from an operator who is one when the version is published, and was not withdrawn.
A second operator who is appointed, or leaves, changes what is asked from then on.
"""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard

DRAFTING = """
-- Who wrote it, and the seal: the hash over all that it says, which no other keeping of it ever has.
CREATE FUNCTION gate.keep_draft() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT p.company_id INTO NEW.company_id FROM public.policy_policy p WHERE p.id = NEW.policy_id;
    NEW.written_by_id := gate.user_id();
    NEW.written_at := clock_timestamp();
    NEW.edition := CASE WHEN TG_OP = 'UPDATE' THEN OLD.edition ELSE 0 END + 1;
    NEW.seal := encode(sha256(convert_to(jsonb_build_array(NEW.id, NEW.edition, NEW.texts,
        NEW.summaries, NEW.material, extract(epoch FROM NEW.effective_at), NEW.countries)::text,
        'UTF8')), 'hex');
    RETURN NEW;
END $$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON policy_draft FOR EACH ROW
    EXECUTE FUNCTION gate.keep_draft();

-- What was approved is no more.
CREATE FUNCTION gate.forget_approvals() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.policy_approval a WHERE a.draft_id = OLD.id;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER forget BEFORE UPDATE OR DELETE ON policy_draft FOR EACH ROW
    EXECUTE FUNCTION gate.forget_approvals();

-- What is approved is what the approver saw; whoever is changing it meanwhile is waited for.
CREATE FUNCTION gate.approve_draft() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM public.policy_draft d
      WHERE d.id = NEW.draft_id AND d.seal = NEW.seal AND d.company_id IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'policy_approval_seal' USING ERRCODE = '23514';
    END IF;
    NEW.at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER approve BEFORE INSERT ON policy_approval FOR EACH ROW
    EXECUTE FUNCTION gate.approve_draft();

-- A draft goes with the company whose it is.
CREATE FUNCTION gate.discard_draft() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.policy_draft d WHERE d.company_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER discard_draft AFTER UPDATE OF closed_at ON accounts_company FOR EACH ROW
    WHEN (NEW.closed_at IS NOT NULL) EXECUTE FUNCTION gate.discard_draft();
"""

APPROVING = """
-- Runs before the version is numbered. The draft is held until the commit, so it is as approved when
-- its texts are added; the approval is held, too, so it is not withdrawn in between.
CREATE FUNCTION gate.approve_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE d public.policy_draft; broken text;
BEGIN
    NEW.approved_by_id := NULL;
    NEW.seal := NULL;
    -- The row rule asks for the name once for all rows, so with the pass that the first row presents.
    IF NEW.published_by_id IS DISTINCT FROM gate.user_id() THEN
        RAISE EXCEPTION 'a version is published in one''s own name' USING ERRCODE = '42501';
    END IF;
    IF NEW.published_by_id IS NULL  -- the owner's commands; a row rule keeps the web role from it
       OR NOT EXISTS (SELECT FROM public.policy_policy p
                       WHERE p.id = NEW.policy_id AND p.company_id IS NULL)
       OR NOT EXISTS (SELECT FROM public.accounts_user u
                       WHERE u.id <> NEW.published_by_id AND u.is_active AND u.is_superuser) THEN
        RETURN NEW;
    END IF;
    SELECT * INTO d FROM public.policy_draft k WHERE k.policy_id = NEW.policy_id FOR UPDATE;
    SELECT a.by_id INTO NEW.approved_by_id FROM public.policy_approval a
      JOIN public.accounts_user u ON u.id = a.by_id AND u.is_active AND u.is_superuser
     WHERE a.draft_id = d.id AND a.seal = d.seal AND a.by_id <> NEW.published_by_id
     ORDER BY a.at LIMIT 1 FOR KEY SHARE OF a;
    broken := CASE
        WHEN NEW.approved_by_id IS NULL THEN 'policy_version_second'
        WHEN NEW.material <> d.material OR NEW.countries <> d.countries OR NEW.hashes <> (
             SELECT jsonb_object_agg(t.key, encode(sha256(convert_to(t.value, 'UTF8')), 'hex'))
               FROM jsonb_each_text(d.texts) t) THEN 'policy_version_approved'
        END;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION '%', broken USING ERRCODE = '23514';
    END IF;
    NEW.seal := d.seal;
    NEW.effective_at := coalesce(d.effective_at, '-infinity');
    RETURN NEW;
END $$;
CREATE TRIGGER approved BEFORE INSERT ON policy_policyversion FOR EACH ROW
    EXECUTE FUNCTION gate.approve_version();

-- The hash holds the text; what is said to have changed is the draft's, too.
CREATE FUNCTION gate.check_summary() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM public.policy_policyversion v
                WHERE v.id = NEW.version_id AND v.seal IS NOT NULL AND NOT EXISTS (
                      SELECT FROM public.policy_draft d WHERE d.seal = v.seal
                         AND coalesce(d.summaries ->> NEW.language, '') = NEW.summary)) THEN
        RAISE EXCEPTION 'policy_version_approved' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER summary BEFORE INSERT ON policy_policytext FOR EACH ROW
    EXECUTE FUNCTION gate.check_summary();
"""

RULES = """
ALTER TABLE policy_draft ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_draft FOR SELECT USING (
    (company_id IS NULL AND (SELECT gate.is_operator()))
    OR (company_id = :claim AND company_id = (SELECT gate.enrolled('company.policy'))));
CREATE POLICY adds ON policy_draft FOR INSERT WITH CHECK (
    (company_id IS NULL AND (SELECT gate.is_operator()))
    OR (company_id = :claim AND company_id = (SELECT gate.enrolled('company.policy'))));
CREATE POLICY changes ON policy_draft FOR UPDATE USING (
    (company_id IS NULL AND (SELECT gate.is_operator()))
    OR (company_id = :claim AND company_id = (SELECT gate.enrolled('company.policy'))));
CREATE POLICY discards ON policy_draft FOR DELETE USING (
    (company_id IS NULL AND (SELECT gate.is_operator()))
    OR (company_id = :claim AND company_id = (SELECT gate.enrolled('company.policy'))));
GRANT SELECT, INSERT, DELETE,
    UPDATE (texts, summaries, material, effective_at, countries) ON policy_draft TO :web;

ALTER TABLE policy_approval ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_approval FOR SELECT USING ((SELECT gate.is_operator()));
CREATE POLICY adds ON policy_approval FOR INSERT WITH CHECK (
    by_id = (SELECT gate.user_id()) AND (SELECT gate.is_operator()));
CREATE POLICY withdraws ON policy_approval FOR DELETE USING (
    by_id = (SELECT gate.user_id()) AND (SELECT gate.is_operator()));
GRANT SELECT, INSERT, DELETE ON policy_approval TO :web;

SELECT gate.watch(name) FROM unnest(ARRAY['policy_draft', 'policy_approval']::regclass[]) AS name;
REVOKE ALL ON FUNCTION gate.keep_draft(), gate.forget_approvals(), gate.approve_draft(),
    gate.discard_draft(), gate.approve_version(), gate.check_summary() FROM PUBLIC;
"""

TOLD_AHEAD = """
-- What is announced and will ask for acceptance: of the CRM's and the company's policy each the next
-- such version, with the number of the one in force before it (NULL for none), as a JSON array.
CREATE OR REPLACE FUNCTION gate.coming_policies(a_company bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT jsonb_agg(jsonb_build_object('kind', p.kind, 'number', v.number,
                                                'from', v.effective_at, 'since', f.number)
                             ORDER BY v.effective_at)
      FROM public.policy_policy p
     CROSS JOIN LATERAL (
           SELECT u.number, u.effective_at FROM public.policy_policyversion u
            WHERE u.policy_id = p.id AND u.material AND u.effective_at > statement_timestamp()
            ORDER BY u.number LIMIT 1) v
      LEFT JOIN LATERAL (
           SELECT max(u.number) AS number FROM public.policy_policyversion u
            WHERE u.policy_id = p.id AND u.effective_at <= statement_timestamp()) f ON true
     WHERE p.kind = 'crm' OR p.company_id = a_company);
END $$;
"""

UNDO = """
CREATE OR REPLACE FUNCTION gate.coming_policies(a_company bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$ SELECT NULL::jsonb $$;
DROP TRIGGER summary ON policy_policytext;
DROP TRIGGER approved ON policy_policyversion;
DROP TRIGGER discard_draft ON accounts_company;
DROP TRIGGER approve ON policy_approval;
DROP TRIGGER forget ON policy_draft;
DROP TRIGGER keep ON policy_draft;
DROP FUNCTION gate.check_summary(), gate.approve_version(), gate.discard_draft(),
    gate.approve_draft(), gate.forget_approvals(), gate.keep_draft();
DROP POLICY withdraws ON policy_approval;
DROP POLICY adds ON policy_approval;
DROP POLICY reads ON policy_approval;
DROP POLICY discards ON policy_draft;
DROP POLICY changes ON policy_draft;
DROP POLICY adds ON policy_draft;
DROP POLICY reads ON policy_draft;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0018_coming_policies"),
        ("policy", "0012_turns"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Draft",
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
                    "policy",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="draft",
                        to="policy.policy",
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.company",
                    ),
                ),
                ("texts", models.JSONField(default=dict)),
                ("summaries", models.JSONField(default=dict)),
                ("material", models.BooleanField(default=True)),
                ("effective_at", models.DateTimeField(null=True)),
                ("countries", models.JSONField(default=list)),
                ("edition", models.PositiveIntegerField(db_default=0, editable=False)),
                ("seal", models.CharField(db_default="", editable=False, max_length=64)),
                (
                    "written_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "written_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Approval",
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
                    "draft",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="approvals",
                        to="policy.draft",
                    ),
                ),
                ("seal", models.CharField(max_length=64)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("proven", models.CharField(max_length=16)),
            ],
            options={"ordering": ["at"]},
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(
                condition=models.Q(("countries", []), ("company__isnull", False), _connector="OR"),
                name="policy_draft_countries",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                models.F("draft"), models.F("by"), name="policy_approval_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(("proven", ""), _negated=True), name="policy_approval_proven"
            ),
        ),
        migrations.AddField(
            model_name="policyversion",
            name="approved_by",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="policyversion",
            name="seal",
            field=models.CharField(editable=False, max_length=64, null=True),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.UniqueConstraint(models.F("seal"), name="policy_version_sealed_once"),
        ),
        guard(DRAFTING + APPROVING + RULES + TOLD_AHEAD, UNDO),
    ]
