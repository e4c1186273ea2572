"""With a company that is closed go the names in its audit, and the chain with its entries."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard, rewritten

CLEARING = """
-- As before (0019), and what stands beside the audit's entries.
CREATE OR REPLACE FUNCTION gate.clear_people(company bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE closer bigint := (SELECT p.user_id FROM public.accounts_pass p
                           WHERE p.hash = gate.presented());
BEGIN
    DELETE FROM public.accounts_auditname WHERE company_id = company;
    DELETE FROM gate.chain_end WHERE company_id = company;
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
"""

LEADS = rewritten(  # the doer's name is no column any more
    "gate.add_lead(text, jsonb, bytea, bytea, bytea, bytea[])",
    ("actor_id, actor_name,", "actor_id,"),
    ("held.user_id, '', 'order.added'", "held.user_id, 'order.added'"),
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0027_moments_that_are_read"),
        ("accounts", "0029_chained"),
    ]
    operations: ClassVar = [guard(CLEARING + LEADS)]
