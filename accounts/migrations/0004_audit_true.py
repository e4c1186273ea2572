"""When a deed was done, and its doer's name, are not for whoever writes the entry to say."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

TRUE = """
CREATE FUNCTION gate.tell_truly() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.at := clock_timestamp();
    NEW.actor_name := (SELECT left(coalesce(nullif(u.name, ''), u.email), 120)
                         FROM public.accounts_user u WHERE u.id = NEW.actor_id);
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION gate.tell_truly() FROM PUBLIC;
CREATE TRIGGER tell_truly BEFORE INSERT ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION gate.tell_truly();
"""

UNDO = """
DROP TRIGGER tell_truly ON accounts_auditentry;
DROP FUNCTION gate.tell_truly();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0003_people")]
    operations: ClassVar = [guard(TRUE, UNDO)]
