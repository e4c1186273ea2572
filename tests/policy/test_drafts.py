"""Drafts, and the second operator's approval, in the database: there is no way around them.

Olga and Otto are operators, so neither publishes without the other's word.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import gate
from policy.models import Approval, Draft, Policy, PolicyText, text_hash
from policy.turns import NotInTurn
from tests.accounts.revocations import begun
from tests.people import (
    Someone,
    adam,
    ann,
    as_,
    bea,
    gail,
    grow_stale,
    olga,
    otto,
    pass_of,
    prove,
    sue,
)
from tests.policy.publications import (
    approve_crm,
    approvers,
    draft_of_crm,
    keep_crm,
    numbers,
    publish_crm,
    publish_draft,
    refused,
)

pytestmark = pytest.mark.django_db

VERSION = (
    "INSERT INTO policy_policyversion (id, policy_id, published_by_id, material, bundled,"
    " effective_at, hashes) SELECT gen_random_uuid(), id, gate.user_id(), true, false, now(),"
    " jsonb_build_object('en', %s::text) FROM policy_policy WHERE kind = 'crm' RETURNING id"
)
TEXT = "INSERT INTO policy_policytext (id, version_id, language, body, summary) VALUES \
(gen_random_uuid(), %s, 'en', %s, %s)"


def smuggle(text: str, summary: str = "", between: str = "") -> None:
    """A version in plain SQL, by whoever's pass is presented."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(VERSION, [text_hash(text)])
        [version] = cursor.fetchone()
        if between:
            cursor.execute(between)
        cursor.execute(TEXT, [version, text, summary])


def test_what_the_other_has_approved_is_published_and_says_by_whom() -> None:
    keep_crm("# Kind rules", summaries={"en": "All of it."}, material=False)
    approve_crm(by=otto)
    version = publish_draft(by=olga)
    assert (version.number, version.material) == (2, False)
    assert (version.published_by_id, version.approved_by_id) == (olga.user.pk, otto.user.pk)
    with as_(ann):
        assert PolicyText.objects.get(version=version).body == "# Kind rules"
        assert PolicyText.objects.get(version=version).summary == "All of it."
    with as_(olga):
        assert Draft.objects.of("crm", None) is None
        assert not Approval.objects.exists()


def test_whoever_wrote_it_may_approve_and_the_other_publish() -> None:
    keep_crm(by=olga)
    approve_crm(by=olga)
    assert publish_draft(by=otto).approved_by_id == olga.user.pk


@pytest.mark.parametrize("approved_by", [None, olga], ids=str)
def test_one_operator_of_two_publishes_nothing_alone(approved_by: Someone | None) -> None:
    keep_crm(by=olga)
    if approved_by:
        approve_crm(by=approved_by)
    with pytest.raises(NotInTurn, match="Another operator"):
        publish_draft(by=olga)
    with as_(olga) as by, refused("policy_version_second"):
        Policy.objects.of_platform("crm").publish(by=by, texts={"en": "# New rules"})
    with as_(olga), refused("policy_version_second"):
        smuggle("# New rules")
    assert numbers() == [1]


def test_no_name_but_ones_own_stands_under_a_version_or_an_approval() -> None:
    draft = keep_crm()
    with as_(olga), refused(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_approval (id, draft_id, seal, by_id, at, proven)"
            " VALUES (gen_random_uuid(), %s, %s, %s, now(), 'password')",
            [draft.id, draft.seal, otto.user.pk],
        )
    approve_crm(by=otto)
    for name in ("NULL", str(ann.user.pk), str(otto.user.pk)):
        forged = VERSION.replace("gate.user_id()", f"{name}::bigint")
        with (
            as_(olga),
            refused("own name"),
            connection.cursor() as cursor,
        ):
            cursor.execute(forged, [text_hash("# New rules")])
    assert numbers() == [1]


MIXED = """
    INSERT INTO policy_policyversion (id, policy_id, published_by_id, material, bundled,
        effective_at, hashes)
    SELECT CASE WHEN set_config('gate.pass', turn.secret, true) <> '' THEN gen_random_uuid() END,
        turn.id, %(name)s, true, false, now(), jsonb_build_object('en', %(hash)s::text)
      FROM (SELECT p.id, CASE p.kind WHEN 'crm' THEN %(operator)s ELSE %(owner)s END AS secret
              FROM policy_policy p WHERE p.kind = 'crm' OR p.company_id = %(company)s
             ORDER BY p.kind = 'crm') AS turn
"""


def test_an_operator_does_not_publish_in_the_name_of_a_company_of_his_own() -> None:
    """The rules' answer about one's name is given once for all rows, with the pass of the first."""
    keep_crm("# Alone")
    approve_crm(by=olga)
    operator = pass_of(olga)
    with as_(ann) as entry, refused("own name"), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('gate.pass')")
        cursor.execute(
            MIXED,
            {
                "name": entry.user_id,
                "hash": text_hash("# Alone"),
                "operator": operator,
                "owner": cursor.fetchone()[0],
                "company": entry.company_id,
            },
        )
    assert numbers() == numbers("company")[:1] == [1]


def test_with_the_approval_plain_sql_publishes_that_and_nothing_else() -> None:
    keep_crm("# Approved", summaries={"en": "As agreed."})
    approve_crm()
    with as_(olga):
        for text, summary, between, reason in (
            ("# Something else", "As agreed.", "", "policy_version_approved"),
            ("# Approved", "Nothing of note.", "", "policy_version_approved"),
            (
                "# Approved",
                "Nothing of note.",
                """UPDATE policy_draft SET summaries = '{"en": "Nothing of note."}'""",
                "policy_version_approved",
            ),
            ("# Approved", "As agreed.", "DELETE FROM policy_draft", "policy_version_approved"),
        ):
            with refused(reason):
                smuggle(text, summary, between)
        smuggle("# Approved", "As agreed.")
        with refused("policy_version_sealed_once"):
            smuggle("# Approved", "As agreed.")
    assert numbers() == [1, 2]


@pytest.mark.parametrize("texts", ["[]", '"# Anything"', "null"])
def test_the_texts_of_a_draft_are_by_language(texts: str) -> None:
    keep_crm("# Approved")
    with as_(olga), refused("policy_draft_texts"), connection.cursor() as cursor:
        cursor.execute("UPDATE policy_draft SET texts = %s", [texts])
    with as_(olga):
        assert draft_of_crm().texts == {"en": "# Approved"}


def test_a_draft_without_texts_is_not_approved() -> None:
    draft = keep_crm()
    _change({"texts": {}})
    with as_(otto) as entry, refused("policy_approval_seal"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO policy_approval (id, draft_id, seal, by_id, at, proven)"
            " SELECT gen_random_uuid(), id, seal, %s, now(), 'password' FROM policy_draft"
            " WHERE id = %s",
            [entry.user_id, draft.id],
        )
    assert approvers() == []
    with as_(olga), refused("policy_version_second"):
        smuggle("# Anything")
    assert numbers() == [1]


@pytest.mark.django_db(transaction=True)
def test_approved_without_texts_it_lets_nothing_by(superuser: psycopg.Connection) -> None:
    keep_crm()
    approve_crm()
    superuser.execute("SET session_replication_role = replica")  # past what keeps it from that
    superuser.execute("UPDATE policy_draft SET texts = '{}'")
    with as_(olga), refused("policy_version_approved"):
        smuggle("# Anything")
    assert numbers() == [1]


@pytest.mark.parametrize(
    "changed",
    [
        {"texts": {"en": "# New rules "}},
        {"texts": {"en": "# New rules", "ru": "# Новые"}},
        {"summaries": {"en": "Nothing of note."}},
        {"material": False},
        {"effective_at": timezone.now() + timedelta(days=9)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_any_change_asks_for_a_new_approval_and_so_does_changing_it_back(
    changed: dict[str, Any],
) -> None:
    keep_crm()
    approve_crm()
    keep_crm(**changed) if "texts" not in changed else _change(changed)
    assert approvers() == []
    _change({"texts": {"en": "# New rules"}, "summaries": {}, "material": True})
    with pytest.raises(NotInTurn, match="Another operator"):
        publish_draft()
    assert numbers() == [1]


def _change(changed: dict[str, Any]) -> None:
    with as_(olga):
        Draft.objects.filter(pk=draft_of_crm().pk).update(**changed)


def test_keeping_the_same_again_leaves_the_approval() -> None:
    keep_crm(summaries={})
    approve_crm()
    keep_crm(summaries={}, by=otto)
    assert approvers() == [otto.email]


def test_the_moment_and_whom_it_asks_are_as_approved() -> None:
    moment = timezone.now() + timedelta(days=3)
    keep_crm(effective_at=moment, material=False)
    approve_crm()
    with as_(olga) as by:
        policy = Policy.objects.of_platform("crm")
        with refused("policy_version_approved"):
            policy.publish(by=by, texts={"en": "# New rules"}, effective_at=moment)
        version = policy.publish(by=by, texts={"en": "# New rules"}, material=False)
    assert (version.effective_at, version.material) == (moment, False)


def test_an_approval_taken_back_is_none() -> None:
    keep_crm()
    approve_crm()
    with as_(otto) as by:
        draft_of_crm().withdraw(by=by)
    with pytest.raises(NotInTurn, match="Another operator"):
        publish_draft()
    assert numbers() == [1]


def test_nobody_takes_anothers_approval_back_or_changes_one() -> None:
    keep_crm()
    approve_crm()
    with as_(olga) as by:
        draft_of_crm().withdraw(by=by)
        assert Approval.objects.all()._raw_delete("default") == 0
        with refused("permission denied"):
            Approval.objects.update(seal="")
    assert approvers() == [otto.email]


def test_what_was_changed_meanwhile_is_not_approved() -> None:
    seen = keep_crm()
    keep_crm("# Other rules")
    with as_(otto) as by, pytest.raises(NotInTurn, match="changed meanwhile"):
        seen.approve(by=by)
    assert approvers() == []


@pytest.mark.django_db(transaction=True)
def test_an_approval_asks_for_a_second_factor_proven_just_now(owner: psycopg.Connection) -> None:
    draft = keep_crm()
    secret = pass_of(otto)
    grow_stale(owner)
    with gate.carrying(secret) as by, refused("fresh second factor"):
        draft.approve(by=by)
    assert approvers() == []
    prove(secret, otto, "webauthn")
    with gate.carrying(secret) as by:
        draft.approve(by=by)
    with as_(olga):
        assert [approval.proven for approval in Approval.objects.all()] == ["webauthn"]


def test_an_approval_counts_once() -> None:
    keep_crm()
    approve_crm()
    with pytest.raises(NotInTurn, match="already"):
        approve_crm()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("column", ["is_active", "is_superuser"])
def test_an_approval_of_who_is_no_operator_any_more_does_not_count_but_one_left_is_alone(
    owner: psycopg.Connection, column: str
) -> None:
    third = [sue.user.pk]
    owner.execute("UPDATE accounts_user SET is_superuser = true WHERE id = %s", third)
    owner.execute("INSERT INTO gate.seated VALUES (%s)", third)
    keep_crm()
    approve_crm()
    owner.execute(f"UPDATE accounts_user SET {column} = false WHERE id = %s", [otto.user.pk])
    with pytest.raises(NotInTurn, match="Another operator"):
        publish_draft()
    assert numbers() == [1]
    owner.execute("UPDATE accounts_user SET is_superuser = false WHERE id = %s", third)
    version = publish_draft()
    assert (version.number, version.approved_by_id) == (2, None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("early", ["", "SET CONSTRAINTS approver IMMEDIATE"])
@pytest.mark.parametrize("column", ["is_active", "is_superuser"])
def test_an_approver_who_loses_the_rank_before_the_commit_does_not_count(
    owner: psycopg.Connection, column: str, early: str
) -> None:
    keep_crm("# Approved")
    approve_crm()
    owner.execute("SET lock_timeout = '1s'")
    demotion = f"UPDATE accounts_user SET {column} = false WHERE id = {otto.user.pk}"
    with begun(pass_of(olga)) as web:
        [version] = web.execute(VERSION, [text_hash("# Approved")]).fetchone() or []
        web.execute(TEXT, [version, "# Approved", ""])
        if early:  # then the rank is hers to hold until the commit
            web.execute(early)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                owner.execute(demotion)
            web.rollback()
        else:
            owner.execute(demotion)
            with pytest.raises(psycopg.Error) as refusal:
                web.commit()
            assert refusal.value.sqlstate == "CV002"
    assert numbers() == [1]


@pytest.mark.django_db(transaction=True)
def test_one_operator_publishes_alone(owner: psycopg.Connection) -> None:
    owner.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [otto.user.pk])
    keep_crm()
    assert publish_draft().number == 2
    with as_(olga) as by:
        policy = Policy.objects.of_platform("crm")
        assert policy.publish(by=by, texts={"en": "# At once"}).number == 3


@pytest.mark.django_db(transaction=True)
def test_who_was_appointed_and_never_had_a_second_factor_holds_nothing_up(
    owner: psycopg.Connection,
) -> None:
    owner.execute("DELETE FROM gate.seated WHERE user_id = %s", [otto.user.pk])
    with as_(olga):
        smuggle("# In SQL")
    keep_crm("# By the page")
    assert publish_draft().number == 3


@pytest.mark.django_db(transaction=True)
def test_an_operator_counts_from_his_first_factor_until_his_rank_is_taken(
    owner: psycopg.Connection,
) -> None:
    appointed = sue.user.pk

    def seated() -> bool:
        found = owner.execute("SELECT FROM gate.seated WHERE user_id = %s", [appointed])
        return found.fetchone() is not None

    def factor(kind: str) -> None:
        owner.execute(
            "INSERT INTO mfa_authenticator (user_id, type, data, created_at)"
            " VALUES (%s, %s, '{}', now())",
            [appointed, kind],
        )

    def forget() -> None:
        owner.execute("DELETE FROM mfa_authenticator WHERE user_id = %s", [appointed])

    def rank(*, operator: bool) -> None:
        given = "UPDATE accounts_user SET is_superuser = %s WHERE id = %s"
        owner.execute(given, [operator, appointed])

    factor("totp")
    assert not seated()  # of support, so far
    forget()
    rank(operator=True)
    factor("recovery_codes")
    assert not seated()
    factor("totp")
    assert seated()
    forget()
    assert seated()  # or that would be the way around her
    rank(operator=False)
    assert not seated()
    factor("totp")
    rank(operator=True)
    assert seated()


@pytest.mark.parametrize("someone", [olga, sue, ann], ids=str)
def test_nobody_takes_anothers_seat_or_sees_who_has_one(someone: Someone) -> None:
    others = [(otto.user.pk, True)] if someone is olga else []
    for deed in (
        "DELETE FROM gate.seated",
        "SELECT * FROM gate.seated",
        "SELECT gate.take_seat(1)",
        "SELECT * FROM gate.operators_beside(1)",
        f"UPDATE accounts_user SET is_active = false WHERE id = {otto.user.pk}",
        f"UPDATE accounts_user SET is_superuser = false WHERE id = {otto.user.pk}",
    ):
        with as_(someone), refused("permission denied"), connection.cursor() as cursor:
            cursor.execute(deed)
    with as_(someone), connection.cursor() as cursor:
        cursor.execute("SELECT user_id, seated FROM gate.other_operators()")
        assert cursor.fetchall() == others
    keep_crm()
    with pytest.raises(NotInTurn, match="Another operator"):
        publish_draft()


def test_a_companys_policy_needs_no_second() -> None:
    _keep_aurora(adam)
    with as_(adam) as by:
        draft = Draft.objects.of("company", by.company_id)
        assert draft and draft.publish(by=by).number == 2
        assert Draft.objects.of("company", by.company_id) is None


def _keep_aurora(someone: Someone, text: str = "# Ours, anew", seen: str = "") -> None:
    with as_(ann) as owner:
        policy = Policy.objects.of_company(owner.company_id)
    with as_(someone):
        Draft.objects.keep(policy, seen=seen, texts={"en": text})


@pytest.mark.parametrize("somebody", [gail, bea, olga, sue], ids=str)
def test_a_companys_draft_is_for_who_runs_it_alone(somebody: Someone) -> None:
    with refused():
        _keep_aurora(somebody)
    _keep_aurora(ann)
    with as_(somebody), refused("permission|nothing"), connection.cursor() as cursor:
        for command in (
            "SELECT FROM policy_draft",
            "UPDATE policy_draft SET texts = '{}'",
            "DELETE FROM policy_draft",
        ):
            cursor.execute(command)
            assert cursor.rowcount == 0
        raise DatabaseError("nothing was found")
    with as_(ann) as by:
        draft = Draft.objects.of("company", by.company_id)
        assert draft and draft.texts == {"en": "# Ours, anew"}


@pytest.mark.parametrize("somebody", [ann, gail, sue], ids=str)
def test_the_platforms_drafts_are_for_operators_alone(somebody: Someone) -> None:
    with refused():
        keep_crm(by=somebody)
    draft = keep_crm()
    with as_(somebody) as by:
        assert Draft.objects.of("crm", None) is None
        with refused():
            draft.approve(by=by)
    assert approvers() == []


def test_who_wrote_it_and_its_seal_are_the_databases_word() -> None:
    with as_(olga):
        policy = Policy.objects.of_platform("crm")
        Draft.objects.create(policy=policy, seal="0" * 64, written_by_id=ann.user.pk, edition=9)
        kept = draft_of_crm()
        assert (kept.written_by_id, kept.edition) == (olga.user.pk, 1)
        assert kept.seal != "0" * 64
        for column in ("seal", "written_by", "edition", "company", "policy"):
            with refused("permission denied"):
                Draft.objects.update(**{column: None})


def test_nothing_is_written_over_that_was_not_seen() -> None:
    first = keep_crm("# Olga's")
    with as_(otto):
        policy = Policy.objects.of_platform("crm")
        for seen in ("", "0" * 64):
            with pytest.raises(NotInTurn, match="meanwhile"):
                Draft.objects.keep(policy, seen=seen, texts={"en": "# Otto's"})
            with pytest.raises(NotInTurn, match="meanwhile"):
                Draft.objects.discard(policy, seen=seen)
        Draft.objects.keep(policy, seen=first.seal, texts={"en": "# Otto's"})
    with as_(olga):
        assert draft_of_crm().texts == {"en": "# Otto's"}
        with pytest.raises(NotInTurn, match="meanwhile"):
            Draft.objects.keep(policy, seen=first.seal, texts={"en": "# Olga's, longer"})
        assert draft_of_crm().texts == {"en": "# Otto's"}


def test_published_versions_stay_as_they_are_byte_for_byte() -> None:
    def published() -> list[tuple[Any, ...]]:
        with as_(ann):
            texts = PolicyText.objects.filter(version__number=1).order_by("id")
            return list(texts.values_list("version", "language", "body", "hash", "summary"))

    before = published()
    for text in ("# Two", "# Three"):
        publish_crm(text)
    assert published() == before
    assert all(hash_ == text_hash(body) for _v, _l, body, hash_, _s in before if hash_)


@pytest.mark.django_db(transaction=True)
def test_a_companys_draft_goes_with_the_company(owner: psycopg.Connection) -> None:
    _keep_aurora(ann)
    keep_crm()
    owner.execute("UPDATE accounts_company SET closed_at = now() WHERE slug = 'aurora'")
    assert owner.execute("SELECT company_id FROM policy_draft").fetchall() == [(None,)]
