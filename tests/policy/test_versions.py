"""Versions: who publishes them, when they come into force, whom they ask, and that they stay."""

from __future__ import annotations

import time
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import AuditEntry
from policy.models import Policy, PolicyText, PolicyVersion, text_hash
from tests.people import adam, ann, as_, bea, boris, gail, mia, newt, nina, olga, pat, sue
from tests.policy.publications import accept_all, publish_company, publish_crm, refused, waiting_for

pytestmark = pytest.mark.django_db


def test_who_has_accepted_nothing_waits_for_the_crm_policy_first_and_then_the_companys() -> None:
    assert waiting_for(newt) == [("crm", 1), ("company", 1)]
    assert waiting_for(nina) == []
    assert waiting_for(ann) == []


def test_a_material_version_asks_everybody_again() -> None:
    publish_crm()
    assert waiting_for(ann) == waiting_for(bea) == [("crm", 2)]
    accept_all(ann)
    assert waiting_for(ann) == []
    assert waiting_for(bea) == [("crm", 2)]


def test_a_correction_asks_nobody_again() -> None:
    publish_crm(material=False)
    assert waiting_for(ann) == []


def test_a_correction_of_a_version_that_was_not_accepted_is_what_is_shown_and_satisfies() -> None:
    publish_crm("# Second")
    publish_crm("# Second, corrected", material=False)
    assert waiting_for(ann) == [("crm", 3)]
    accept_all(ann)
    assert waiting_for(ann) == []


@pytest.mark.django_db(transaction=True)
def test_the_first_version_is_material_whatever_is_said(owner: psycopg.Connection) -> None:
    owner.execute(
        "WITH c AS (INSERT INTO accounts_company (name, slug, country, currency, time_zone,"
        " created_at) VALUES ('Caldera', 'caldera', '', 'EUR', 'UTC', now()) RETURNING id)"
        " INSERT INTO accounts_membership (company_id, id, user_id, role, joined_at)"
        " SELECT id, gen_random_uuid(), %s, 'owner', now() FROM c",
        [nina.user.pk],
    )
    assert publish_company(nina, "caldera", material=False).material
    assert waiting_for(nina, "caldera") == [("company", 1)]


def test_a_companys_version_asks_its_own_people_only() -> None:
    publish_company(ann, "aurora")
    assert waiting_for(gail) == waiting_for(pat) == [("company", 2)]
    assert waiting_for(boris) == []
    assert waiting_for(mia, "aurora") == [("company", 2)]
    assert waiting_for(mia, "borealis") == []


@pytest.mark.django_db(transaction=True)
def test_a_version_comes_into_force_at_its_moment_with_nobody_doing_anything() -> None:
    publish_crm(effective_at=timezone.now() + timedelta(seconds=1))
    assert waiting_for(ann) == []
    time.sleep(1.05)
    assert waiting_for(ann) == [("crm", 2)]


def test_a_request_under_way_is_stopped_at_its_next_statement() -> None:
    with as_(ann) as entry:
        assert not entry.missing
        publish_crm()
        with refused("has not been accepted") as refusal:
            AuditEntry.objects.count()
        assert refusal.value.__cause__.sqlstate == "CV001"


def test_no_version_overtakes_an_announced_one() -> None:
    publish_crm(effective_at=timezone.now() + timedelta(days=1))
    with refused("cannot overtake"):
        publish_crm("# Sooner")


@pytest.mark.parametrize("moment", ["infinity", "9998-12-31T23:59Z"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO policy_policyversion"
        " (id, policy_id, material, bundled, published_by_id, hashes, effective_at)"
        ' SELECT gen_random_uuid(), id, true, false, gate.user_id(), \'{"en": "x"}\', %s'
        " FROM policy_policy WHERE company_id = gate.claim()",
        "INSERT INTO policy_draft"
        " (id, policy_id, texts, summaries, material, countries, effective_at)"
        " SELECT gen_random_uuid(), id, '{\"en\": \"x\"}', '{}', true, '[]', %s"
        " FROM policy_policy WHERE company_id = gate.claim()",
    ],
)
def test_none_is_announced_for_so_late_that_none_could_follow(statement: str, moment: str) -> None:
    with as_(adam), pytest.raises(DatabaseError, match=r"ahead|finite"), transaction.atomic():
        connection.cursor().execute(statement, [moment])
    publish_company(adam, "aurora")


def test_no_version_comes_into_force_before_it_is_published() -> None:
    before = timezone.now()
    assert publish_crm(effective_at=before - timedelta(days=9)).effective_at >= before


@pytest.mark.parametrize("somebody", [ann, adam, newt, sue, bea], ids=str)
def test_only_the_operator_publishes_for_the_platform(somebody) -> None:
    with (
        as_(somebody) as entry,
        refused("row-level security|policy_version_second"),
        transaction.atomic(),
    ):
        Policy.objects.of_platform("crm").publish(by=entry, texts={"en": "# Mine"})
    assert waiting_for(ann) == []


def test_a_company_is_spoken_for_by_who_runs_it_and_by_nobody_else() -> None:
    for somebody, slug in ((gail, "aurora"), (pat, "aurora"), (bea, "aurora"), (olga, "aurora")):
        with refused():
            publish_company(somebody, slug)
    assert publish_company(adam, "aurora").number == 2


def test_a_company_policy_may_be_published_before_it_is_accepted_but_not_before_the_crms() -> None:
    publish_company(ann, "aurora")
    assert publish_company(ann, "aurora", "# Ours, again").number == 3
    publish_crm()
    with refused("has not been accepted") as refusal:
        publish_company(ann, "aurora", "# Ours, once more")
    assert refusal.value.__cause__.sqlstate == "CV001"


def test_no_text_joins_a_version_later() -> None:
    version = publish_crm("# Two")
    with (
        as_(olga),
        refused("not published with this text"),
        transaction.atomic(),
    ):
        version.texts.create(language="ru", body="# Два")


def test_a_version_without_its_texts_is_not_published() -> None:
    with (
        as_(ann) as entry,
        refused("without all its texts"),
        transaction.atomic(),
    ):
        Policy.objects.of_company(entry.company_id).versions.create(
            published_by_id=entry.user_id,
            effective_at=timezone.now(),
            hashes={"en": text_hash("# Two")},
        )
        connection.check_constraints()


@pytest.mark.parametrize(
    "table", ["policy_policy", "policy_policyversion", "policy_policytext", "policy_acceptance"]
)
@pytest.mark.parametrize(
    "change",
    ["UPDATE {} SET id = gen_random_uuid()", "DELETE FROM {}", "TRUNCATE {} CASCADE"],
)
def test_the_tables_owner_cannot_change_what_is_published(
    owner: psycopg.Connection, table: str, change: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only ever added to"):
        owner.execute(change.format(table))


def test_the_web_role_cannot_either() -> None:
    with as_(olga):
        for table in (Policy, PolicyVersion, PolicyText):
            with refused("permission denied"):
                table.objects.all()._raw_delete("default")
            with refused("permission denied"):
                table.objects.update(id=None)


def test_the_same_is_in_force_for_the_querysets_as_for_the_gate() -> None:
    publish_crm()
    publish_crm("# Later", effective_at=timezone.now() + timedelta(days=1))
    with as_(ann):
        in_force = PolicyVersion.objects.in_force()
        assert [v.number for v in in_force.of("crm")] == [2]
        assert [v.number for v in in_force.of("company", "aurora")] == [1]
        assert in_force.of("crm").get().hashes == {"en": text_hash("# New rules")}
