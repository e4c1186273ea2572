"""The orders of an agent who changes teams change theirs: a lead keeps nobody's orders."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

FOLLOW = """
-- As whoever moves the agent, and under the orders' own rule. The order's trigger copies the team.
CREATE FUNCTION gate.move_orders() RETURNS trigger
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.orders_order SET agent_id = agent_id
     WHERE company_id = NEW.company_id AND agent_id = NEW.id;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION gate.move_orders() FROM PUBLIC;
CREATE TRIGGER orders_follow AFTER UPDATE OF team_id ON accounts_membership FOR EACH ROW
    WHEN (OLD.team_id IS DISTINCT FROM NEW.team_id) EXECUTE FUNCTION gate.move_orders();
"""

UNDO = """
DROP TRIGGER orders_follow ON accounts_membership;
DROP FUNCTION gate.move_orders();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0004_status_known")]
    operations: ClassVar = [guard(FOLLOW, UNDO)]
