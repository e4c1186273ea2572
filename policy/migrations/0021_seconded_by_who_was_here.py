"""A second operator is waited for once he has had a second factor (accounts/migrations/0039): one who
was appointed and never came could approve nothing, and so held every version up.
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard, rewritten

SECONDS = """
-- The other active operators, and who of them is waited for. Not by whose pass is presented: that may
-- change from row to row.
CREATE FUNCTION gate.operators_beside(a_user bigint) RETURNS TABLE (user_id bigint, seated boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT u.id, EXISTS (SELECT FROM gate.seated s WHERE s.user_id = u.id)
      FROM public.accounts_user u WHERE u.id <> a_user AND u.is_active AND u.is_superuser;
END $$;

-- The same for the operator whose pass it is.
CREATE FUNCTION gate.other_operators() RETURNS TABLE (user_id bigint, seated boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF gate.is_operator() THEN
        RETURN QUERY SELECT * FROM gate.operators_beside(gate.user_id());
    END IF;
END $$;

REVOKE ALL ON FUNCTION gate.operators_beside(bigint), gate.other_operators() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.other_operators() TO :web;
"""
APPROVING = rewritten(
    "gate.approve_version()",
    (
        "FROM public.accounts_user u\n"
        "                       WHERE u.id <> NEW.published_by_id AND u.is_active"
        " AND u.is_superuser)",
        "FROM gate.operators_beside(NEW.published_by_id) o WHERE o.seated)",
    ),
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("policy", "0020_with_a_second_factor"),
        ("accounts", "0039_seated"),
    ]
    operations: ClassVar = [guard(SECONDS + APPROVING)]  # for good: before, one waited for nobody
