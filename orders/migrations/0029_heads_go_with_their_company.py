"""With a company that is closed go the heads of its audit's chain."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard, rewritten

CLEARING = rewritten(
    "gate.clear_people(bigint)",
    (
        "DELETE FROM public.accounts_auditname WHERE",
        "DELETE FROM public.accounts_audithead WHERE company_id = company;\n"
        "    DELETE FROM public.accounts_auditname WHERE",
    ),
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0028_audit_goes_with_its_company"),
        ("accounts", "0032_heads"),
    ]
    operations: ClassVar = [guard(CLEARING)]
