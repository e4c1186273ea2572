"""A company's audit is read by its page of a million entries: by time, person and deed."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0029_chained")]
    operations: ClassVar = [
        migrations.AlterField(
            "auditentry",
            "actor",
            models.ForeignKey(
                settings.AUTH_USER_MODEL,
                django.db.models.deletion.PROTECT,
                related_name="+",
                db_index=False,
            ),
        ),
        migrations.AddIndex(
            "auditentry", models.Index("company", "at", "id", name="accounts_audit_by_time")
        ),
        migrations.AddIndex(
            "auditentry",
            models.Index("company", "actor", "at", "id", name="accounts_audit_by_actor"),
        ),
        migrations.AddIndex(
            "auditentry",
            models.Index("company", "action", "at", "id", name="accounts_audit_by_action"),
        ),
        migrations.AddIndex(
            "auditentry",
            models.Index(
                fields=["company", "person", "at", "id"],
                name="accounts_audit_by_person",
                condition=models.Q(("person__isnull", False)),
            ),
        ),
    ]
