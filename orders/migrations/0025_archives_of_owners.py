"""What an owner took along of the company is not his to load any more once another ends his place.

It lay ready for the rest of its day: whoever was removed, or was an agent by then, still loaded every
order with its person. Who steps down or leaves by himself takes along what he made (clause R1).
"""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

ARCHIVES = """
CREATE FUNCTION gate.drop_archives_of_owner() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.orders_export e
     WHERE e.user_id = OLD.user_id AND e.company_id = OLD.company_id
       AND NOT EXISTS (SELECT FROM public.accounts_pass p
                        WHERE p.hash = gate.presented() AND p.user_id = OLD.user_id);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION gate.drop_archives_of_owner() FROM PUBLIC;
-- Its name puts it before end_passes: after that the leaver's own pass is gone.
CREATE TRIGGER drop_archives AFTER UPDATE OF role, left_at ON accounts_membership FOR EACH ROW
    WHEN (OLD.role = 'owner' AND OLD.left_at IS NULL
          AND (NEW.role <> 'owner' OR NEW.left_at IS NOT NULL))
    EXECUTE FUNCTION gate.drop_archives_of_owner();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0024_told_or_not_done")]
    operations: ClassVar = [guard(ARCHIVES)]  # for good
