"""People are told by mail ahead of a version that will ask them, once each.

The worker asks for some people at a time, and the transaction in which it queues their letters
notes up to which number: so each is handed out once, wherever a worker is killed.
"""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

from accounts.rowrules import guard

TELLING = """
ALTER TABLE policy_announcement ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON policy_announcement FOR SELECT USING (
    (company_id IS NULL AND (SELECT gate.is_operator()))
    OR (company_id = :claim AND company_id = (SELECT gate.enrolled('company.policy'))));
GRANT SELECT ON policy_announcement TO :web;

-- Who is told next of a version that will ask them: its people who work anywhere, or in its company.
-- Its publisher knows. No row once no version is left. The version's row is locked, so of two workers
-- the second takes another, or none; and what was told is read once it is, as it stands then.
CREATE FUNCTION gate.announce(issue_key text, at_once integer)
RETURNS TABLE (version uuid, people bigint[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE coming record; after bigint := 0; told bigint[];
BEGIN
    PERFORM gate.check_issuer(issue_key);
    SELECT v.id, v.company_id, v.published_by_id INTO coming
      FROM public.policy_policyversion v
     WHERE v.material AND v.kind <> 'site' AND v.effective_at > clock_timestamp()
       AND NOT EXISTS (SELECT FROM public.policy_announcement a
                        WHERE a.version_id = v.id AND a.finished_at IS NOT NULL)
     ORDER BY v.effective_at, v.id LIMIT 1 FOR NO KEY UPDATE OF v SKIP LOCKED;
    IF NOT FOUND THEN RETURN; END IF;
    SELECT coalesce(max(a.last_user), 0) INTO after
      FROM public.policy_announcement a WHERE a.version_id = coming.id;
    told := ARRAY(
        SELECT DISTINCT m.user_id FROM public.accounts_membership m
          JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
          JOIN public.accounts_company c ON c.id = m.company_id AND c.suspended_at IS NULL
         WHERE m.left_at IS NULL AND m.user_id > after
           AND m.user_id IS DISTINCT FROM coming.published_by_id
           AND (coming.company_id IS NULL OR m.company_id = coming.company_id)
         ORDER BY m.user_id LIMIT at_once);
    INSERT INTO public.policy_announcement AS a
           (version_id, company_id, people, last_user, finished_at)
    VALUES (coming.id, coming.company_id, cardinality(told),
            coalesce(told[cardinality(told)], after),
            CASE WHEN cardinality(told) < at_once THEN statement_timestamp() END)
    ON CONFLICT (version_id) DO UPDATE
       SET people = a.people + excluded.people, last_user = excluded.last_user,
           finished_at = excluded.finished_at;
    RETURN QUERY SELECT coming.id, told;
END $$;
REVOKE ALL ON FUNCTION gate.announce(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.announce(text, integer) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0026_taken_back_as_it_stands"),
        ("policy", "0018_a_year_ahead"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Announcement",
            fields=[
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="policy.policyversion",
                    ),
                ),
                ("people", models.PositiveIntegerField()),
                ("last_user", models.BigIntegerField()),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "company",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.company",
                    ),
                ),
            ],
        ),
        guard(TELLING, "DROP FUNCTION gate.announce(text, integer);"),
    ]
