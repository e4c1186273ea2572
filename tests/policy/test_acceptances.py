"""Acceptances: one's own only, of what was in force when it was shown, word for word, for good."""

from __future__ import annotations

import os
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts import gate
from accounts.gate import Entry
from accounts.models import AuditEntry
from policy.models import Acceptance, PolicyVersion
from tests.people import Someone, adam, ann, as_, bea, gail, mia, newt, pass_of, pat
from tests.policy.publications import accept_all, publish_company, publish_crm, refused, waiting_for

pytestmark = pytest.mark.django_db


def crm(number: int = 1) -> PolicyVersion:
    return PolicyVersion.objects.of("crm").get(number=number)


def record(version: PolicyVersion, entry: Entry, **other: object) -> Acceptance:
    """An acceptance as a program would write it that keeps no rule of ours."""
    values = {
        "user_id": entry.user_id,
        "version": version,
        "company_id": version.company_id,
        "language": "en",
        "text_hash": version.hashes["en"],
        "shown_at": timezone.now(),
        "capacity": "member",
    }
    with transaction.atomic():
        return Acceptance.objects.create(**{**values, **other})


def test_an_acceptance_says_what_was_shown_to_whom_as_what() -> None:
    publish_crm("# Read me")
    shown_at = timezone.now()
    with as_(pat) as entry:
        accepted = crm(2).accept(by=entry, language="en", shown_at=shown_at)
        accepted.refresh_from_db()
        assert accepted.text_hash == crm(2).texts.get(language="en").hash
        assert (accepted.capacity, accepted.language) == ("partner", "en")
        assert accepted.shown_at == shown_at < accepted.accepted_at


def test_accepting_twice_changes_nothing() -> None:
    publish_crm()
    with as_(ann) as entry:
        first = crm(2).accept(by=entry, language="en", shown_at=timezone.now())
        assert crm(2).accept(by=entry, language="en", shown_at=timezone.now()) == first


def test_nobody_accepts_for_another() -> None:
    with as_(adam) as entry, refused():
        record(crm(), entry, user_id=newt.user.pk)
    assert waiting_for(newt)[0] == ("crm", 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"text_hash": "0" * 64},
        {"language": "ru"},
        {"shown_at": timezone.now() - timedelta(days=3)},
        {"shown_at": timezone.now() + timedelta(days=3)},
    ],
    ids=["another text", "another language's hash", "before it was in force", "not yet shown"],
)
def test_what_was_not_shown_in_force_is_not_accepted(wrong: dict[str, object]) -> None:
    with as_(newt) as entry, refused():
        record(crm(), entry, **wrong)


def test_an_announced_version_is_not_accepted_ahead() -> None:
    version = publish_crm(effective_at=timezone.now() + timedelta(days=1))
    with as_(ann) as entry, refused():
        record(version, entry)


def test_the_sites_policy_asks_nobody() -> None:
    with as_(ann) as entry, refused():
        record(PolicyVersion.objects.of("site").get(), entry)


def test_a_companys_policy_is_accepted_by_its_own_people_in_it() -> None:
    with as_(bea):
        borealis = PolicyVersion.objects.of("company", "borealis").get()
    for somebody, slug in ((newt, "aurora"), (mia, "aurora")):
        with as_(somebody, slug) as entry, refused():
            record(borealis, entry)


def test_a_narrowed_pass_accepts_nothing() -> None:
    with as_(newt) as entry:
        secret = gate.open_job_pass(entry, reach=["orders.read"], lasting=timedelta(minutes=1))
    with gate.carrying(secret) as job, refused():
        record(crm(), job)


def test_an_old_form_is_recorded_and_does_not_satisfy_the_newer_version() -> None:
    shown_at = timezone.now()
    publish_crm()
    with as_(newt) as entry:
        crm(1).accept(by=entry, language="en", shown_at=shown_at)
    assert waiting_for(newt)[0] == ("crm", 2)
    with as_(newt) as entry, refused():
        record(crm(1), entry, user_id=ann.user.pk)


def test_acceptances_are_read_by_their_person_and_by_who_runs_the_company() -> None:
    accept_all(newt)
    newt_id = newt.user.pk

    def seen_by(someone: Someone, slug: str | None = None) -> set[str]:
        with as_(someone, slug):
            found = Acceptance.objects.filter(user_id=newt_id).select_related("version")
            return {acceptance.version.kind for acceptance in found}

    assert seen_by(newt) == {"crm", "company"}
    assert seen_by(ann) == seen_by(adam) == {"company"}
    assert seen_by(gail) == seen_by(bea) == seen_by(mia, "borealis") == set()


def test_the_chain_ties_each_acceptance_to_the_persons_one_before() -> None:
    accept_all(newt)
    publish_company(ann, "aurora")
    accept_all(newt)
    with as_(newt):
        chain = list(Acceptance.objects.filter(user_id=newt.user.pk).order_by("number"))
        assert [each.number for each in chain] == [1, 2, 3]
        assert [each.previous_hash for each in chain] == ["", *(each.hash for each in chain[:-1])]


@pytest.mark.django_db(transaction=True)
def test_a_changed_acceptance_no_longer_has_its_hash(superuser_url: str, owner) -> None:
    accept_all(newt)
    changed = "SELECT count(*) FROM policy_acceptance a WHERE a.hash <> gate.acceptance_hash(a)"
    assert owner.execute(changed).fetchone() == (0,)
    with owner.transaction():  # as somebody would who owns the database and takes the guard off
        owner.execute("ALTER TABLE policy_acceptance DISABLE TRIGGER append_only")
        owner.execute(
            "UPDATE policy_acceptance SET shown_at = shown_at - interval '1 day'"
            " WHERE user_id = %s",
            [newt.user.pk],
        )
    assert owner.execute(changed).fetchone() == (2,)


def test_who_runs_a_company_may_ask_who_has_not_accepted_and_nobody_else() -> None:
    with as_(ann) as entry:
        assert len(PolicyVersion.objects.waiting_for(newt.user.pk, entry.company_id)) == 2
    for somebody in (gail, bea):
        with (
            as_(somebody) as entry,
            refused("not yours to ask"),
            transaction.atomic(),
        ):
            list(PolicyVersion.objects.waiting_for(newt.user.pk, entry.company_id))


def test_accepting_the_companys_policy_is_in_its_audit() -> None:
    accept_all(newt)
    with as_(ann):
        entry = AuditEntry.objects.filter(action="policy.accepted").order_by("-at").first()
        assert entry.actor_name == "Newt"


def test_the_web_role_changes_no_acceptance() -> None:
    for change in (
        "UPDATE policy_acceptance SET capacity = 'partner'",
        "DELETE FROM policy_acceptance",
    ):
        with as_(ann), refused("permission denied"), connection.cursor() as cursor:
            cursor.execute(change)


def test_a_pass_of_another_persons_is_no_help() -> None:
    anns = Entry(user_id=ann.user.pk)
    with as_(ann):
        before = Acceptance.objects.filter(user_id=ann.user.pk).count()
    with gate.carrying(pass_of(newt)):
        with refused():
            crm().accept(by=anns, language="en", shown_at=timezone.now())
        with refused():
            record(crm(), anns)
        assert not Acceptance.objects.exists()
    with as_(ann):
        assert Acceptance.objects.filter(user_id=ann.user.pk).count() == before


@pytest.mark.django_db(transaction=True)
def test_nobody_with_the_web_roles_password_keeps_acceptances_and_decisions_waiting(
    owner: psycopg.Connection,
) -> None:
    owner.execute("SET lock_timeout = '2s'")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as web:
        web.execute(
            "SELECT pg_advisory_lock(hashtextextended('policy_acceptance', %s)),"
            " pg_advisory_lock(hashtext('policy_jurisdiction'))",
            [newt.user.pk],
        )
        with as_(newt), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            accept_all(newt)
        assert (
            owner.execute(
                "INSERT INTO policy_jurisdiction (id, code, prohibited, reason)"
                " VALUES (gen_random_uuid(), 'BY', true, 'tried')"
            ).rowcount
            == 1
        )
