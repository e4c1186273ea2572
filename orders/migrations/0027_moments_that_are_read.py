"""What was watched before `gate.watch` bounded its moments and sums is bounded, too."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

BOUNDED = """
SELECT gate.bound(t.tgrelid) FROM pg_trigger t WHERE t.tgname = 'note_write';
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0026_leads"),
        ("accounts", "0028_moments_that_are_read"),
        ("policy", "0018_a_year_ahead"),
    ]
    operations: ClassVar = [guard(BOUNDED)]  # for good, as accounts/0028
