"""How an order came; and what the counts, the queue and the search of the list stand on.

Whoever may open persons may look up words in the whole company's index: it holds keyed hashes and
orders' ids, and what it leads to stands under the orders' own rule. The rule that asked for each
word whether its order is visible made an agent's search read all orders of the company.
"""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard

WORDS = """
ALTER POLICY reads ON orders_searchword USING (
    company_id = gate.claim() AND (SELECT gate.allows('persons.open')) IS NOT NULL);
"""
UNDO_WORDS = """
ALTER POLICY reads ON orders_searchword USING (
    company_id = gate.claim() AND CASE (SELECT gate.allows('persons.open')) WHEN 'all' THEN true
        ELSE (SELECT gate.allows('persons.open')) IS NOT NULL
             AND EXISTS (SELECT FROM orders_order o
                         WHERE o.company_id = orders_searchword.company_id
                         AND o.id = orders_searchword.order_id) END);
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0002_row_rules")]
    operations: ClassVar = [
        migrations.AddField(
            "order",
            "source",
            models.CharField(
                "came by",
                max_length=8,
                choices=[("hand", "entered by hand"), ("import", "import"), ("api", "API")],
                default="hand",
            ),
        ),
        migrations.AddIndex(
            "order",
            models.Index(
                "company", "status", "agent_id", "team_id", "partner_id",
                name="orders_order_counted",
            ),
        ),
        migrations.AddIndex(
            "order",
            models.Index("company", "team_id", "created_at", "id", name="orders_order_by_team"),
        ),
        migrations.AddIndex(
            "order",
            models.Index(
                "company", "status", "recall_at", name="orders_order_due",
                condition=models.Q(recall_at__isnull=False),
            ),
        ),
        guard(WORDS, UNDO_WORDS),
    ]  # fmt: skip
