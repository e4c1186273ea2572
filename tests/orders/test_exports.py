"""What people take along: all that is theirs, for them alone, with nothing accepted (clause R1)."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, ProgrammingError, transaction
from django.utils import timezone
from psycopg.errors import InsufficientPrivilege

from accounts import gate, jobpasses
from accounts.gate import Entry
from accounts.identifiers import uuid7
from accounts.models import AuditEntry
from orders import archives, exports
from orders.models import Export, ExportChunk, Order
from tests.jobs import job_called
from tests.people import (
    Someone,
    adam,
    ann,
    as_,
    bea,
    boris,
    gail,
    newt,
    nina,
    olga,
    pass_of,
    pat,
    sign_in,
)
from tests.policy.publications import publish_crm
from tests.remains import every_row

pytestmark = pytest.mark.django_db


def begun(someone: Someone, *, of_company: bool = False) -> Export:
    with as_(someone) as by:
        return exports.begin(by=by, of_company=of_company)


def secret_of(run: Export) -> str:
    name = exports.job_name(run.id)
    job = job_called(name)
    assert job
    return jobpasses.unseal(job.args["sealed_pass"], job=name)


def built(someone: Someone, *, of_company: bool = False) -> zipfile.ZipFile:
    run = begun(someone, of_company=of_company)
    reader = pass_of(someone)  # before: that he signs in is an entry, too
    exports.build(run.id, secret_of(run))
    with gate.carrying(reader):
        run.refresh_from_db()
        assert run.finished_at and run.done == run.total
        return zipfile.ZipFile(io.BytesIO(exports.read(run)))


def rows(archive: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    return json.loads(archive.read(f"{name}.json"))


def publish_anew() -> None:
    """From here on nobody has accepted all that is in force."""
    publish_crm("# Anew\n\nIn force.")


def test_a_member_takes_along_what_is_hers_and_nothing_of_the_companys():
    archive = built(gail)
    [account] = rows(archive, "yours/user")
    assert (account["email"], "password" in account) == (gail.email, False)
    assert rows(archive, "yours/membership")[0]["role"] == "agent"
    assert len(rows(archive, "yours/acceptance")) == 2
    assert not [name for name in archive.namelist() if name.startswith("company/")]


def test_who_has_no_company_and_accepted_nothing_takes_along_what_is_theirs():
    assert rows(built(nina), "yours/user")[0]["email"] == nina.email
    assert rows(built(newt), "yours/acceptance") == []


def test_an_owner_takes_the_company_along_with_persons_opened():
    publish_anew()
    archive = built(ann, of_company=True)
    [order] = rows(archive, "company/order")
    assert order["person"]["phone"] == "+40721234643"
    assert rows(archive, "company/comment")[0]["body"] == "Call after six."
    assert "Ana Pop" in archive.read("company/importchunk.json").decode()
    assert "Dan Pop" in archive.read("company/importrefusal.json").decode()
    assert {m["email"] for m in rows(archive, "company/membership")} >= {ann.email, gail.email}
    assert "Bea" not in archive.read("company/membership.json").decode()


def test_what_is_in_the_archive_is_told_with_it():
    told = built(ann, of_company=True).read("README.txt").decode()
    assert "What the system keeps sealed is open in here" in told
    assert "python3 company/verify_audit.py" in told
    assert "verify_audit" not in built(gail).read("README.txt").decode()


def test_both_forms_say_the_same():
    archive = built(ann, of_company=True)
    [told] = csv.DictReader(io.StringIO(archive.read("company/order.csv").decode("utf-8-sig")))
    [order] = rows(archive, "company/order")
    assert told["person_phone"] == order["person"]["phone"]
    assert told["id"] == order["id"]


def test_it_is_made_in_several_transactions_and_loses_no_row(monkeypatch):
    monkeypatch.setattr(exports, "PAGE", 2)
    monkeypatch.setattr(exports.archives, "PIECE", 500)
    archive = built(ann, of_company=True)
    assert archive.testzip() is None
    with as_(ann):
        assert len(rows(archive, "company/order")) == Order.objects.count()


@pytest.mark.parametrize("someone", [adam, gail, pat], ids=str)
def test_only_an_owner_takes_the_company_along(someone):
    with pytest.raises(PermissionDenied):
        begun(someone, of_company=True)
    with as_(someone), pytest.raises(InsufficientPrivilege), transaction.atomic():
        gate.open_export(gate.new_secret(), of_company=True, entry_id=uuid7(), until=timezone.now())


def test_no_pass_of_this_kind_is_made_in_another_way():
    for kind in ("export", "closing"):
        with pytest.raises(Exception, match="function of its own"), transaction.atomic():
            gate.open_pass(gate.new_secret(), kind=kind, user_id=ann.user.pk, until=timezone.now())


def test_the_audit_says_who_took_the_company_along():
    begun(ann, of_company=True)
    with as_(adam):
        entry = AuditEntry.objects.get(action="company.exported")
    assert (entry.actor_name, entry.changes) == ("Ann", {})


def test_an_owner_who_has_not_accepted_reads_orders_in_no_other_way():
    publish_anew()
    with as_(ann), pytest.raises(DatabaseError, match="accepted"), transaction.atomic():
        Order.objects.count()


def test_its_pass_reads_in_read_only_transactions_alone_and_changes_nothing():
    publish_anew()
    secret = secret_of(begun(ann, of_company=True))
    with gate.carrying(secret):
        assert Order.objects.count() == 0
        assert Order.objects.update(reason="mine") == 0
    with gate.carrying(secret):
        gate.read_only()
        assert Order.objects.count() == 1
        with pytest.raises(Exception, match="read-only"), transaction.atomic():
            Order.objects.update(reason="mine")


def test_an_owner_who_is_one_no_longer_gets_nothing():
    run = begun(ann, of_company=True)
    secret = secret_of(run)
    with as_(ann) as by:
        gail.membership().place(by=by, role="owner")
        ann.membership().place(by=by, role="agent")
    with pytest.raises(exports.PassEnded):
        exports.build(run.id, secret)


def two_archives_of_gails() -> tuple[Export, Export]:
    """Finished: the company's, which she owns with Ann, and her own."""
    with as_(ann) as by:
        gail.membership().place(by=by, role="owner")
    found = begun(gail, of_company=True), begun(gail)
    for run in found:
        exports.build(run.id, secret_of(run))
    return found


def archive(run: Export) -> str:
    return f"/account/data/{run.id}/archive/"


def demote(by: Entry) -> None:
    gail.membership().place(by=by, role="agent")


def remove(by: Entry) -> None:
    gail.membership().end(by=by)


def leave(by: Entry) -> None:
    gail.membership().leave(by=by)


@pytest.mark.parametrize("end", [demote, remove])
def test_an_owner_whom_another_ends_loads_the_companys_archive_no_more(end, client):
    of_company, of_her_own = two_archives_of_gails()
    with as_(ann) as by:
        end(by)
    with as_(gail):
        assert list(Export.objects.all()) == [of_her_own]
        assert not ExportChunk.objects.filter(export_id=of_company.id)
    sign_in(client, gail)
    assert client.get(archive(of_company)).status_code == 404
    assert client.get(archive(of_her_own)).status_code == 200
    page = client.get("/account/data/").text
    assert str(of_company.id) not in page and str(of_her_own.id) in page


@pytest.mark.parametrize("end", [demote, remove])
def test_a_download_that_has_begun_goes_no_further_then(end, client, monkeypatch):
    monkeypatch.setattr(archives, "PIECE", 1000)
    of_company, _ = two_archives_of_gails()
    loading = sign_in(client, gail).get(archive(of_company))
    pieces = iter(loading)
    assert next(pieces).startswith(b"PK")
    with as_(ann) as by:
        end(by)
    with pytest.raises(exports.PassEnded):
        next(pieces)


def test_nor_does_one_whose_session_ends(client, monkeypatch):
    monkeypatch.setattr(archives, "PIECE", 1000)
    _, of_her_own = two_archives_of_gails()
    pieces = iter(sign_in(client, gail).get(archive(of_her_own)))
    assert len(next(pieces)) == 1000
    client.post("/logout/")
    with pytest.raises(exports.PassEnded):
        next(pieces)


def test_a_download_is_the_archive(client, monkeypatch):
    monkeypatch.setattr(archives, "PIECE", 1000)
    _, of_her_own = two_archives_of_gails()
    loaded = sign_in(client, gail).get(archive(of_her_own)).getvalue()
    with as_(gail):
        assert loaded == exports.read(of_her_own)
    assert zipfile.ZipFile(io.BytesIO(loaded)).testzip() is None


@pytest.mark.parametrize("end", [demote, leave])
def test_an_owner_who_goes_by_himself_takes_along_what_he_made(end):
    runs = two_archives_of_gails()
    with as_(gail) as by:
        end(by)
    with as_(gail):
        assert set(Export.objects.all()) == set(runs)


@pytest.mark.parametrize("someone", [adam, gail, bea, boris, olga, nina], ids=str)
def test_nobody_else_reads_the_archive(someone):
    run = begun(ann, of_company=True)
    exports.build(run.id, secret_of(run))
    with as_(someone):
        assert not Export.objects.exists()
        assert not ExportChunk.objects.exists()


def test_after_a_day_it_is_gone():
    run = begun(gail)
    exports.build(run.id, secret_of(run))
    with as_(gail), pytest.raises(ProgrammingError), transaction.atomic():
        Export.objects.create(
            user_id=gail.user.pk, key=b"", expires_at=timezone.now() + timedelta(days=2)
        )
    with as_(gail):
        early = Export.objects.create(
            user_id=gail.user.pk, key=b"", expires_at=timezone.now() - timedelta(seconds=1)
        )
        assert early not in Export.objects.living()
        with gate.vouching():
            assert exports.sweep() == 1
        assert list(Export.objects.all()) == [run]


@pytest.mark.django_db(transaction=True)
def test_what_is_stored_of_it_tells_nobody_anything(superuser_url):
    run = begun(ann, of_company=True)
    exports.build(run.id, secret_of(run))
    stored = "\n".join(every_row(superuser_url))
    assert "40721234643" not in stored
    assert "Buyer of Ann" not in stored
