"""The end of an account and of a company: nothing accepted, nobody else touched, evidence kept."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from psycopg.errors import InsufficientPrivilege

from accounts import gate, jobpasses
from accounts.models import LastOwner, User
from accounts.records import Fate, every_record
from orders import closure, keys
from orders.models import Closure, Order
from orders.sealing import CompanyKey, MasterKey, SealBroken
from policy.models import Acceptance
from tests.databases import ROOT, TestCluster
from tests.jobs import job_called
from tests.orders.test_exports import publish_anew
from tests.people import Someone, adam, ann, as_, bea, boris, gail, mia, newt
from tests.people import company as company_called

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def everything(superuser_url: str):
    """A connection past every row rule, to look."""
    database = TestCluster().database(os.environ.get("PYTEST_XDIST_WORKER", "main"))
    url = superuser_url.rpartition("/")[0] + f"/{database}"
    with psycopg.connect(url, autocommit=True) as opened:
        yield opened


def closed(someone: Someone) -> int:
    with as_(someone) as by:
        company_id = closure.begin(by=by)
    name = closure.job_name(company_id)
    job = job_called(name)
    assert job
    closure.work_through(jobpasses.unseal(job.args["sealed_pass"], job=name))
    return company_id


def counted(everything: psycopg.Connection, company_id: int) -> Counter[str]:
    """Rows by table."""
    tables = everything.execute(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'company_id'"
    ).fetchall()
    return Counter(
        {
            name: everything.execute(
                f"SELECT count(*) FROM {name} WHERE company_id = %s", [company_id]
            ).fetchone()[0]
            for (name,) in tables
        }
    )


@pytest.fixture(autouse=True)
def _in_small_steps(monkeypatch):
    monkeypatch.setattr(closure, "MANY", 2)


# A person


def test_who_goes_leaves_a_number(everything):
    number = gail.user.pk
    with as_(gail) as by:
        User(pk=number).delete_account(by=by)
    left = everything.execute("SELECT * FROM accounts_user WHERE id = %s", [number]).fetchone()
    assert "Gail" not in str(left) and gail.email not in str(left)
    assert f"Person {number}" in left
    for table in ("accounts_pass", "account_emailaddress", "orders_export"):
        found = everything.execute(f"SELECT FROM {table} WHERE user_id = %s", [number])
        assert found.rowcount == 0
    acceptances = everything.execute("SELECT FROM policy_acceptance WHERE user_id = %s", [number])
    assert acceptances.rowcount == 2


def test_who_accepted_nothing_goes_too():
    with as_(newt) as by:
        newt.user.delete_account(by=by)
    with gate.vouching():
        assert not User.objects.filter(email=newt.email).exists()


def test_a_last_owner_names_another_one_first(everything):
    before = everything.execute("SELECT * FROM accounts_user ORDER BY id").fetchall()
    with as_(ann) as by, pytest.raises(LastOwner):
        ann.user.delete_account(by=by)
    assert everything.execute("SELECT * FROM accounts_user ORDER BY id").fetchall() == before


def test_a_jobs_pass_deletes_nobody():
    with as_(gail) as by:
        secret = gate.open_job_pass(by, reach=["orders.read"], lasting=closure.LASTING)
    with gate.carrying(secret), pytest.raises(DatabaseError), transaction.atomic():
        gate.delete_account()


# A company


def test_what_the_registry_calls_erased_is_gone_and_nobody_elses(everything):
    aurora, borealis = company_called("aurora").pk, company_called("borealis").pk
    before, others = counted(everything, aurora), counted(everything, borealis)
    publish_anew()
    assert closed(ann) == aurora
    after = counted(everything, aurora)
    for record in every_record():
        if record.company is Fate.ERASED and record.table in before:
            assert (record.table, after[record.table]) == (record.table, 0)
        elif record.company is Fate.KEPT and record.table in before:
            assert after[record.table] >= before[record.table], record.table
    now = counted(everything, borealis)
    assert {name: now[name] for name in others} == dict(others)
    named = everything.execute(
        "SELECT name, slug, country FROM accounts_company WHERE id = %s", [aurora]
    ).fetchone()
    assert named == (f"Company {aurora}", f"deleted-company-{aurora}", "")
    sequence = f"numbers.company_{aurora}"
    assert everything.execute("SELECT to_regclass(%s)", [sequence]).fetchone() == (None,)


def test_the_keys_are_gone_and_everybody_out_before_the_first_row(everything):
    aurora = company_called("aurora").pk
    with as_(ann) as by:
        closure.begin(by=by)
    assert counted(everything, aurora)["accounts_companykey"] == 0
    assert counted(everything, aurora)["orders_order"] == 1
    for someone in (ann, adam, gail):
        with gate.carrying(_pass(someone, aurora)):
            assert not Order.objects.exists()
    with as_(mia, "borealis") as by:
        assert by.company_slug == "borealis"


def test_others_go_on_and_acceptances_are_evidence():
    closed(ann)
    with as_(bea) as by:
        order = Order.objects.get()
        assert order.open_person(keys.provided(by)).phone == "+77472937614"
    with gate.carrying(_pass(gail, None)):
        assert Acceptance.objects.count() == 2


def test_who_closed_it_sees_how_far_it_is_and_nobody_else():
    company_id = closed(ann)
    with gate.carrying(_pass(ann, None)):
        done = Closure.objects.get()
        assert (done.company_id, done.orders, done.remaining) == (company_id, 1, 0)
        assert done.finished_at
    with as_(bea):
        assert not Closure.objects.exists()


@pytest.mark.parametrize("someone", [adam, gail, boris], ids=str)
def test_only_an_owner_closes_a_company(someone, everything):
    with as_(someone) as by, pytest.raises(PermissionDenied):
        closure.begin(by=by)
    with as_(someone), pytest.raises(InsufficientPrivilege), transaction.atomic():
        gate.close_company(gate.new_secret(), until=by_and_by())
    assert (
        everything.execute("SELECT FROM accounts_company WHERE closed_at IS NOT NULL").rowcount == 0
    )


def test_no_other_pass_clears_anything(everything):
    with as_(ann), pytest.raises(InsufficientPrivilege), transaction.atomic():
        gate.clear_company(10)
    for statement in ("DELETE FROM orders_order", "DELETE FROM accounts_auditentry"):
        with (
            as_(ann),
            pytest.raises(DatabaseError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert counted(everything, company_called("aurora").pk)["orders_order"] == 1


# Its keys


def test_an_old_copy_of_a_deleted_company_stays_shut_once_the_master_key_is_another(
    everything, settings
):
    """A copy from before holds the wrapped key: only the former master key opens that."""
    aurora = company_called("aurora").pk
    copied = everything.execute(
        "SELECT k.wrapped, o.person, o.id FROM accounts_companykey k JOIN orders_order o"
        " ON o.company_id = k.company_id WHERE k.company_id = %s",
        [aurora],
    ).fetchone()
    former = settings.MASTER_KEYS
    assert opens(copied, aurora)
    closed(ann)
    settings.MASTER_KEYS = (os.urandom(32), *former)
    assert rotated(settings.MASTER_KEYS).startswith("1 keys are wrapped anew.")
    settings.MASTER_KEYS = settings.MASTER_KEYS[:1]
    keys._unwrapped.cache_clear()
    with pytest.raises(SealBroken):
        opens(copied, aurora)
    with as_(bea) as by:
        assert Order.objects.get().open_person(keys.provided(by)).phone == "+77472937614"
    keys._unwrapped.cache_clear()


def test_a_rotation_that_lacks_a_key_changes_nothing(everything):
    wrapped = everything.execute("SELECT wrapped FROM accounts_companykey").fetchall()
    with pytest.raises(subprocess.CalledProcessError):
        rotated([os.urandom(32)])
    assert everything.execute("SELECT wrapped FROM accounts_companykey").fetchall() == wrapped
    forced = everything.execute(
        "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'accounts_companykey'"
    ).fetchone()
    assert forced == (True,)


def rotated(master_keys: Iterable[bytes]) -> str:
    """What the command says, which is run as what it is: it commits, as the owner."""
    spelled = ",".join(base64.b64encode(key).decode() for key in master_keys)
    return subprocess.run(
        [sys.executable, "manage.py", "rotate_master_key"],
        cwd=ROOT, env=os.environ | {"MASTER_KEY": spelled}, capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip


def opens(copied, company_id: int) -> bool:
    wrapped, person, order_id = copied
    key = CompanyKey.unwrap(wrapped, MasterKey.from_settings(), company_id)
    return bool(keys.Keys(company_id, {1: key}).open_person(person, order_id).phone)


def by_and_by():
    from django.utils import timezone

    return timezone.now() + closure.LASTING


def _pass(someone: Someone, company_id: int | None) -> str:
    secret = gate.new_secret()
    with gate.vouching():
        gate.open_pass(
            secret, kind="session", user_id=someone.user.pk, company_id=company_id, data="{}",
            until=by_and_by(),
        )  # fmt: skip
    return secret
