"""An access link's reason names no buyer by telephone or e-mail: it outlives them, in the clear.

What older reasons say of one is cut out of them.
"""

from typing import ClassVar, Final

from django.db import migrations, models

from accounts.rowrules import guard

DIGIT: Final = r"[\d\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff10-\uff19]"
BETWEEN: Final = r"[ \t\u00a0\u00ad\u2000-\u2015\u2019\u202f\u2060\u2212\ufeff().+/_-]"
CONTACT: Final = rf"\S[@\uff20]\S+[.\uff0e]\S|({DIGIT}{BETWEEN}*){{9}}"
WHOLE: Final = rf"\S+[@\uff20]\S+|({DIGIT}{BETWEEN}*){{9,}}"
CUT: Final = f"""
UPDATE accounts_grant SET reason = regexp_replace(reason, '{WHOLE}', '•••', 'g')
 WHERE reason ~ '{CONTACT}';
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""  # noqa: S608  (SQL made of this module's own)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0041_access_over")]
    operations: ClassVar = [
        guard(CUT, ""),
        migrations.AddConstraint(
            "grant",
            models.CheckConstraint(
                condition=~models.Q(reason__regex=CONTACT), name="accounts_grant_names_nobody"
            ),
        ),
    ]
