"""A closing pass sees the records of a company's nights, too: what it does not see stays."""

from typing import ClassVar

from django.db import migrations

from accounts.rowrules import guard

SEEN = """
ALTER POLICY reads ON orders_retentionrun USING (
    company_id = :claim AND (company_id = (SELECT gate.whole('orders.erase'))
        OR company_id = (SELECT gate.closing())));
"""
UNDO = """
ALTER POLICY reads ON orders_retentionrun USING (
    company_id = :claim AND company_id = (SELECT gate.whole('orders.erase')));
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0019_retention")]
    operations: ClassVar = [guard(SEEN, UNDO)]
