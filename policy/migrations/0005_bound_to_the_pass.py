"""The policies' row rules of a company compare with what the gate answers (accounts/migrations/0007
says why)."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

RULES = """
ALTER POLICY reads ON policy_acceptance USING (
    user_id = (SELECT gate.user_id())
    OR (company_id = :claim AND company_id = (SELECT gate.enrolled('company.policy'))));
ALTER POLICY reads ON policy_refusal USING (
    company_id = :claim AND company_id = (SELECT gate.whole('company.policy')));
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("policy", "0004_proofs"),
        ("accounts", "0007_bound_to_the_pass"),
    ]
    operations: ClassVar = [guard(RULES)]
