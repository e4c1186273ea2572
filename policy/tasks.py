"""What the worker does for policies."""

from procrastinate.contrib.django import app

from accounts import gate
from policy import reminders


@app.task(name=reminders.TASK)
def write_reminder(user_id: int, company_id: int, link: str) -> None:
    with gate.vouching():
        reminders.write(user_id=user_id, company_id=company_id, link=link)
