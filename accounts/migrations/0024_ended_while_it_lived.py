"""A pass that was over is not one's own to have ended.

Expired passes are swept by whoever asks. A transaction that swept its own, after its time, had thereby
ended it itself, and was not asked about it at the commit.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

LIVED = """
CREATE OR REPLACE TRIGGER ones_own AFTER DELETE ON accounts_pass FOR EACH ROW
    WHEN (OLD.expires_at > clock_timestamp()) EXECUTE FUNCTION gate.end_ones_own_pass();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0023_published_by_oneself")]
    operations: ClassVar = [guard(LIVED)]  # for good
