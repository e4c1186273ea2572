"""What the operator's own role of the database may read: when proofs and migrations ran (clause T3).

The role is made beside the database (`crmsite.roles`, the README), as a migration's owner may make
none; a database of before it goes on without.
"""

from typing import ClassVar

from django.db import migrations

GRANT = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'covenant_operator') THEN
        GRANT SELECT ON policy_proofrun, policy_proofresult, django_migrations
            TO covenant_operator;
    END IF;
END $$;
"""

REVOKE = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'covenant_operator') THEN
        REVOKE ALL ON policy_proofrun, policy_proofresult, django_migrations
            FROM covenant_operator;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("policy", "0007_countries")]
    operations: ClassVar = [migrations.RunSQL(GRANT, REVOKE)]
