"""Partners are told within seconds, and what SQL writes stops no company's telling.

The worker asks each second who has something to be told: so a server that took nothing rests, with all
that waits for it, and a company whose job is there, or has just failed, gets no other. A delivery that
has been tried as often as one is tried waits no more: one whose `attempts` SQL had put to the end of
its type could not be counted on, and its company's job failed with it each minute.
"""

from typing import ClassVar

from django.db import migrations, models

from accounts.rowrules import guard, rewritten

COUNTED = """
UPDATE orders_delivery SET attempts = 8, next_at = NULL
 WHERE attempts > 8 OR attempts = 8 AND next_at IS NOT NULL;
"""
RESTING = """
GRANT UPDATE (rests_until) ON orders_webhook TO :web;
SELECT gate.bound('orders_webhook');
"""
TELLING = rewritten(
    "gate.telling(text)",
    (
        "AND w.ended_at IS NULL\n",
        """AND w.ended_at IS NULL
               AND (w.rests_until IS NULL OR w.rests_until <= clock_timestamp())
""",
    ),
    (
        "AND c.suspended_at IS NULL\n",
        """AND c.suspended_at IS NULL
       AND NOT EXISTS (
           SELECT FROM public.procrastinate_jobs j
            WHERE j.lock = 'webhooks ' || due.company_id
              AND (j.status IN ('todo', 'doing') OR j.status = 'failed' AND EXISTS (
                   SELECT FROM public.procrastinate_events e WHERE e.job_id = j.id
                      AND e.at > clock_timestamp() - interval '1 minute')))
""",
    ),
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("orders", "0033_left_out_of_an_erasure"),
        ("accounts", "0037_all_taken_along"),
    ]
    operations: ClassVar = [
        migrations.AddField("webhook", "rests_until", models.DateTimeField(null=True)),
        guard(COUNTED, ""),
        migrations.AddConstraint(
            "delivery",
            models.CheckConstraint(
                condition=models.Q(attempts__lt=8) | models.Q(attempts=8, next_at=None),
                name="orders_delivery_tried_out",
            ),
        ),
        guard(RESTING + TELLING),  # for good
    ]
