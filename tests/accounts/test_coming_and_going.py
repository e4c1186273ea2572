"""Who signs in and out, and by what, stands in the audit of the company that it concerns."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts import gate
from accounts.models import AuditEntry
from tests.accounts.test_factor_pages import CODES, CONFIRM, NO_PASSKEYS, SECOND, somebody_with
from tests.accounts.test_signin import reset_link, sign_in_by_form
from tests.factors import SET_UP, password_sign_in
from tests.people import (
    PASSWORD,
    Someone,
    adam,
    ann,
    as_,
    bea,
    boris,
    company,
    gail,
    lou,
    mia,
    nina,
    pass_of,
    sign_in,
)  # fmt: skip

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)

CHOOSING = "/company/choose/"
NEW = {"password1": "new-pass-phrase", "password2": "new-pass-phrase"}


def deeds(of: Someone, reader: Someone = ann) -> list[str]:
    """What this person's entries in the company of the reader's say, the oldest first."""
    return [entry.action for entry in entries(of, reader)]


def entries(of: Someone, reader: Someone = ann) -> list[AuditEntry]:
    with as_(reader):
        return list(AuditEntry.objects.filter(actor_id=of.user.pk).order_by("at"))


def new(before: list[str], after: list[str]) -> list[str]:
    assert after[: len(before)] == before
    return after[len(before) :]


# Sessions


def test_signing_in_and_out_is_told(client):
    before = deeds(gail)
    sign_in_by_form(client, gail)
    client.get("/orders/")
    client.post("/logout/")
    assert new(before, deeds(gail)) == ["session.opened", "session.ended"]
    assert entries(gail)[-1].actor_name == "Gail"
    assert deeds(gail, bea) == []


def test_a_pass_is_told_of_however_it_was_made():
    before = deeds(gail)
    pass_of(gail)
    assert new(before, deeds(gail)) == ["session.opened"]


def test_who_works_in_two_companies_is_told_of_where_it_is_and_nowhere_else(client):
    before = deeds(mia), deeds(mia, bea)
    sign_in_by_form(client, mia)
    assert (deeds(mia), deeds(mia, bea)) == before
    membership = {"membership": str(mia.membership("borealis").id)}
    before = deeds(mia), deeds(mia, bea)
    for _ in range(2):
        client.post(CHOOSING, membership)
    assert new(before[1], deeds(mia, bea)) == ["session.opened"]
    client.post("/logout/")
    assert new(before[1], deeds(mia, bea)) == ["session.opened", "session.ended"]
    assert deeds(mia) == before[0]


@pytest.mark.parametrize("kind", ["session", "job"])
def test_only_sessions_of_members_are_told_of(kind):
    before = deeds(nina), deeds(lou), deeds(boris)
    for someone in (nina, lou, boris):
        with gate.vouching():
            secret = gate.new_secret()
            gate.open_pass(
                secret, kind=kind, user_id=someone.user.pk, company_id=company("aurora").pk,
                until=timezone.now() + timedelta(hours=1),
            )  # fmt: skip
            gate.end_pass(secret)
    assert (deeds(nina), deeds(lou), deeds(boris)) == before


def test_an_expired_session_has_not_signed_out():
    before = deeds(gail)
    with gate.vouching():
        gate.end_pass(pass_of(gail, lasting=-1))
    assert new(before, deeds(gail)) == ["session.opened"]


@pytest.mark.parametrize(
    "deed",
    ["session.opened", "session.ended", "password.changed", "factor.added", "disclosure.received"],
)
def test_nobody_tells_these_of_himself(deed):
    before = deeds(gail)
    with as_(gail) as by, transaction.atomic():
        values = {"company_id": by.company_id, "actor_id": by.user_id, "at": timezone.now()}
        with pytest.raises(DatabaseError, match="by itself"), transaction.atomic():
            AuditEntry.objects.create(action=deed, **values)
        AuditEntry.objects.create(action="team.made", **values)  # the probe itself works
    assert new(before, deeds(gail)) == ["session.opened", "team.made"]


REFUSED = r"permission denied|only the application"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT gate.tell({company}, {user}, 'session.opened')",
        "SELECT gate.tell_of_person({user}, 'session.opened')",
        "SELECT gate.tell_of_refusal('guessed', {user}, 'password')",
        "INSERT INTO gate.telling (company_id, user_id) VALUES ({company}, {user})",
    ],
)
def test_no_member_tells_in_another_s_name(statement):
    before = deeds(adam)
    statement = statement.format(company=company("aurora").pk, user=adam.user.pk)
    with as_(gail), pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
        connection.cursor().execute(statement)
    assert deeds(adam) == before


# Proofs


def test_a_wrong_password_is_told_to_each_company_of_its_owner_and_without_a_word_of_it(client):
    before = deeds(mia), deeds(mia, bea)
    sign_in_by_form(client, mia, password="not-her-password")
    for known, reader in zip(before, (ann, bea), strict=True):
        assert new(known, deeds(mia, reader)) == ["password.refused"]
        assert entries(mia, reader)[-1].changes == {}
    assert "not-her-password" not in str([entry.__dict__ for entry in entries(mia)])


def all_there_is() -> int:
    with as_(ann):
        return AuditEntry.objects.count()


def test_the_wrong_password_of_a_stranger_is_told_to_nobody(client):
    one = all_there_is()
    a_look = all_there_is() - one  # is Ann's sign-in
    sign_in_by_form(client, nina, password="wrong")
    client.post("/login/", {"login": "nobody@nowhere.example", "password": "wrong"})
    assert all_there_is() == one + 2 * a_look


def test_what_is_not_even_tried_is_not_told(client):
    before = deeds(gail)
    for _ in range(9):
        sign_in_by_form(client, gail, password="wrong")
    assert new(before, deeds(gail)) == ["password.refused"] * 5


def test_a_wrong_password_given_once_more_within_a_session_is_told(client):
    sign_in(client, gail)
    before = deeds(gail)
    client.post("/account/deletion/", {"password": "wrong"})
    assert new(before, deeds(gail)) == ["password.refused"]


def test_a_new_password_is_told_and_the_session_that_goes_on(client):
    sign_in(client, gail)
    before = deeds(gail)
    client.post("/password/", {"oldpassword": PASSWORD, **NEW})
    assert new(before, deeds(gail)) == ["password.changed", "session.opened"]


def test_a_password_by_a_letter_s_link_is_told_as_such(client):
    before = deeds(mia), deeds(mia, bea)
    client.post(reset_link(client, mia), NEW)
    assert new(before[0], deeds(mia)) == new(before[1], deeds(mia, bea)) == ["password.reset"]


def test_the_same_password_hashed_anew_is_not_told(client):
    former = make_password(PASSWORD, hasher="pbkdf2_sha256")
    with gate.vouching():
        gate.set_password(gail.user.pk, former, is_another=False)
    before = deeds(gail)
    sign_in_by_form(client, gail)
    assert gail.user.password.startswith("argon2")
    assert new(before, deeds(gail)) == ["session.opened"]


def test_second_factors_are_told_as_they_come_and_go(client):
    before = deeds(gail)
    app, _codes = somebody_with(gail)
    sign_in(client, gail)
    client.post(CONFIRM, {"proof-code": app.code()})
    client.post(f"{CODES}new/")
    client.post(f"{SET_UP}removal/")
    told = new(before, deeds(gail))
    assert told == [
        "session.opened", "factor.added", "factor.added", "session.opened", "factor.added",
        "factor.removed",
    ]  # fmt: skip
    changes = [entry.changes for entry in entries(gail)][-len(told) :]
    assert [each.get("factor") for each in changes] == [
        None, "totp", "recovery_codes", None, "recovery_codes", "totp",
    ]  # fmt: skip


def test_a_session_that_rises_by_a_factor_has_neither_ended_nor_begun(client):
    app, _codes = somebody_with(gail)
    sign_in(client, gail)
    before, secret = deeds(gail), client.cookies["covenant"].value
    assert client.post(CONFIRM, {"proof-code": app.code()}).status_code == 302
    assert client.cookies["covenant"].value != secret
    assert client.get("/orders/").status_code == 200
    with gate.carrying(secret) as entry:
        assert not entry.found
    assert deeds(gail) == before


def test_a_wrong_code_is_told_and_so_is_one_that_was_used(client):
    app, _codes = somebody_with(gail)
    used = app.code()
    password_sign_in(client, gail)
    client.post(SECOND, {"code": used})
    before = deeds(gail)
    password_sign_in(Client(), gail)
    again = Client()
    password_sign_in(again, gail)
    for wrong in ("000000", used):
        again.post(SECOND, {"code": wrong})
    assert new(before, deeds(gail)) == ["factor.refused", "factor.refused"]


@pytest.mark.parametrize("credential", NO_PASSKEYS[-7:])
def test_a_passkey_that_only_claims_somebody_s_name_is_told_to_nobody(client, credential):
    before = all_there_is()
    client.get("/login/passkey/")
    client.post("/login/passkey/", {"credential": credential})
    assert all_there_is() == before + 1  # Ann's own sign-in to look


@committing
def test_what_the_operator_takes_away_is_told_as_his_deed(owner):
    somebody_with(gail)
    before = deeds(gail)
    owner.execute("DELETE FROM mfa_authenticator")  # as forget_factors does, by the same role
    assert new(before, deeds(gail)) == ["factor.forgotten"]


def test_who_deletes_his_account_leaves_no_more_than_that(client):
    somebody_with(gail)
    before, number = len(deeds(gail)), gail.user.pk
    with as_(gail) as by:
        gail.user.delete_account(by=by)
    with as_(ann):
        told = list(AuditEntry.objects.filter(actor_id=number).order_by("at"))
    assert [entry.action for entry in told[before:]] == ["session.opened", "person.left"]
    assert {entry.actor_name for entry in told} == {f"Person {number}"}


# The page


def test_the_page_says_it_in_words_and_is_filtered_by_it(client):
    sign_in_by_form(Client(), gail, password="wrong")
    somebody_with(gail)
    sign_in(client, ann)
    for action, words in (
        ("session.opened", "<b>Gail</b> signed in"),
        ("password.refused", "<b>Gail</b> was refused: the password was wrong"),
        ("factor.added", "<b>Gail</b> added a second factor: authenticator app"),
    ):
        query: dict[str, Any] = {"action": action, "actor": gail.user.pk}
        assert words in client.get("/company/audit/", query).content.decode()
