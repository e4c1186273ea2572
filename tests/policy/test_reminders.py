"""Reminding whoever has something to accept: once a day each, by who runs the company."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from accounts.models import AuditEntry
from policy import tasks
from tests.jobs import told
from tests.people import adam, ann, as_, bea, gail, newt, pat, sign_in
from tests.policy.publications import accept_all, publish_company, refused

pytestmark = pytest.mark.django_db

PAGE = "/company/policy/people/"
REMIND = "/company/policy/reminders/"


def jobs() -> list[int]:
    """Whom letters are about to be written to."""
    return [job["user_id"] for job in told("policy.remind")]


def test_the_page_tells_who_has_not_accepted(client: Client) -> None:
    page = sign_in(client, adam).get(PAGE)
    assert page.context["waiting"] == 1
    assert page.context["people"][0]["member"].user_id == newt.user.pk


def test_each_is_reminded_once_a_day_whoever_clicks(client: Client) -> None:
    sign_in(client, adam).post(REMIND)
    sign_in(client, ann).post(REMIND)
    assert jobs() == [newt.user.pk]
    with as_(ann):
        entry = AuditEntry.objects.get(action="people.reminded")
        assert entry.changes == {"people": 1}
    assert newt.membership().reminded_at


def test_members_and_partners_are_reminded_of_a_new_version(client: Client) -> None:
    publish_company(ann, "aurora", "# Ours, anew")
    accept_all(ann)
    sign_in(client, ann).post(REMIND)
    assert {pat.user.pk, gail.user.pk, newt.user.pk} <= set(jobs())
    assert not {ann.user.pk, bea.user.pk} & set(jobs())


def test_the_letter_is_in_its_readers_language(settings: Any) -> None:
    with as_(newt):
        newt_user = newt.user
        newt_user.language = "ru"
        newt_user.save(update_fields=["language"])
        company_id = newt.membership().company_id
    settings.SITE_URL = "https://covenant.example"
    tasks.write_reminder(newt_user.pk, company_id)
    [letter] = mail.outbox
    assert letter.to == [newt.email]
    assert "Aurora" in letter.subject
    assert "https://covenant.example/accept/" in letter.body
    assert "примите" in letter.body


def test_nobody_else_reminds(client: Client) -> None:
    for someone in (gail, pat):
        assert sign_in(client, someone).post(REMIND).status_code == 403
        with as_(someone), refused("runs the company"), connection.cursor() as cursor:
            cursor.execute("SELECT gate.remind()")
    with as_(bea), connection.cursor() as cursor:
        cursor.execute("SELECT gate.remind()")
    assert newt.membership().reminded_at is None
    assert jobs() == []
