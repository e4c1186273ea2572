"""A version is announced for a year ahead at most.

No version comes into force before one that was published earlier, and none is taken back: one announced
for the year 9999, or for never, was a policy's last. Versions that there are stay as they are.
"""

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

AHEAD = timedelta(days=366)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("policy", "0017_published_by_oneself")]
    operations: ClassVar = [
        AddConstraintNotValid(
            "policyversion",
            models.CheckConstraint(
                condition=models.Q(effective_at__lte=models.F("published_at") + AHEAD),
                name="policy_version_ahead",
            ),
        ),
        AddConstraintNotValid(
            "draft",
            models.CheckConstraint(
                condition=models.Q(effective_at__lte=models.F("written_at") + AHEAD),
                name="policy_draft_ahead",
            ),
        ),
    ]
