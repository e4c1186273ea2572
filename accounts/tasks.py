"""What the worker does for accounts by the clock."""

from procrastinate.contrib.django import app

from accounts import attempts, gate, heads


@app.periodic(cron="17 * * * *")
@app.task(name="accounts.sweep", lock="accounts.sweep")
def sweep_what_has_expired(timestamp: int) -> None:
    """Passes that open nothing any more, and counts: what is not kept cannot be stolen."""
    gate.sweep_passes()
    attempts.sweep()


@app.periodic(cron="11 3 * * *")
@app.task(name="accounts.keep_heads", lock="accounts.keep_heads")
def keep_heads(timestamp: int = 0) -> None:
    """Where each company's audit ends tonight."""
    heads.keep()


@app.task(name=heads.TASK)
def tell_head(email: str, language: str, company: str, number: int, hash: str) -> None:
    heads.tell(email=email, language=language, company=company, number=number, hash=hash)
