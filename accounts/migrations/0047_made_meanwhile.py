"""A link that was made while its company was being suspended ends with that suspension, at its lifting.

The suspension did not see it, since who made it had not committed; so it opened again afterwards. Held
against each other, the two would have a suspension wait for whoever makes a link. And a link that is
made has no cause of its end yet: the web role could write one, which support was told of afterwards.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard, rewritten

MEANWHILE = """
DROP TRIGGER revoke_grants ON accounts_company;
CREATE TRIGGER revoke_grants AFTER UPDATE OF suspended_at ON accounts_company FOR EACH ROW
    WHEN ((OLD.suspended_at IS NULL) <> (NEW.suspended_at IS NULL))
    EXECUTE FUNCTION gate.revoke_grants_of_company();
"""
UNCAUSED = rewritten(
    "gate.begin_grant()",
    ("    NEW.ended_at := NULL;\n", "    NEW.ended_at := NULL;\n    NEW.cause := '';\n"),
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0046_one_look")]
    operations: ClassVar = [guard(MEANWHILE + UNCAUSED)]  # for good: a clause rests on it
