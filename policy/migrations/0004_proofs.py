"""What became of the proofs. Everybody reads it; only the database's owner adds to it, and nobody
changes it: a result that could be edited would prove nothing."""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import accounts.identifiers
from accounts.rowrules import guard

FOR_GOOD = """
GRANT SELECT ON policy_proofrun, policy_proofresult TO :web;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_proofrun
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_proofresult
    FOR EACH STATEMENT EXECUTE FUNCTION gate.refuse_change();
"""

UNDO = """
DROP TRIGGER append_only ON policy_proofresult;
DROP TRIGGER append_only ON policy_proofrun;
REVOKE ALL ON policy_proofrun, policy_proofresult FROM :web;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("policy", "0003_jurisdictions")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="ProofRun",
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
                    "at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("code", models.CharField(max_length=64)),
                ("commit", models.CharField(blank=True, default="", max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="ProofResult",
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
                ("proof", models.CharField(max_length=120)),
                ("outcome", models.CharField(max_length=8)),
                ("where", models.CharField(max_length=8)),
                ("figures", models.JSONField(default=dict)),
                ("said", models.TextField(blank=True, default="")),
                ("seconds", models.FloatField()),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="results",
                        to="policy.proofrun",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("run"), models.F("proof"), name="policy_proofresult_once"
                    )
                ],
            },
        ),
        guard(FOR_GOOD, UNDO),
    ]
