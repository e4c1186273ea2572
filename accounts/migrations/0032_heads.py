"""The head of each company's chain, signed with a key that the database does not have.

Whoever owns the database can write the whole chain anew; so where it ended is kept day by day with
the operator's signature, and mailed to the company's owners (docs/decisions/0020).
"""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard

HEADS = """
ALTER TABLE accounts_audithead ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON accounts_audithead FOR SELECT USING (
    company_id = :claim AND company_id = (SELECT gate.whole('audit.read')));
GRANT SELECT ON accounts_audithead TO :web;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_audithead
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_rewriting();

-- Of each company whose chain has grown since its last head, or whose last head another key signed:
-- where it ends, and the owners who are told.
CREATE FUNCTION gate.heads_due(issue_key text, a_key text)
RETURNS TABLE (company_id bigint, company text, number bigint, hash text, readers jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM gate.check_issuer(issue_key);
    RETURN QUERY
    SELECT e.company_id, c.name::text, e.number, e.hash, (
           SELECT coalesce(jsonb_agg(jsonb_build_object('email', u.email, 'language', u.language)
                           ORDER BY u.email), '[]')
             FROM public.accounts_membership m
             JOIN public.accounts_user u ON u.id = m.user_id AND u.is_active
            WHERE m.company_id = c.id AND m.role = 'owner' AND m.left_at IS NULL)
      FROM gate.chain_end e
      JOIN public.accounts_company c ON c.id = e.company_id AND c.closed_at IS NULL
      LEFT JOIN LATERAL (
           SELECT h.number, h.key FROM public.accounts_audithead h
            WHERE h.company_id = e.company_id ORDER BY h.id DESC LIMIT 1) last ON true
     WHERE (e.number, a_key) IS DISTINCT FROM (last.number, last.key::text) AND e.number > 0
     ORDER BY e.company_id;
END $$;

CREATE FUNCTION gate.keep_head(issue_key text, a_company bigint, a_id uuid, a_number bigint,
    a_hash text, a_moment timestamptz, a_key text, a_signature text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gate.check_issuer(issue_key);
    INSERT INTO public.accounts_audithead (company_id, id, number, hash, at, key, signature)
    VALUES (a_company, a_id, a_number, a_hash, a_moment, a_key, a_signature);
END $$;

REVOKE ALL ON FUNCTION gate.heads_due(text, text),
    gate.keep_head(text, bigint, uuid, bigint, text, timestamptz, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.heads_due(text, text),
    gate.keep_head(text, bigint, uuid, bigint, text, timestamptz, text, text) TO :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0031_factors")]
    operations: ClassVar = [
        migrations.CreateModel(
            "AuditHead",
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
                ("number", models.PositiveBigIntegerField()),
                ("hash", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("key", models.CharField(max_length=8)),
                ("signature", models.CharField(max_length=64)),
                (
                    "company",
                    models.ForeignKey(
                        "accounts.company",
                        django.db.models.deletion.CASCADE,
                        related_name="+",
                        db_index=False,
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        guard(HEADS),
    ]
