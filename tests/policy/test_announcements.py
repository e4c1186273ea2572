"""People are told by mail ahead of a version that will ask them, once each."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import gate
from accounts.models import User
from policy import announcements, tasks
from policy.models import Announcement, PolicyVersion
from tests.jobs import told
from tests.people import (
    Someone,
    adam,
    ann,
    as_,
    bea,
    boris,
    company,
    gail,
    newt,
    olga,
    pat,
    sign_in,
)
from tests.policy.publications import accept_all, publish_company, publish_crm, refused

pytestmark = pytest.mark.django_db

LATER = timedelta(days=7)
AURORAS = (ann, adam, gail, newt, pat)


@pytest.fixture
def nobody_told_yet() -> Iterator[None]:
    yield
    assert told(announcements.LETTER) == []


def of_aurora(by: Someone = ann, **terms: Any) -> PolicyVersion:
    terms.setdefault("effective_at", timezone.now() + LATER)
    return publish_company(by, "aurora", "# Ours, anew", **terms)


def of_the_crm(**terms: Any) -> PolicyVersion:
    terms.setdefault("effective_at", timezone.now() + LATER)
    return publish_crm("# New rules", **terms)


def written_to() -> list[int]:
    """Whom letters are about to be written to, in this order."""
    return [int(str(job["user_id"])) for job in told(announcements.LETTER)]


def standing(version: PolicyVersion, someone: Someone) -> Announcement | None:
    with as_(someone):
        return announcements.of(version)


def test_everybody_of_the_company_but_the_publisher_is_told_once() -> None:
    version = of_aurora()
    many = announcements.tell_people()
    assert announcements.tell_people() == 0
    assert len(written_to()) == len({*written_to()}) == many
    assert {each.user.pk for each in AURORAS if each is not ann} <= {*written_to()}
    assert not {ann.user.pk, bea.user.pk, boris.user.pk} & {*written_to()}
    noted = standing(version, adam)
    assert noted and noted.finished_at and noted.people == many


def test_everybody_who_works_anywhere_is_told_of_the_crms_policy() -> None:
    version = of_the_crm()
    announcements.tell_people()
    assert {each.user.pk for each in (*AURORAS, boris, bea)} <= {*written_to()}
    assert not {olga.user.pk} & {*written_to()}
    noted = standing(version, olga)
    assert noted and noted.people == len(written_to())


@pytest.mark.usefixtures("nobody_told_yet")
@pytest.mark.parametrize(
    "terms", [{"material": False}, {"effective_at": None}], ids=["corrected", "in force at once"]
)
def test_nobody_is_told_ahead_of_what_asks_nobody_or_at_once(terms: dict[str, Any]) -> None:
    version = of_aurora(**terms)
    assert announcements.tell_people() == 0
    assert standing(version, ann) is None


def test_who_has_left_or_is_shut_out_is_not_told() -> None:
    with as_(ann) as by:
        gail.membership().end(by=by)
    of_aurora()
    announcements.tell_people()
    assert gail.user.pk not in written_to()


def test_it_goes_on_where_a_worker_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    version = of_the_crm()
    monkeypatch.setattr(announcements, "AT_ONCE", 2)
    real, calls = gate.queue_job, []

    def killed(*args: Any, **told: Any) -> None:
        calls.append(told)
        if len(calls) == 4:  # the second of the second step, which is undone as a whole
            raise KeyboardInterrupt
        real(*args, **told)

    with monkeypatch.context() as dying:
        dying.setattr(gate, "queue_job", killed)
        with pytest.raises(KeyboardInterrupt):
            announcements.tell_people()
    assert len(written_to()) == 2
    half = standing(version, olga)
    assert half and half.people == 2 and half.finished_at is None
    many = announcements.tell_people()
    assert written_to() == sorted({*written_to()})
    whole = standing(version, olga)
    assert whole and whole.finished_at and whole.people == many + 2 == len(written_to())


def test_a_version_that_is_in_force_by_now_is_told_of_no_more(
    superuser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = of_aurora()
    monkeypatch.setattr(timezone, "now", lambda: version.effective_at)
    with gate.vouching():
        announcements.write(user_id=gail.user.pk, version_id=version.pk)
    assert mail.outbox == []


@pytest.mark.parametrize(("language", "says"), [("en", "you will be asked"), ("ru", "попросят")])
def test_the_letter_says_from_when_in_its_readers_language(
    settings: Any, language: str, says: str
) -> None:
    version = of_aurora()
    with as_(gail):
        User.objects.filter(pk=gail.user.pk).update(language=language)
    settings.SITE_URL = "https://covenant.example"
    tasks.write_announcement(gail.user.pk, str(version.pk))
    [letter] = mail.outbox
    assert letter.to == [gail.email]
    assert "Aurora" in letter.subject
    assert says in letter.body
    assert "Europe/Bucharest" in letter.body
    assert f"https://covenant.example/c/aurora/policy/versions/{version.number}/" in letter.body


def test_the_overviews_say_how_far_it_is(client: Client) -> None:
    of_the_crm()
    of_aurora()
    for someone, page in (
        (olga, "/operator/"),
        (olga, "/operator/policy/new/crm/"),
        (ann, "/company/policy/"),
    ):
        assert "are being told by mail; so far: 0" in sign_in(client, someone).get(page).text
    announcements.tell_people()
    for someone, page in ((olga, "/operator/"), (ann, "/company/policy/")):
        assert "people have been told by mail" in sign_in(client, someone).get(page).text


@pytest.mark.parametrize("someone", [gail, pat, bea, olga], ids=str)
def test_how_far_a_companys_letters_are_is_its_own(someone: Someone) -> None:
    of_aurora()
    announcements.tell_people()
    accept_all(someone)
    with as_(someone):
        assert not Announcement.objects.exists()
    with as_(ann):
        assert Announcement.objects.get().company_id == company("aurora").pk


@pytest.mark.usefixtures("nobody_told_yet")
@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELECT gate.announce(NULL, 5)", "only the application itself"),
        ("UPDATE policy_announcement SET finished_at = now()", "permission denied"),
        ("DELETE FROM policy_announcement", "permission denied"),
        (
            "INSERT INTO policy_announcement (version_id, people, last_user)"
            " SELECT id, 0, 0 FROM policy_policyversion",
            "permission denied",
        ),
    ],
)
@pytest.mark.parametrize("someone", [gail, ann, olga], ids=str)
def test_nobodys_sql_tells_anybody_or_says_that_all_are_told(
    someone: Someone, statement: str, reason: str
) -> None:
    of_aurora()
    with as_(someone), refused(reason), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_write_to_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    of_aurora()
    monkeypatch.setattr(announcements, "AT_ONCE", 1)
    together = Barrier(2)

    def tell() -> int:
        try:
            together.wait(timeout=10)
            return announcements.tell_people()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        told_by = [each.result() for each in [threads.submit(tell) for _worker in range(2)]]
    assert len(written_to()) == len({*written_to()}) == sum(told_by)
