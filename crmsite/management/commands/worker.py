"""Work through the jobs: imports, exports, mail."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from crmsite import startup

HEARTBEAT = 2  # seconds between a worker's signs of life
STALLED = 6  # seconds without one, after which its jobs are another's: they bear being done twice


class Command(BaseCommand):
    help = "Work through the jobs, as the web role; takes up what a killed worker left."

    def handle(self, *args: Any, **options: Any) -> None:
        startup.refuse_a_powerful_role()
        assert isinstance(app.connector, DjangoConnector)
        with app.replace_connector(app.connector.get_worker_connector()) as ours:
            asyncio.run(work(ours))


async def work(ours: App) -> None:
    """Work until told to stop. A job that is under way then is finished, not aborted: whoever
    cannot wait may kill us, and another worker takes it up."""
    async with ours.open_async():
        recovering = asyncio.create_task(take_up_stalled_jobs(ours))
        try:
            await ours.run_worker_async(
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=STALLED,
                delete_jobs="successful",  # their passes are over, and say nothing any more
            )
        finally:
            recovering.cancel()


async def take_up_stalled_jobs(ours: App) -> None:
    """Queue again, for ever, the jobs whose worker no longer gives a sign of life."""
    while True:
        for job in await ours.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED):
            await ours.job_manager.retry_job(job)
        await asyncio.sleep(HEARTBEAT)
