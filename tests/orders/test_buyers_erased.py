"""A buyer is erased everywhere, and by nobody who may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts import audit, gate
from accounts.models import AuditEntry
from orders import exports, inquiries, keys, records
from orders.models import Comment, Export, ImportChunk, ImportRefusal, Inquiry, Order, SearchWord
from orders.persons import Person
from tests.jobs import as_the_worker
from tests.orders.asking import (
    EMAIL,
    HEAD,
    NAMES,
    PHONE,
    again,
    asked,
    erased,
    everywhere,
    found,
    looked,
    ordered,
    said,
    secret_of,
)
from tests.orders.test_clause_p2 import prohibit
from tests.orders.uploading import as_it_stands, begun, table, worked
from tests.people import adam, ann, as_, bea, boris, gail, lena, pat, sign_in
from tests.remains import every_row

pytestmark = pytest.mark.django_db

ALL_OF_IT = {"orders": 2, "comments": 2, "lines": 1, "waiting": 1, "files": 1, "words": 1}


def test_erased_everywhere_means_that_nothing_is_found(superuser_url):
    others = everywhere()
    run = erased(looked(PHONE, EMAIL))
    assert run.erased == ALL_OF_IT
    assert (run.buyer, run.found) == (None, {}) and run.erased_at
    with found(looked(PHONE, EMAIL)) as held:
        assert held.nothing
    with as_(adam):
        assert not SearchWord.objects.exclude(
            order_id__in=Order.objects.filter(erased_at=None).values("id")
        ).exists()
        texts = Comment.objects.filter(order_id=others.id)
        assert texts.count() == 1
        [told] = AuditEntry.objects.filter(action="buyer.erased")
        assert told.changes == run.erased
        assert AuditEntry.objects.filter(action="order.comment_erased").count() == 1
        for entry in AuditEntry.objects.all():
            assert not [name for name in NAMES if name in str(entry.changes)]
        waiting = [json.dumps(opened(chunk)) for chunk in ImportChunk.objects.all()]
        assert "Ion Ene" in "".join(waiting) and "Zoe" not in "".join(waiting)


def opened(chunk: ImportChunk) -> Any:
    with as_(adam) as by:
        return records.waiting(keys.provided(by), bytes(chunk.body), chunk.id)


def test_what_waited_beside_them_still_becomes_orders():
    run = begun(
        table(
            "Z3,Zoe Quill,+40 733 555 777,,RO,Lamp,1,1.00",
            "Z4,Ion Ene,+40 744 111 222,,RO,Lamp,1,1.00",
            head=HEAD,
        )
    )
    erased(looked())
    done = worked(as_it_stands(run))
    assert (done.created, done.refused, done.drafts) == (1, 1, 2) and done.finished_at


def test_an_order_keeps_its_goods_and_loses_its_person():
    order = ordered()
    erased(looked())
    with as_(adam):
        order = Order.objects.get(id=order.id)
        assert (order.status, order.reason, bytes(order.person)) == ("trash", "request", b"")
        assert (order.total, order.phone_hash) == (Decimal("49.50"), None)


def test_nobody_else_is_touched():
    ordered(someone=bea, currency="KZT")
    ana = ordered(Person(name="Ana Pop", phone="+40721234643"))
    erased(looked())
    with as_(bea):
        assert Order.objects.filter(erased_at=None).count() == 2
    with as_(ann) as by:
        assert Order.objects.get(id=ana.id).open_person(keys.provided(by)).name == "Ana Pop"


def test_archives_that_hold_the_buyer_go_too():
    ordered()
    with as_(ann) as by:
        of_company = exports.begin(by=by, of_company=True)
        own = exports.begin(by=by, of_company=False)
    erased(looked())
    with as_(ann):
        assert [run.id for run in Export.objects.all()] == [own.id] != [of_company.id]


def test_other_questions_about_them_are_forgotten():
    ordered()
    other, stranger = asked(PHONE, someone=ann), asked("+40744111222", someone=ann)
    erased(looked(EMAIL, PHONE))
    with as_(ann):
        ids = set(Inquiry.objects.values_list("id", flat=True))
        assert other.id not in ids and stranger.id in ids


def brothers_order() -> Order:
    """Somebody else's, who is called at the same telephone."""
    order = ordered(Person(name="Her brother", phone=PHONE))
    said(order, "Zoe's number, 0733 555 777, is his as well.")
    return order


def test_an_order_that_is_left_out_stays_whole_and_says_why(client):
    others = everywhere()
    brothers = brothers_order()
    there = f"/company/buyers/{looked(PHONE, EMAIL).id}/"
    sign_in(client, adam)
    assert f'value="{brothers.id}"' in client.get(f"{there}erasure/").text
    client.post(f"{there}erasure/", {"kept": [str(brothers.id)], "because": "another"})
    run = again(asked_at(there))
    inquiries.forget(run.id, secret_of(run))
    page = client.get(there).text
    assert "Erased, but for what was left out" in page and str(brothers) in page
    with as_(adam) as by:
        assert Order.objects.get(id=brothers.id).open_person(keys.provided(by)).phone == PHONE
        assert Comment.objects.filter(order_id=brothers.id).count() == 1
        assert Comment.objects.filter(order_id=others.id).count() == 1
        [told] = AuditEntry.objects.filter(action="buyer.erased")
        assert told.changes == again(run).erased | {"kept": 1, "ground": "another"}
        assert told.changes["orders"] == 2
        [reason] = AuditEntry.objects.filter(action="order.kept")
        assert (reason.object_id, reason.actor_id) == (brothers.id, by.user_id)
    history = client.get(f"/orders/{brothers.id}/").text
    assert "left the order out of the erasure of its buyer" in history
    assert "somebody else&#x27;s" in history


def asked_at(there: str) -> Inquiry:
    with as_(adam):
        return Inquiry.objects.get(id=there.split("/")[-2])


@pytest.mark.parametrize(
    "posted", [{"kept": "ours"}, {"because": "law"}, {"kept": "ours", "because": "so"}], ids=str
)
def test_orders_stay_on_a_ground_alone(client, posted):
    ours, run = ordered(), looked()
    if "kept" in posted:
        posted = posted | {"kept": [str(ours.id)]}
    answer = sign_in(client, adam).post(f"/company/buyers/{run.id}/erasure/", posted)
    assert answer.status_code == 422 and "say t-bad" in answer.text
    assert again(run).erasing_at is None


def test_neither_a_strangers_order_nor_a_stopped_one_is_left_out():
    ordered()
    stranger = ordered(Person(name="Ana Pop", phone="+40721234643"))
    stopped = ordered(Person(name="Alesya Quill", phone=PHONE), country="BY")
    prohibit("BY")
    run = looked()
    for order in (stranger, stopped):
        with as_(adam) as by, pytest.raises(inquiries.NotToKeep):
            inquiries.erase(run, by=by, kept=[order.id], ground="law")
        assert again(run).erasing_at is None
    with as_(adam):
        assert not AuditEntry.objects.filter(action="order.kept").exists()


def test_whoever_takes_an_erasure_on_leaves_out_what_was_left_out_at_first():
    ours, brothers = ordered(), brothers_order()
    run = looked()
    with as_(adam) as by:
        inquiries.erase(run, by=by, kept=[brothers.id], ground="another")
        gate.end_pass(secret_of(run))
    over(run)
    with as_(ann) as by:
        assert inquiries.erase(again(run), by=by, kept=[ours.id], ground="law")
    inquiries.forget(run.id, secret_of(run))
    with as_(adam):
        erased_at = dict(Order.objects.values_list("id", "erased_at"))
        assert erased_at[ours.id] and not erased_at[brothers.id]


def test_no_order_is_left_out_without_a_ground_in_sql():
    run = looked()
    with as_(adam), pytest.raises(DatabaseError), transaction.atomic():
        sql("UPDATE orders_inquiry SET kept = '[\"x\"]' WHERE id = %s", run.id)
    assert again(run).kept == []


@pytest.mark.parametrize("step", range(1, 11))
def test_a_worker_that_dies_at_any_step_is_followed_by_one_that_ends_it(step, monkeypatch):
    everywhere()
    run = looked(PHONE, EMAIL)
    with as_(adam) as by:
        inquiries.erase(run, by=by)
    secret, steps = secret_of(run), iter(range(1, 100))
    whole = inquiries.working_for

    @contextmanager
    def dying(*args: Any) -> Iterator[Any]:
        with whole(*args) as given:
            yield given
            if next(steps) == step:
                raise KeyboardInterrupt

    monkeypatch.setattr(inquiries, "AT_ONCE", 1)
    monkeypatch.setattr(inquiries, "working_for", dying)
    try:
        inquiries.forget(run.id, secret)
    except KeyboardInterrupt:
        monkeypatch.setattr(inquiries, "working_for", whole)
        inquiries.forget(run.id, secret)
    run = again(run)
    assert run.erased == ALL_OF_IT
    with as_(adam):
        assert AuditEntry.objects.filter(action="order.erased").count() == 2
        assert AuditEntry.objects.filter(action="buyer.erased").count() == 1


def test_who_lost_the_right_erases_nobody_and_another_goes_on():
    ordered()
    run = looked()
    with as_(adam) as by:
        inquiries.erase(run, by=by)
        gate.end_pass(secret_of(run))
    with pytest.raises(inquiries.PassEnded):
        inquiries.forget(run.id, secret_of(run))
    with as_(adam):
        assert not Order.objects.exclude(erased_at=None).exists()
    over(run)
    assert erased(again(run), ann).erased_at


def over(run: Inquiry) -> None:
    """Its job has ended, whatever came of it."""
    with as_the_worker(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'succeeded' WHERE lock = %s",
            [inquiries.job_name(run.id)],
        )


# In SQL, as the web's role


def sql(command: str, *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(command, values)
        return cursor.rowcount


@pytest.mark.parametrize("someone", [lena, gail, pat, boris], ids=str)
def test_sql_of_who_may_not_erase_removes_nothing(someone):
    everywhere()
    run = looked()
    with as_(someone):
        for name in ("orders_importrefusal", "orders_comment", "orders_inquiry"):
            assert sql(f"DELETE FROM {name}") == 0
        assert sql("UPDATE orders_inquiry SET erased_at = now(), buyer = NULL, found = '{}'") == 0
    with as_(ann):
        assert ImportRefusal.objects.count() == 2
        assert Comment.objects.count() == 4
        assert Inquiry.objects.filter(id=run.id, erased_at=None).exists()


FORGED = """
    INSERT INTO accounts_auditentry (company_id, id, actor_id, at, action, object_type,
        object_id, object_name, changes)
    VALUES (%s, gen_random_uuid(), %s, now(), 'buyer.erased', 'inquiry', %s, '', '{}')
"""


def test_no_archive_goes_without_an_erasure_that_is_told():
    run, kept = looked(), "SELECT FROM orders_export"
    with as_(ann) as by:
        exports.begin(by=by, of_company=True)
        company_id = by.company_id
    with as_(adam) as by:
        with pytest.raises(DatabaseError), transaction.atomic():
            sql("SELECT gate.drop_archives()")
        sql(FORGED, company_id, by.user_id, run.id)
    with as_(ann):
        assert sql(kept) == 1
    with as_(adam) as by:
        inquiries.erase(run, by=by)
    for someone in (lena, gail, pat, boris):
        with suppress(DatabaseError), as_(someone) as by:
            sql(FORGED, by.company_id, by.user_id, run.id)
    with as_(ann):
        assert sql(kept) == 1
    with as_(adam) as by:
        sql(FORGED, company_id, by.user_id, run.id)
    with as_(ann):
        assert sql(kept) == 0


@pytest.mark.django_db(transaction=True)
def test_a_comment_goes_with_its_person_or_is_told_of():
    comment = said(ordered(), "Ring twice.")
    with pytest.raises(DatabaseError, match="without an entry"), as_(adam):
        sql("DELETE FROM orders_comment WHERE id = %s", comment.id)
    with as_(adam) as by:
        assert sql("DELETE FROM orders_comment WHERE id = %s", comment.id) == 1
        order = Order.objects.get(id=comment.order_id)
        audit.record(by=by, action="order.comment_erased", of=order)
    with as_(adam):
        assert not Comment.objects.filter(id=comment.id).exists()


@pytest.mark.django_db(transaction=True)
def test_no_sealed_piece_of_them_is_left_for_a_superuser(superuser_url):
    """Row by row, with the company's own keys: nothing that opens names them."""
    everywhere()
    run = looked(PHONE, EMAIL)
    before = sum("Quill" in text for text in opened_rows())
    erased(run)
    assert before == 4
    assert not [text for text in opened_rows() for name in NAMES if name in text]
    assert not [text for text in every_row(superuser_url) if "Quill" in text]


def opened_rows() -> list[str]:
    with as_(ann) as by:
        held = keys.provided(by)
        texts = [str(o.open_person(held).to_bytes()) for o in Order.objects.all()]
        texts += [held.open_comment(bytes(c.body), c.id) for c in Comment.objects.all()]
        texts += [
            str(records.waiting(held, bytes(c.body), c.id)) for c in ImportChunk.objects.all()
        ]
        lines = ImportRefusal.objects.exclude(body=None)
        texts += [str(records.line(held, bytes(line.body), line.id)) for line in lines]
        return texts + [str(inquiries.opened(each, held)) for each in Inquiry.objects.all()]
