"""What the worker does for accounts by the clock."""

from procrastinate.contrib.django import app

from accounts import gate


@app.periodic(cron="17 * * * *")
@app.task(name="accounts.sweep", lock="accounts.sweep")
def sweep_what_has_expired(timestamp: int) -> None:
    """Passes that open nothing any more, and counts: what is not kept cannot be stolen."""
    gate.sweep_passes()
    gate.sweep_attempts()
