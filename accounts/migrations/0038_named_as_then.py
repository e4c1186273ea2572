"""Whoever looked under an access link is named as the audit names him: as he was called then.

The page of a link had the name of now, which is its bearer's own to change.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard, rewritten

NAMED = rewritten(
    "gate.deeds_under(uuid, timestamptz, integer)",
    (
        "coalesce(nullif(u.name, ''), u.email)::text",
        "coalesce(n.name, nullif(u.name, ''), u.email)::text",
    ),
    (
        "JOIN public.accounts_user u ON u.id = e.actor_id",
        "JOIN public.accounts_user u ON u.id = e.actor_id\n"
        "      LEFT JOIN public.accounts_auditname n\n"
        "        ON n.company_id = e.company_id AND n.seal = e.actor_seal",
    ),
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0037_all_taken_along")]
    operations: ClassVar = [guard(NAMED)]
