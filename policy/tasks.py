"""What the worker does for policies by the clock."""

from procrastinate.contrib.django import app

from accounts import gate
from policy import disclosures


@app.periodic(cron="7 * * * *")
@app.task(name="policy.tell_companies", queueing_lock="policy.tell_companies")
def tell_companies_of_disclosures(timestamp: int) -> None:
    """Whose secrecy has ended. Their page shows it from the moment itself."""
    with gate.vouching():
        disclosures.tell_companies()
