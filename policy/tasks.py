"""What the worker does for policies: letters, and what is due by the clock."""

from procrastinate.contrib.django import app

from accounts import gate
from policy import announcements, disclosures, reminders


@app.task(name=reminders.TASK)
def write_reminder(user_id: int, company_id: int) -> None:
    with gate.vouching():
        reminders.write(user_id=user_id, company_id=company_id)


@app.periodic(cron="*/5 * * * *")
@app.task(name=announcements.TASK, lock=announcements.TASK)
def tell_people_ahead(timestamp: int = 0) -> None:
    announcements.tell_people()


@app.task(name=announcements.LETTER)
def write_announcement(user_id: int, version_id: str) -> None:
    with gate.vouching():
        announcements.write(user_id=user_id, version_id=version_id)


@app.periodic(cron="7 * * * *")
@app.task(name=disclosures.TELLING, lock=disclosures.TELLING)
def tell_companies_of_disclosures(timestamp: int = 0) -> None:
    """Whose secrecy has ended. Their page shows it from the moment itself."""
    disclosures.tell_companies()
