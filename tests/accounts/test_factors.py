"""Second factors in SQL: who reads, adds and removes one, and what a pass without one is worth."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.exceptions import InvalidTag
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from accounts import factors, gate
from accounts.factor_forms import first_use
from accounts.sqlstates import NO_RIGHT, sqlstate
from tests.accounts.test_invitations import manage
from tests.orders.test_closure import rotated
from tests.people import Someone, ann, as_, bea, gail, olga, otto, pass_of, prove, sue

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "INSERT INTO mfa_authenticator (user_id, type, data, created_at) VALUES (%s, %s, %s, now())"


def give(someone: Someone, kind: str = "totp") -> None:
    """An app of this person's, set up by himself."""
    with as_(someone) as entry:
        gate.open_factors(entry.user_id)
        Authenticator.objects.create(user_id=entry.user_id, type=kind, data={"secret": "sealed"})


def kinds_of(owner: psycopg.Connection, someone: Someone) -> list[str]:
    rows = owner.execute(
        "SELECT type FROM mfa_authenticator WHERE user_id = %s", [someone.user.pk]
    ).fetchall()
    return [kind for (kind,) in rows]


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(DatabaseError) as refusal:
        yield
    assert sqlstate(refusal.value) == NO_RIGHT


def reached(statement: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


REACHING = (
    "SELECT * FROM mfa_authenticator",
    "UPDATE mfa_authenticator SET data = '{}'",
    "DELETE FROM mfa_authenticator",
)


@pytest.mark.parametrize("someone", [ann, gail, bea, olga], ids=str)
def test_no_request_reaches_a_factor_that_the_application_has_not_opened(
    owner: psycopg.Connection, someone: Someone
) -> None:
    """Its own person's among them, and with the application's key: every request presents that."""
    for holder in (ann, gail):
        give(holder)
    for statement in REACHING:
        with as_(someone):
            assert reached(statement) == 0
    for holder in (ann, gail, someone):
        with as_(someone), refused():
            reached(ADD, holder.user.pk, "webauthn", "{}")
    assert kinds_of(owner, ann) == kinds_of(owner, gail) == ["totp"]


def test_a_request_opens_none_by_itself(owner: psycopg.Connection) -> None:
    give(ann)
    opening = "SELECT gate.open_factors(%s, gate.user_id())"
    for key in (gate.key_for("vouch"), gate.key_for("work"), "made up", ""):
        with as_(ann), refused():
            reached(opening, key)
    for table in ("gate.opened", "gate.application"):
        with as_(ann), refused():
            reached(f"SELECT * FROM {table}")
    with as_(ann), refused():
        reached("INSERT INTO gate.opened (user_id) VALUES (gate.user_id())")


def test_one_persons_are_opened_and_nobody_elses(owner: psycopg.Connection) -> None:
    for holder in (ann, gail):
        give(holder)
    with as_(ann) as entry:
        assert gate.open_factors(entry.user_id)
        assert reached(REACHING[0]) == 1
        assert reached(REACHING[1]) == 1
    with as_(ann) as entry, refused():
        gate.open_factors(entry.user_id)
        reached(ADD, gail.user.pk, "webauthn", "{}")
    with as_(ann) as entry, refused():
        gate.open_factors(entry.user_id)
        reached("UPDATE mfa_authenticator SET user_id = %s", gail.user.pk)
    with as_(ann) as entry, refused():
        gate.open_factors(entry.user_id)
        reached("UPDATE mfa_authenticator SET type = 'webauthn'")
    with as_(ann):
        assert reached(REACHING[0]) == 0  # shut again with its transaction
    assert owner.execute("SELECT count(*) FROM gate.opened").fetchone() == (0,)


def test_whoever_signs_in_uses_one_and_adds_or_removes_none(owner: psycopg.Connection) -> None:
    give(ann)
    with gate.vouching():
        gate.open_factors(ann.user.pk)
        assert reached(REACHING[1]) == 1
    with gate.vouching(), refused():
        gate.open_factors(ann.user.pk)
        reached(REACHING[2])
    with gate.vouching(), refused():
        gate.open_factors(ann.user.pk)
        reached(ADD, ann.user.pk, "webauthn", "{}")
    assert kinds_of(owner, ann) == ["totp"]


def test_a_factor_is_not_added_with_a_pass_that_ends_meanwhile(owner: psycopg.Connection) -> None:
    with pytest.raises(DatabaseError), as_(gail) as entry:
        gate.open_factors(entry.user_id)
        reached(ADD, entry.user_id, "totp", "{}")
        owner.execute("DELETE FROM accounts_pass WHERE user_id = %s", [entry.user_id])
    assert kinds_of(owner, gail) == []


def test_recovery_codes_alone_are_no_factor() -> None:
    give(ann, "recovery_codes")
    with as_(ann) as entry:
        assert not gate.open_factors(entry.user_id)


@pytest.mark.parametrize(("someone", "rank"), [(olga, "is_operator"), (sue, "is_support")], ids=str)
def test_a_pass_without_a_second_factor_has_no_rank(someone: Someone, rank: str) -> None:
    secret = gate.new_secret()
    until = timezone.now() + timedelta(hours=1)
    gate.open_pass(secret, kind="session", user_id=someone.user.pk, until=until)
    assert ranked(secret, rank) is False
    prove(secret, someone, "password")
    assert ranked(secret, rank) is False
    prove(secret, someone, "webauthn")
    assert ranked(secret, rank) is True


@pytest.mark.parametrize("rank", ["is_operator", "is_support"])
@pytest.mark.parametrize("someone", [ann, gail], ids=str)
def test_a_second_factor_makes_nobody_staff(someone: Someone, rank: str) -> None:
    secret = pass_of(someone)
    prove(secret, someone)
    assert ranked(secret, rank) is False


def ranked(secret: str, rank: str) -> bool:
    with gate.carrying(secret), connection.cursor() as cursor:
        cursor.execute(f"SELECT gate.{rank}()")
        found: bool = cursor.fetchone()[0]
        return found


def test_of_many_who_send_the_same_code_at_once_one_is_let_in() -> None:
    let_in: list[bool] = []
    user, start = otto.user, threading.Barrier(6)

    def send() -> None:
        start.wait()
        with gate.vouching():
            let_in.append(first_use(user, "123 456"))
        connections.close_all()

    senders = [threading.Thread(target=send) for _ in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sorted(let_in) == [False] * 5 + [True]


def test_factors_go_with_the_account(owner: psycopg.Connection) -> None:
    give(gail)
    with as_(gail):
        gate.delete_account()
    assert owner.execute("SELECT count(*) FROM mfa_authenticator").fetchone() == (0,)


def test_a_new_master_key_seals_them_anew(owner: psycopg.Connection, settings: Any) -> None:
    former, newest = settings.MASTER_KEYS[0], b"n" * 32
    with as_(ann) as entry:
        gate.open_factors(entry.user_id)
        TOTP.activate(ann.user, "JBSWY3DP")
        codes = RecoveryCodes.activate(ann.user).generate_codes()
    assert rotated([newest, former]).startswith("4 keys")
    settings.MASTER_KEYS = (newest,)
    with as_(ann) as entry:
        gate.open_factors(entry.user_id)
        app, recovery = Authenticator.objects.order_by("pk")
        assert factors.unseal(app.data["secret"]) == "JBSWY3DP"
        assert recovery.wrap().generate_codes() == codes


def test_lost_factors_are_forgotten_on_the_server_and_sessions_end(
    owner: psycopg.Connection,
) -> None:
    give(gail)
    secret = pass_of(gail)
    assert "1 forgotten" in manage("forget_factors", gail.email)
    assert kinds_of(owner, gail) == []
    with gate.carrying(secret) as entry:
        assert not entry.found
    assert "Nobody has the address" in manage("forget_factors", "nobody@nowhere.example")


def test_what_is_sealed_opens_with_each_master_key_at_hand(settings: Any) -> None:
    settings.MASTER_KEYS = (b"a" * 32,)
    sealed = factors.seal("JBSWY3DP")
    assert factors.seal("JBSWY3DP") != sealed
    settings.MASTER_KEYS = (b"b" * 32, b"a" * 32)
    assert factors.unseal(sealed) == "JBSWY3DP"
    settings.MASTER_KEYS = (b"b" * 32,)
    with pytest.raises(InvalidTag):
        factors.unseal(sealed)
