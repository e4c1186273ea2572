"""What one publishes oneself is noted for each version, and not for a statement that adds none."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

NOTED = """
CREATE OR REPLACE TRIGGER ones_own AFTER INSERT ON policy_policyversion
    FOR EACH ROW EXECUTE FUNCTION gate.publish_oneself();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("policy", "0016_approved_with_its_texts"),
        ("accounts", "0023_published_by_oneself"),
    ]
    operations: ClassVar = [guard(NOTED)]  # for good, as accounts/0023
