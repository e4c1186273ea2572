"""Persons are erased by themselves once their time is over: previewed, and recorded."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import audit, gate, jobpasses
from accounts.models import AuditEntry, Membership
from orders import imports, retention
from orders.models import Comment, ImportRefusal, Order, Retention, RetentionRun
from tests.jobs import told
from tests.orders.asking import HEAD, ordered, said
from tests.orders.test_exports import publish_anew
from tests.orders.uploading import imported, table
from tests.people import Someone, adam, ann, as_, bea, gail, lena, pat, sign_in

pytestmark = pytest.mark.django_db


def aged(order: Order, *, days: int = 40) -> Order:
    """The order, cancelled, as it would stand had nobody touched it for so long. That is said by
    SQL of somebody who may: the verbs know no other moment than now."""
    with as_(ann) as by, connection.cursor() as cursor:
        order = Order.objects.get(id=order.id)
        order.move(by=by, move="take", version=order.version)
        order.move(by=by, move="cancel", version=order.version, reason="other")
        cursor.execute(
            "UPDATE orders_order SET updated_at = %s WHERE id = %s",
            [timezone.now() - timedelta(days=days), order.id],
        )
        audit.record(by=by, action="order.edited", of=order, fields=[])
        order.refresh_from_db()
    return order


def kept_for(days: dict[str, int], someone: Someone = adam) -> None:
    with as_(someone) as by:
        retention.set_periods(days, by=by)


def night() -> None:
    """What the clock and the worker do."""
    with gate.vouching():
        retention.begin_everywhere()
    for args in told(retention.TASK):
        work(args)


def work(args: dict[str, str]) -> None:
    run_id = uuid.UUID(args["run_id"])
    name = retention.job_name(run_id)
    retention.work_through(run_id, jobpasses.unseal(args["sealed_pass"], job=name))


def runs(someone: Someone = adam) -> list[dict[str, int]]:
    with as_(someone):
        return [run.erased for run in RetentionRun.objects.order_by("id") if run.finished_at]


def has_person(order: Order) -> bool:
    with as_(ann):
        return Order.objects.get(id=order.id).erased_at is None


def test_what_is_due_is_erased_and_nothing_else():
    old, young, open_ = aged(ordered()), aged(ordered(), days=20), ordered()
    said(old, "Wants it on Friday.")
    kept_for({"cancelled": 30})
    night()
    assert [has_person(order) for order in (old, young, open_)] == [False, True, True]
    assert runs() == [{"cancelled": 1}]
    with as_(adam):
        assert not Comment.objects.filter(order_id=old.id).exists()
        [told] = AuditEntry.objects.filter(object_id=old.id, action="order.erased")
        assert (told.changes["because"], told.actor_name) == ("retention", "Adam")
        assert told.changes["from"] == told.changes["to"] == "cancelled"
        [night_told] = AuditEntry.objects.filter(action="retention.kept")
        assert night_told.changes == {"cancelled": 1}


def test_a_night_in_which_nothing_is_due_is_recorded_too():
    kept_for({"cancelled": 30})
    night()
    assert runs() == [{}]
    with as_(adam):
        assert not AuditEntry.objects.filter(action="retention.kept").exists()


def test_lines_that_imports_refused_go_too(monkeypatch):
    past = timezone.now() - timedelta(days=8)
    with monkeypatch.context() as ending:
        ending.setattr(imports, "timezone", Mock(now=lambda: past))
        run = imported(table("N7,Dan Pop,12,,RO,Belt,1,9.90", head=HEAD))
    with as_(adam):
        before = ImportRefusal.objects.count()
    kept_for({"lines": 7})
    night()
    with as_(adam):
        assert ImportRefusal.objects.count() == before - 1
        assert not ImportRefusal.objects.filter(import_id=run.id).exists()
    assert runs() == [{"lines": 1}]


def test_another_companys_persons_are_kept():
    old = aged(ordered())
    kept_for({"cancelled": 1}, bea)
    kept_for({})
    night()
    assert has_person(old)


def test_a_worker_that_dies_is_followed_by_one_that_ends_it(monkeypatch):
    olds = [aged(ordered()) for _ in range(3)]
    kept_for({"cancelled": 30})
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    with gate.vouching():
        retention.begin_everywhere()
    [args] = [args for args in told(retention.TASK) if "Aurora" in company_of(args)]
    whole, steps = retention.working_for, iter(range(10))

    @contextmanager
    def dying(secret: str) -> Iterator[Any]:
        with whole(secret) as by:
            yield by
            if next(steps) == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(retention, "working_for", dying)
    with pytest.raises(KeyboardInterrupt):
        work(args)
    assert [has_person(order) for order in olds].count(False) == 1
    monkeypatch.setattr(retention, "working_for", whole)
    work(args)
    assert not any(has_person(order) for order in olds)
    assert runs() == [{"cancelled": 3}]


def company_of(args: dict[str, str]) -> str:
    name = retention.job_name(uuid.UUID(args["run_id"]))
    with gate.carrying(jobpasses.unseal(args["sealed_pass"], job=name)) as by:
        return by.company_name


def test_while_nobody_who_runs_the_company_has_accepted_nothing_is_erased():
    old = aged(ordered())
    kept_for({"cancelled": 30})
    publish_anew()
    with gate.vouching():
        assert retention.begin_everywhere() == 0
    with gate.vouching(), connection.cursor() as cursor:
        cursor.execute("SELECT erased_at FROM orders_order WHERE id = %s", [old.id])
        assert cursor.fetchone() is None


def test_it_goes_on_in_anothers_name_when_who_set_it_has_left():
    old = aged(ordered())
    kept_for({"cancelled": 30})
    with as_(ann) as by:
        adams = Membership.objects.get(company_id=by.company_id, user_id=adam.user.pk)
        adams.end(by=by)
    night()
    assert not has_person(old)
    with as_(ann):
        [told] = AuditEntry.objects.filter(object_id=old.id, action="order.erased")
        assert told.actor_name == "Ann"


def test_the_preview_says_how_many_and_how_old():
    old = aged(ordered())
    aged(ordered(), days=35)
    with as_(adam) as by:
        due = retention.preview({"cancelled": 30, "paid": 1}, by=by)
        assert due["cancelled"] == retention.Due(2, old.updated_at)
        assert due["paid"] == retention.Due(0, None)
    assert has_person(old)


@pytest.mark.parametrize("someone", [lena, gail, pat], ids=str)
def test_only_who_runs_the_company_sets_it(someone, client):
    with as_(someone) as by:
        with pytest.raises(PermissionDenied):
            retention.set_periods({"cancelled": 1}, by=by)
        row = Retention(company_id=by.company_id, kind="paid", days=1, author_id=by.user_id)
        with pytest.raises(DatabaseError), transaction.atomic():
            row.save(force_insert=True)
        assert not Retention.objects.all().delete()[0]
    assert (
        sign_in(client, someone).post("/company/buyers/retention/", {"paid": 1}).status_code == 403
    )
    with as_(adam) as by:
        assert retention.periods(by.company_id) == {"trash": 365}


@pytest.mark.parametrize("key", [None, "", "0" * 43, "current_setting('gate.app')"])
def test_no_request_learns_in_whose_name_companies_erase(key):
    asked = key if key and "(" in key else "%s"
    refused = pytest.raises(DatabaseError, match="only the application")
    with as_(adam), connection.cursor() as cursor, refused, transaction.atomic():
        cursor.execute(f"SELECT * FROM gate.retaining({asked})", [key] if asked == "%s" else [])


def test_no_period_is_set_for_a_kind_that_nothing_is_of():
    with as_(adam) as by:
        before = retention.periods(by.company_id)
        row = Retention(company_id=by.company_id, kind="confirmed", days=1, author_id=by.user_id)
        with pytest.raises(DatabaseError, match="orders_retention_kind"), transaction.atomic():
            row.save(force_insert=True)
        assert retention.periods(by.company_id) == before == {"trash": 365}


def test_the_page_previews_and_then_sets(client):
    old = aged(ordered())
    sign_in(client, adam)
    page = client.get("/company/buyers/retention/?cancelled=30").text
    assert "This would be erased today" in page and has_person(old)
    with as_(adam) as by:
        assert retention.periods(by.company_id) == {"trash": 365}
    assert client.get("/company/buyers/retention/?cancelled=0").status_code == 422
    assert client.post("/company/buyers/retention/", {"cancelled": "30"}).status_code == 302
    with as_(adam) as by:
        assert retention.periods(by.company_id) == {"cancelled": 30}
        [told, *_] = AuditEntry.objects.filter(action="retention.set").order_by("-id")
        assert told.changes == {"days": {"cancelled": 30}}
    night()
    assert "Cancelled 1" in client.get("/company/buyers/retention/").text


def test_the_page_asks_in_the_same_statements_for_many(client):
    sign_in(client, adam)

    def statements() -> int:
        with CaptureQueriesContext(connection) as asked_for:
            assert client.get("/company/buyers/retention/?cancelled=30").status_code == 200
        return len(asked_for)

    statements()
    few = statements()
    for _ in range(3):
        aged(ordered())
    assert statements() == few


def test_an_order_that_was_taken_up_again_is_not_erased():
    old = aged(ordered())
    kept_for({"cancelled": 30})
    with as_(ann) as by:
        order = Order.objects.get(id=old.id)
        order.move(by=by, move="reopen", version=order.version, comment="She called.")
    night()
    assert has_person(old)
