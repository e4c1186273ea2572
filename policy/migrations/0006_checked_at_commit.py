"""What is written about policies is checked again at the commit (accounts/migrations/0008)."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

WATCHED = """
SELECT gate.watch(name) FROM unnest(ARRAY['policy_policy', 'policy_policyversion',
    'policy_policytext', 'policy_acceptance',
    'policy_jurisdiction']::regclass[]) AS name;
CREATE TRIGGER ones_own AFTER INSERT ON policy_policyversion
    FOR EACH STATEMENT EXECUTE FUNCTION gate.publish_oneself();
"""

UNDO = """
DROP TRIGGER ones_own ON policy_policyversion;
DROP TRIGGER note_write ON policy_jurisdiction;
DROP TRIGGER note_write ON policy_acceptance;
DROP TRIGGER note_write ON policy_policytext;
DROP TRIGGER note_write ON policy_policyversion;
DROP TRIGGER note_write ON policy_policy;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("policy", "0005_bound_to_the_pass"),
        ("accounts", "0008_checked_at_commit"),
    ]
    operations: ClassVar = [guard(WATCHED, UNDO)]
