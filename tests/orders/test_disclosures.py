"""Clause T1 in the database: an order leaves by two approvals, for the numbers named, once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Any
from unittest.mock import Mock

import psycopg
import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone

from accounts import audit, gate
from accounts.models import AuditEntry
from orders import disclosures, packages
from orders.models import Comment, Order
from orders.persons import Person
from policy import tasks
from policy.disclosures import (
    Disclosure,
    DisclosureEvent,
    DisclosurePackage,
    counts,
    tell_companies,
)
from policy.turns import NotInTurn
from tests.jobs import told
from tests.people import (
    Someone,
    adam,
    ann,
    as_,
    bea,
    company,
    gail,
    grow_stale,
    olga,
    otto,
    pass_of,
    prove,
    sue,
)
from tests.policy.publications import refused

pytestmark = pytest.mark.django_db

BASIS = "Code of Criminal Procedure, art. 7"


def receive(by: Someone = olga, orders: tuple[int, ...] = (1,), **said: Any) -> Disclosure:
    with as_(by) as entry:
        return disclosures.receive(
            by=entry,
            company_id=company("aurora").pk,
            authority="District court of Cluj",
            legal_basis=BASIS,
            orders=orders,
            document=b"%PDF the order of the court",
            **said,
        )


def approve(disclosure: Disclosure, *people: Someone) -> Disclosure:
    for somebody in people:
        with as_(somebody) as entry:
            disclosure.approve(by=entry)
    return disclosure


def read_as(someone: Someone) -> list[Disclosure]:
    with as_(someone):
        return list(Disclosure.objects.listed())


def add_orders(many: int) -> list[int]:
    """Their numbers: which the next one is, no test decides alone."""
    with as_(ann) as entry:
        return [
            Order.objects.add(
                by=entry, person=Person(name=f"Buyer {place}"), items=[], currency="EUR"
            ).number
            for place in range(many)
        ]


def secret() -> dict[str, Any]:
    return {"secret_until": timezone.now() + timedelta(days=9), "secrecy_ground": "art. 9"}


def test_the_package_holds_exactly_the_orders_named() -> None:
    first, _second, third = add_orders(3)
    disclosure = approve(receive(orders=(third, first, 999_999)), olga, otto)
    with as_(otto):
        passphrase = disclosures.package(disclosure)
        body = disclosure.take_package()
    found = json.loads(packages.unseal(body, passphrase))
    assert [order["number"] for order in found["orders"]] == [first, third]
    assert [order["person"] for order in found["orders"]] == [
        {"name": "Buyer 0"},
        {"name": "Buyer 2"},
    ]
    assert found["missing"] == [999_999]


def test_what_holds_no_seal_keeps_no_authority_from_the_rest() -> None:
    broken, whole = add_orders(2)
    with as_(adam) as by:
        order = Order.objects.get(number=broken)
        order.say(by=by, text="Ring twice.")
        Order.objects.filter(id=order.id).update(person=b"\x01" * 40, version=2)
        audit.record(by=by, action="order.edited", of=order, fields=["name"])
        garbage = Comment(company_id=order.company_id, order_id=order.id, author_id=by.user_id)
        garbage.body = b"\x00"
        garbage.save(force_insert=True)
        audit.record(by=by, action="order.commented", of=order)
    disclosure = approve(receive(orders=(broken, whole)), olga, otto)
    with as_(otto):
        passphrase = disclosures.package(disclosure)
        found = json.loads(packages.unseal(disclosure.take_package(), passphrase))
    assert [order["person"] for order in found["orders"]] == [None, {"name": "Buyer 1"}]
    texts = [each["text"] for each in found["orders"][0]["comments"]]
    assert texts == ["Ring twice.", None]


def test_a_package_holds_the_items_and_the_comments() -> None:
    disclosure = approve(receive(), olga, otto)
    with as_(olga):
        [order] = disclosures.disclosed(disclosure)["orders"]
    assert order["person"]["name"] == "Buyer of Ann"
    assert [item["name"] for item in order["items"]] == ["Kettle"]
    assert [comment["text"] for comment in order["comments"]] == ["Call after six."]


def test_after_the_package_the_operator_is_as_far_from_orders_as_before() -> None:
    disclosure = approve(receive(), olga, otto)
    with as_(olga) as entry, connection.cursor() as cursor:
        disclosures.package(disclosure)
        cursor.execute("SELECT current_setting('gate.company'), gate.user_id()")
        assert cursor.fetchone() == ("", entry.user_id)
        assert Order.objects.count() == 0


@pytest.mark.parametrize("approvers", [(), (olga,), (otto,)])
def test_fewer_than_two_approvals_open_nothing(approvers: tuple[Someone, ...]) -> None:
    disclosure = approve(receive(), *approvers)
    with as_(olga), pytest.raises(NotInTurn, match="Two different"):
        disclosures.package(disclosure)
    assert read_as(olga)[0].outcome is None


def test_the_same_person_does_not_approve_twice() -> None:
    disclosure = approve(receive(), olga)
    with pytest.raises(NotInTurn, match="already"):
        approve(disclosure, olga)
    assert len(read_as(olga)[0].approvers) == 1


def test_nobody_approves_in_anothers_name_and_the_database_says_by_what_it_was_proven() -> None:
    disclosure = receive()
    with as_(olga) as entry:
        with refused():
            disclosure.events.create(deed="approved", by_id=otto.user.pk)
        disclosure.events.create(deed="approved", by_id=entry.user_id, proven="by my word")
    assert [event.proven for event in read_as(olga)[0].events.all()] == ["totp"]


@pytest.mark.django_db(transaction=True)
def test_an_approval_asks_for_a_second_factor_proven_just_now(owner: psycopg.Connection) -> None:
    disclosure = receive()
    stale = pass_of(otto)
    grow_stale(owner)
    prove(stale, otto, "password")
    with gate.carrying(stale) as entry, refused("fresh second factor"):
        disclosure.approve(by=entry)
    assert read_as(olga)[0].approvers == []
    prove(stale, otto, "webauthn")
    with gate.carrying(stale) as entry:
        disclosure.approve(by=entry)
    assert [event.proven for event in read_as(olga)[0].events.all()] == ["webauthn"]


@pytest.mark.parametrize("deed", ["packaged", "taken", "told"])
def test_other_deeds_are_not_the_web_roles_to_enter(deed: str) -> None:
    disclosure = approve(receive(**secret()), olga, otto)
    with as_(olga) as entry, refused("row-level security|policy_disclosure_two"):
        disclosure.events.create(deed=deed, by_id=entry.user_id)


@pytest.mark.parametrize("someone", [ann, gail, sue], ids=str)
def test_only_operators_receive_approve_and_open(someone: Someone) -> None:
    with refused():
        receive(someone)
    disclosure = approve(receive(), olga, otto)
    with as_(someone) as entry:
        with refused():
            disclosure.refuse(by=entry, reason="No.")
        with refused("operators"), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM gate.open_disclosure(%s)", [disclosure.id])


@pytest.mark.django_db(transaction=True)
def test_an_approver_who_is_no_operator_any_more_does_not_count(owner: Any) -> None:
    disclosure = approve(receive(), olga, otto)
    owner.execute("UPDATE accounts_user SET is_superuser = false WHERE email = %s", [otto.email])
    with as_(olga), pytest.raises(NotInTurn, match="Two different"):
        disclosures.package(disclosure)
    assert read_as(olga)[0].outcome is None


def test_a_package_is_taken_once() -> None:
    disclosure = approve(receive(), olga, otto)
    with as_(olga):
        disclosures.package(disclosure)
        disclosure.take_package()
    with as_(otto), pytest.raises(NotInTurn, match="taken already"):
        disclosure.take_package()


def test_a_package_is_made_once() -> None:
    disclosure = approve(receive(), olga, otto)
    with as_(olga):
        disclosures.package(disclosure)
    with as_(otto), pytest.raises(NotInTurn, match="nothing more"):
        disclosures.package(disclosure)


def test_a_refusal_is_an_outcome_with_its_reason_and_the_end_of_it() -> None:
    disclosure = approve(receive(), olga, otto)
    with as_(otto) as entry:
        with refused("policy_disclosure_reason"):
            disclosure.events.create(deed="refused", by_id=entry.user_id)
        disclosure.refuse(by=entry, reason="It names no legal basis that binds us.")
    with as_(olga), pytest.raises(NotInTurn):
        disclosures.package(disclosure)
    [told] = read_as(ann)
    assert told.outcome and told.outcome.reason.startswith("It names no")


def test_nobody_reads_a_package_past_its_being_taken() -> None:
    disclosure = approve(receive(), olga, otto)
    with as_(olga):
        disclosures.package(disclosure)
        with refused("permission denied"):
            list(DisclosurePackage.objects.all())


@pytest.mark.django_db(transaction=True)
def test_the_register_is_only_added_to(owner: Any) -> None:
    disclosure = approve(receive(), olga)
    with as_(olga):
        for rows in (Disclosure.objects.all(), DisclosureEvent.objects.all()):
            with refused("permission denied"):
                rows.delete()
        with refused("permission denied"):
            Disclosure.objects.filter(pk=disclosure.pk).update(numbers=[1, 2])
    for change in (
        "UPDATE policy_disclosure SET numbers = '[1, 2]'",
        "DELETE FROM policy_disclosureevent",
        "UPDATE policy_disclosureevent SET by_id = 1",
        "TRUNCATE policy_disclosurepackage",
    ):
        with pytest.raises(Exception, match="only ever added to"):
            owner.execute(change)


@pytest.mark.parametrize("orders", [(), ("1",), (0,), (-1,), (1.5,)])
def test_a_request_names_its_orders(orders: tuple[Any, ...]) -> None:
    with refused("names its orders"):
        receive(orders=orders)


def test_the_document_comes_back_as_it_was_and_is_sealed() -> None:
    receive()
    with as_(otto):
        kept = Disclosure.objects.get()
        assert b"court" not in bytes(kept.document)
        assert disclosures.document_of(kept) == b"%PDF the order of the court"


def test_the_company_is_told_at_once() -> None:
    receive()
    assert told("policy.tell_companies") == [{}]
    tasks.tell_companies_of_disclosures()
    assert sorted(message.to[0] for message in mail.outbox) == [adam.email, ann.email]
    assert "court" not in mail.outbox[0].body
    assert len(read_as(ann)) == len(read_as(adam)) == 1
    assert read_as(bea) == read_as(gail) == []


def test_a_secret_is_kept_until_its_day_and_told_then() -> None:
    receive(secret_until=timezone.now() + timedelta(seconds=1), secrecy_ground="art. 9")
    assert tell_companies() == 0
    assert mail.outbox == [] and read_as(ann) == []
    with gate.vouching(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
    assert tell_companies() == 2
    assert tell_companies() == 0
    assert len(mail.outbox) == 2 and len(read_as(ann)) == 1


def told_of(disclosure: Disclosure) -> bool:
    with as_(olga):
        return disclosure.events.filter(deed="told").exists()


def test_who_is_not_reached_keeps_nobody_from_being_told(monkeypatch: Any) -> None:
    first, second = receive(), receive()
    reached = []

    def send(letter: EmailMessage) -> int:
        if letter.to == [adam.email]:
            raise SMTPException
        reached.extend(letter.to)
        return 1

    monkeypatch.setattr(EmailMessage, "send", send)
    assert tell_companies() == 2
    assert reached == [ann.email] * 2
    assert told_of(first) and told_of(second)


def test_a_company_is_told_once_a_letter_was_handed_over(monkeypatch: Any) -> None:
    disclosure = receive()
    with monkeypatch.context() as away:
        away.setattr(EmailMessage, "send", Mock(side_effect=ConnectionRefusedError))
        assert tell_companies() == 0
    assert not told_of(disclosure)
    assert tell_companies() == 2
    assert told_of(disclosure)


def in_the_audit(reader: Someone = ann) -> list[str]:
    """What the reader's company has been told of requests, by its audit, the oldest first."""
    with as_(reader):
        told = AuditEntry.objects.filter(action__startswith="disclosure.").order_by("at")
        return [entry.action.partition(".")[2] for entry in told]


def test_the_companys_audit_tells_of_each_deed_once_the_company_is_told() -> None:
    disclosure = approve(receive(orders=tuple(add_orders(2))), olga)
    assert in_the_audit() == []
    tell_companies()
    assert in_the_audit() == ["received", "approved"]
    approve(disclosure, otto)
    with as_(otto):
        disclosures.package(disclosure)
        disclosure.take_package()
    tell_companies()
    assert in_the_audit() == ["received", "approved", "approved", "packaged", "taken"]
    assert in_the_audit(bea) == []
    with as_(ann):
        first, *_rest, last = AuditEntry.objects.filter(object_id=disclosure.id).order_by("at")
    assert (first.actor_name, last.actor_name) == ("Olga", "Otto")
    assert (first.object_name, first.changes) == ("District court of Cluj", {"orders": 2})


def test_a_refusal_is_in_the_audit_too() -> None:
    disclosure = receive()
    tell_companies()
    with as_(otto) as entry:
        disclosure.refuse(by=entry, reason="It names no legal basis that binds us.")
    assert in_the_audit() == ["received", "refused"]


@pytest.mark.django_db(transaction=True)
def test_nothing_of_a_secret_is_in_the_audit_before_its_day(owner: psycopg.Connection) -> None:
    disclosure = approve(receive(**secret()), olga, otto)
    with as_(otto):
        disclosures.package(disclosure)
        disclosure.take_package()
    assert tell_companies() == 0
    assert in_the_audit() == []
    day_comes(owner)
    tell_companies()
    assert in_the_audit() == ["received", "approved", "approved", "packaged", "taken"]
    tell_companies()
    assert len(in_the_audit()) == 5
    with as_(ann):
        told = AuditEntry.objects.get(action="disclosure.received")
        assert told.at - datetime.fromisoformat(told.changes["at"]) > timedelta(days=9)


def day_comes(owner: psycopg.Connection) -> None:
    """Ten days have passed."""
    for table, columns in (
        ("policy_disclosure", ("received_at", "secret_until")),
        ("policy_disclosureevent", ("at",)),
    ):
        before = ", ".join(f"{column} = {column} - interval '10 days'" for column in columns)
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
        owner.execute(f"UPDATE {table} SET {before}")


@pytest.mark.django_db(transaction=True)
def test_not_even_the_owner_tells_of_a_secret_by_the_register(owner: psycopg.Connection) -> None:
    disclosure = receive(**secret())
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="secret still"):
        owner.execute(
            "INSERT INTO policy_disclosureevent (id, disclosure_id, deed, proven, reason)"
            " VALUES (gen_random_uuid(), %s, 'told', '', '')",
            [disclosure.id],
        )
    assert not told_of(disclosure)
    assert in_the_audit() == []


@pytest.mark.parametrize("key", ["vouch", "work", None])
@pytest.mark.parametrize(
    "call",
    ["company_to_tell(%s, '00000000-0000-0000-0000-000000000000')", "note_told(%s, '{id}')"],
)
@pytest.mark.parametrize("someone", [gail, ann, olga], ids=str)
def test_nobodys_sql_learns_or_says_who_was_told(
    someone: Someone, call: str, key: str | None
) -> None:
    disclosure = receive()
    with as_(someone), refused("only the application itself"), connection.cursor() as cursor:
        cursor.execute(f"SELECT gate.{call.format(id=disclosure.id)}", [key and gate.key_for(key)])
    assert not told_of(disclosure)
    assert tell_companies() == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_one_letter(monkeypatch: Any) -> None:
    receive()
    sent: list[str] = []
    others: list[int] = []

    def other() -> int:
        try:
            return tell_companies()
        finally:
            connection.close()

    def send(letter: EmailMessage) -> int:
        with ThreadPoolExecutor(1) as threads:
            others.append(threads.submit(other).result())
        sent.extend(letter.to)
        return 1

    monkeypatch.setattr(EmailMessage, "send", send)
    assert tell_companies() == 2
    assert (others, sorted(sent)) == ([0, 0], [adam.email, ann.email])


def test_secrecy_needs_its_ground_and_its_end() -> None:
    for said in ({"secrecy_ground": "art. 9"}, {"secret_until": timezone.now()}):
        with refused("policy_disclosure_secrecy_grounded"):
            receive(**said)


def test_the_public_count_is_the_registers() -> None:
    first, second, _third = receive(), receive(**secret()), receive()
    with as_(olga) as entry:
        first.refuse(by=entry, reason="Not ours.")
    approve(second, olga, otto)
    with as_(olga):
        disclosures.package(second)
    with gate.vouching():
        [year] = counts()
    assert year == {
        "year": timezone.now().year,
        "received": 3,
        "refused": 1,
        "handed_over": 1,
        "open": 1,
    }


def test_the_pass_that_opened_the_orders_is_gone() -> None:
    disclosure = approve(receive(), olga, otto)
    with as_(olga), connection.cursor() as cursor:
        disclosures.package(disclosure)
        cursor.execute("SELECT gate.whole('orders.read'), gate.company('persons.open')")
        assert cursor.fetchone() == (None, None)
