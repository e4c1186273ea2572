"""What the worker does for accounts by the clock."""

from procrastinate.contrib.django import app

from accounts import gate


@app.periodic(cron="17 * * * *")
@app.task(name="accounts.sweep", queueing_lock="accounts.sweep")
def sweep_expired_passes(timestamp: int) -> None:
    """They open nothing any more; what is not kept cannot be stolen."""
    gate.sweep_passes()
