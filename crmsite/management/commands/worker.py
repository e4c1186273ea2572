"""Work through the jobs: imports, exports, mail."""

import asyncio
import logging
from typing import Any

from asgiref.sync import sync_to_async
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector

from accounts import gate
from crmsite import egress, startup
from orders import webhooks

POLLING = 1  # seconds between looks for a job
HEARTBEAT = 2  # seconds between a worker's signs of life
STALLED = 6  # seconds without one, after which its jobs are another's: they bear being done twice

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Work through the jobs, as the web role; takes up what a killed worker left."

    def handle(self, *args: Any, **options: Any) -> None:
        startup.refuse_a_powerful_role()
        egress.enforce(webhooks=True)
        with app.replace_connector(vouched()) as ours:
            asyncio.run(work(ours))


def vouched() -> PsycopgConnector:
    """Connections of the worker's own, which may see the jobs."""
    return PsycopgConnector(kwargs=connector_params(), configure=gate.vouch)


async def work(ours: App) -> None:
    """Work until told to stop. A job that is under way then is finished, not aborted: whoever
    cannot wait may kill us, and another worker takes it up.

    It looks for jobs and does not listen: row rules do not see NOTIFY, and a message that is no
    JSON, which the web role's password suffices to send, would end the worker.
    """
    async with ours.open_async():
        beside = [
            asyncio.create_task(take_up_stalled_jobs(ours)),
            asyncio.create_task(tell_partners()),
        ]
        try:
            await ours.run_worker_async(
                listen_notify=False,
                fetch_job_polling_interval=POLLING,
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=STALLED,
                delete_jobs="successful",  # their passes are over, and say nothing any more
            )
        finally:
            for task in beside:
                task.cancel()


async def take_up_stalled_jobs(ours: App) -> None:
    """Queue again, for ever, the jobs whose worker no longer gives a sign of life."""
    while True:
        for job in await ours.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED):
            await ours.job_manager.retry_job(job)
        await asyncio.sleep(HEARTBEAT)


async def tell_partners() -> None:
    """Ask, for ever, whether a partner's server has something to be told. It is written down with
    what happened to the lead, so that no page waits for a job to be queued."""
    while True:
        await begin_telling()
        await asyncio.sleep(POLLING)


@sync_to_async
def begin_telling() -> None:
    close_old_connections()
    try:
        with gate.vouching():
            webhooks.begin_everywhere()
    except Error:  # away for a moment, as for the jobs
        log.warning("Could not ask who has something to be told.", exc_info=True)
