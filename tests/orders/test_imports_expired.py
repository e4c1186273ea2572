"""What waits of an import that nobody goes on with is erased in time, and the import says so."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import gate
from accounts.models import AuditEntry
from orders import imports, retention, tasks
from orders.models import Import, ImportChunk, ImportRefusal, Order
from tests.orders.test_import_pages import end_job
from tests.orders.test_retention import kept_for, night, runs
from tests.orders.uploading import (
    HEAD,
    args_of,
    as_it_stands,
    begun,
    chunks_left,
    many,
    orders_of,
    secret_of,
    table,
)
from tests.people import adam, as_, gail, lena, pat, sign_in

pytestmark = pytest.mark.django_db

REFUSED = "N9,2026-05-10 10:00,Dan Pop,12,RO,Belt,1,9.90,,"
GOOD = "N7,2026-05-10 10:00,Ana Pop,+40 721 234 643,RO,Belt,1,9.90,,"


def touched(run: Import, *, days_ago: int) -> datetime:
    """The import as it stands when nobody has touched it for so long; when that was."""
    since = timezone.now() - timedelta(days=days_ago)
    with as_(adam):
        Import.objects.filter(id=run.id).update(touched_at=since)
    return since


def stood_still(count: int = 3, *, days: int = 40) -> Import:
    """An import of so many orders whose worker never came."""
    run = begun(many(count))
    touched(run, days_ago=days)
    return run


def test_what_waits_is_erased_and_ends_the_import():
    run, young = stood_still(), stood_still(2, days=20)
    kept_for({"waiting": 30})
    night()
    ended = as_it_stands(run)
    assert (chunks_left(run), ended.expired, ended.created) == (0, 3, 0)
    assert ended.finished_at and (ended.finished_at - ended.touched_at).days == 40
    assert (chunks_left(young), as_it_stands(young).finished_at) == (1, None)
    assert runs() == [{"waiting": 3}]
    with as_(adam):
        [told] = AuditEntry.objects.filter(action="import.expired")
        assert (told.object_id, told.changes, told.actor_name) == (run.id, {"orders": 3}, "Adam")
        [night_told] = AuditEntry.objects.filter(action="retention.kept")
        assert night_told.changes == {"waiting": 3}


def test_what_was_stored_before_stays(monkeypatch):
    monkeypatch.setattr(imports, "CHUNK", 2)
    run = begun(many(5))
    imports.work_off_a_chunk(run.id, secret_of(run))
    touched(run, days_ago=31)
    kept_for({"waiting": 30})
    night()
    ended = as_it_stands(run)
    assert (ended.created, ended.expired, chunks_left(run)) == (2, 3, 0)
    assert orders_of("R") == ["R1", "R2"]


def test_an_import_that_is_not_named_waits_on():
    run = stood_still(days=4_000)
    kept_for({"lines": 1, "cancelled": 1})
    night()
    assert (chunks_left(run), as_it_stands(run).finished_at) == (1, None)


def progress_of(run: Import, client: Client) -> str:
    end_job(run)
    return sign_in(client, adam).get(reverse("orders:import_progress", args=[run.id])).text


def test_lines_that_an_import_without_an_end_refused_go_too(client):
    run = begun(table(GOOD, REFUSED, head=HEAD))
    touched(run, days_ago=8)
    address = reverse("orders:import_refusals", args=[run.id])
    assert address in progress_of(run, client)
    kept_for({"lines": 7})
    night()
    with as_(adam):
        assert not ImportRefusal.objects.filter(import_id=run.id).exists()
    page = progress_of(run, client)
    assert address not in page and "What the refused lines said is not kept any more" in page
    assert (chunks_left(run), as_it_stands(run).finished_at) == (1, None)
    assert runs() == [{"lines": 1}]


def test_whoever_lets_it_go_on_or_works_on_it_has_touched_it(monkeypatch):
    monkeypatch.setattr(imports, "CHUNK", 2)
    resumed, worked_on = begun(many(3)), begun(many(3))
    secret = secret_of(worked_on)
    for run in (resumed, worked_on):
        touched(run, days_ago=40)
    with as_(adam) as by:
        assert imports.go_on(as_it_stands(resumed), by=by)
    imports.work_off_a_chunk(worked_on.id, secret)
    kept_for({"waiting": 30})
    night()
    assert chunks_left(resumed) == 2
    assert chunks_left(worked_on) == 1


def test_it_cannot_go_on(client):
    run = stood_still()
    kept_for({"waiting": 30})
    night()
    before = as_it_stands(run)
    tasks.work_through_import(**args_of(run))
    with as_(adam) as by:
        assert not imports.go_on(as_it_stands(run), by=by)
    sign_in(client, adam).post(reverse("orders:import_go_on", args=[run.id]))
    after = as_it_stands(run)
    assert (after.expired, after.created, after.finished_at) == (3, 0, before.finished_at)
    assert orders_of("R") == []
    with as_(adam):
        assert not AuditEntry.objects.filter(action="import.resumed").exists()


@pytest.mark.parametrize(
    "change", ["finished_at = NULL, expired = 0", "expired = 0", "touched_at = now()"]
)
def test_no_sql_takes_it_up_again(change):
    run = stood_still()
    kept_for({"waiting": 30})
    night()
    refused = pytest.raises(DatabaseError, match="an import that is over")
    with as_(adam), connection.cursor() as cursor, refused, transaction.atomic():
        cursor.execute(f"UPDATE orders_import SET {change} WHERE id = %s", [run.id])
    assert as_it_stands(run).expired == 3


def test_the_job_that_stores_an_import_does_not_say_that_it_was_erased():
    run = begun(many(3))
    ended = {"expired": 3, "finished_at": timezone.now()}
    refused = pytest.raises(DatabaseError, match="does not erase it")
    with gate.carrying(secret_of(run)), refused, transaction.atomic():
        Import.objects.filter(id=run.id).update(**ended)
    assert (as_it_stands(run).expired, chunks_left(run)) == (0, 1)


def test_what_was_erased_is_said_of_an_ended_import_alone():
    run = begun(many(3))
    refused = pytest.raises(IntegrityError, match="orders_import_expired")
    with as_(adam), refused, transaction.atomic():
        Import.objects.filter(id=run.id).update(expired=3)
    assert (as_it_stands(run).expired, chunks_left(run)) == (0, 1)


@pytest.mark.parametrize("someone", [lena, gail, pat], ids=str)
def test_who_may_not_import_ends_none(someone):
    run = stood_still()
    with as_(someone):
        assert not ImportChunk.objects.filter(import_id=run.id).delete()[0]
        assert not Import.objects.filter(id=run.id).update(expired=3, finished_at=timezone.now())
    assert (as_it_stands(run).expired, chunks_left(run)) == (0, 1)


def test_the_preview_says_how_many_and_how_old():
    older, _younger, _young = stood_still(days=50), stood_still(2), stood_still(days=20)
    with as_(adam) as by:
        since = Import.objects.get(id=older.id).touched_at
        due = retention.preview({"waiting": 30, "lines": 30}, by=by)
    assert due["waiting"] == retention.Due(5, since)
    assert due["lines"] == retention.Due(0, None)
    assert chunks_left(older) == 1


def test_the_pages_say_so(client):
    run = stood_still(1_200)
    sign_in(client, adam)
    preview = client.get("/company/buyers/retention/?waiting=30").text
    assert "Orders of imports that stand still" in preview and "1,200" in preview
    kept_for({"waiting": 30})
    night()
    page = client.get(reverse("orders:import_progress", args=[run.id])).text
    assert "1,200 orders of this file still waited, and were erased" in page
    assert "Nobody had worked on the import for 40 days" in page
    assert reverse("orders:import_go_on", args=[run.id]) not in page
    assert "rest erased" in client.get(reverse("orders:import")).text
    assert (
        "Orders of imports that stand still 1200" in client.get("/company/buyers/retention/").text
    )


def test_the_file_can_be_imported_again():
    run = stood_still()
    kept_for({"waiting": 30})
    night()
    again = begun(many(3))
    tasks.work_through_import(**args_of(again))
    assert (as_it_stands(again).created, as_it_stands(run).created) == (3, 0)
    with as_(adam):
        assert Order.objects.filter(import_id=again.id).count() == 3
