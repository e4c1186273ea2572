"""SQL smuggled into a request moves no order past the table of moves, and none untold."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from accounts import gate
from orders import imports, moves_installed
from orders.models import Order
from tests import people
from tests.orders.test_moves import add
from tests.orders.uploading import as_it_stands, begun, imported, many, worked

pytestmark = pytest.mark.django_db(transaction=True)

CHANGE = "UPDATE orders_order SET reason = 'untold' WHERE id = %s"
ENTRY = """
    INSERT INTO accounts_auditentry
        (company_id, id, actor_id, at, action, object_type, object_id, object_name,
         changes)
    SELECT company_id, gen_random_uuid(), %s, now(), %s, 'order', id, '', %s
      FROM orders_order WHERE id = %s
"""


@pytest.fixture
def order() -> Order:
    with people.as_(people.ann) as by:
        return add(by)


@contextmanager
def smuggling(someone: people.Someone) -> Iterator[psycopg.Connection]:
    """A transaction of the web role with that person's pass, not committed."""
    connection = psycopg.connect(os.environ["DATABASE_URL"])
    try:
        secret = people.pass_of(someone)
        connection.execute("SELECT gate.enter(%s, %s)", [gate.key_for("vouch"), secret])
        yield connection
    finally:
        connection.close()


def move(web: psycopg.Connection, order: Order, to: str) -> None:
    web.execute("UPDATE orders_order SET status = %s WHERE id = %s", [to, order.id])


def tell(
    web: psycopg.Connection,
    order: Order,
    action: str = "order.edited",
    by: people.Someone = people.ann,
    **changes: str,
) -> None:
    web.execute(ENTRY, [by.user.pk, action, json.dumps(changes), order.id])


def refused(web: psycopg.Connection) -> bool:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.commit()
    return True


def as_it_was(order: Order) -> bool:
    with people.as_(people.ann):
        now = Order.objects.get(id=order.id)
    return (now.status, now.reason) == (order.status, order.reason)


def test_a_change_that_nobody_tells_of_is_refused(order: Order) -> None:
    with smuggling(people.ann) as web:
        web.execute(CHANGE, [order.id])
        assert refused(web)
    assert as_it_was(order)


@pytest.mark.parametrize("action", ["order.commented", "order.revealed", "person.placed"])
def test_an_entry_of_something_else_does_not_tell_of_it(order: Order, action: str) -> None:
    with smuggling(people.ann) as web:
        web.execute(CHANGE, [order.id])
        tell(web, order, action)
        assert refused(web)
    assert as_it_was(order)


def test_an_entry_about_another_order_does_not_tell_of_it(order: Order) -> None:
    with people.as_(people.ann) as by:
        other = add(by)
    with smuggling(people.ann) as web:
        web.execute(CHANGE, [order.id])
        tell(web, other)
        assert refused(web)
    assert as_it_was(order)


def test_an_entry_that_is_taken_back_does_not_tell_of_it(order: Order) -> None:
    with smuggling(people.ann) as web:
        web.execute(CHANGE, [order.id])
        web.execute("SAVEPOINT here")
        tell(web, order)
        web.execute("SET CONSTRAINTS ALL IMMEDIATE")
        web.execute("ROLLBACK TO here")
        assert refused(web)
    assert as_it_was(order)


def test_a_change_that_is_told_is_committed(order: Order, owner: psycopg.Connection) -> None:
    with smuggling(people.ann) as web:
        web.execute(CHANGE, [order.id])
        tell(web, order)
        web.commit()
    assert not as_it_was(order)
    assert owner.execute("SELECT count(*) FROM gate.untold").fetchone() == (0,)


@pytest.mark.parametrize("to", ["paid", "confirmed", "delivered"])
def test_no_status_is_reached_that_no_move_leads_to(order: Order, to: str) -> None:
    with smuggling(people.ann) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        move(web, order, to)
    assert as_it_was(order)


def test_a_move_is_made_by_the_roles_that_may(order: Order) -> None:
    """An agent takes a new order, and only a lead throws it away."""
    with smuggling(people.gus) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        move(web, order, "trash")
    with smuggling(people.lena) as web:
        move(web, order, "trash")
        tell(web, order, "order.moved", people.lena, **{"from": "new", "to": "trash"})
        web.commit()
    assert not as_it_was(order)


def test_a_move_is_told_as_it_was(order: Order) -> None:
    with smuggling(people.ann) as web:
        move(web, order, "processing")
        tell(web, order, "order.moved", **{"from": "new", "to": "trash"})
        tell(web, order, "order.edited")
        assert refused(web)
    assert as_it_was(order)


def test_a_role_in_another_company_moves_nothing(order: Order) -> None:
    """Mia is an agent here, and an administrator elsewhere: presented as the second row is written,
    when the row rules have had their answers."""
    with people.as_(people.ann) as by:
        other = add(by)
    here, elsewhere = people.pass_of(people.mia), people.pass_of(people.mia, "borealis")
    with smuggling(people.mia) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(
            "UPDATE orders_order o SET attempts = attempts + 1, status = CASE WHEN first"
            " THEN 'new' WHEN set_config('gate.pass', %s, true) <> '' THEN 'trash' END"
            " FROM (VALUES (true, %s::uuid), (false, %s::uuid)) AS v (first, id)"
            " WHERE o.id = v.id RETURNING first OR set_config('gate.pass', %s, true) <> ''",
            [elsewhere, order.id, other.id, here],
        )
    assert as_it_was(order) and as_it_was(other)


COPY = """
    INSERT INTO orders_order SELECT (jsonb_populate_record(o, jsonb_build_object(
        'id', gen_random_uuid(), 'external_id', 'smuggled', 'created_at', now()) || %s)).*
      FROM orders_order o WHERE o.id = %s RETURNING id
"""


def added() -> int:
    with people.as_(people.ann):
        return Order.objects.filter(external_id="smuggled").count()


@pytest.mark.parametrize("someone", [people.gus, people.adam, people.ann], ids=str)
@pytest.mark.parametrize(
    "claimed",
    [
        {"status": "paid"},
        {"source": "import"},
        {"source": "api"},
        {"created_at": "2020-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_whoever_it_is_adds_an_order_as_new_and_now(
    order: Order, someone: people.Someone, claimed: dict[str, str]
) -> None:
    with smuggling(someone) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(COPY, [json.dumps(claimed), order.id])
    assert added() == 0


OLD = {"source": "import", "status": "paid", "created_at": "2020-01-01T00:00:00Z"}
AN_IMPORT = """
    INSERT INTO orders_import (company_id, id, author_id, file_name, rows, drafts, created, refused,
        prohibited, incomplete, expired, started_at, touched_at)
    SELECT company_id, gen_random_uuid(), %s, '', 1, 1, 0, 0, 0, 0, 0, now(), now()
      FROM orders_order
     WHERE id = %s RETURNING id
"""


def bring(web: psycopg.Connection, order: Order, run_id: object) -> None:
    web.execute(COPY, [json.dumps(OLD | {"import_id": str(run_id)}), order.id])


def tell_of_import(web: psycopg.Connection, order: Order, run_id: object, type_: str) -> None:
    entry = ENTRY.replace("'order', id", "%s, %s")
    web.execute(entry, [people.adam.user.pk, "import.started", type_, run_id, "{}", order.id])


@pytest.mark.parametrize("type_", [None, "", "order"])
def test_no_order_is_added_to_an_import_that_nobody_told_of(
    order: Order, type_: str | None
) -> None:
    with smuggling(people.adam) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        [run_id] = web.execute(AN_IMPORT, [people.adam.user.pk, order.id]).fetchone() or [None]
        if type_ is not None:
            tell_of_import(web, order, run_id, type_)
        bring(web, order, run_id)
    assert added() == 0


def test_but_to_one_that_was_told_of_and_then_is_in_the_audit(order: Order) -> None:
    with smuggling(people.adam) as web:
        [run_id] = web.execute(AN_IMPORT, [people.adam.user.pk, order.id]).fetchone() or [None]
        tell_of_import(web, order, run_id, "import")
        bring(web, order, run_id)
        web.commit()
    assert added() == 1


def test_nor_to_a_colleagues_import_that_is_under_way(order: Order) -> None:
    run = begun(many(2), people.ann)
    with smuggling(people.adam) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        bring(web, order, run.id)
    assert added() == 0


def test_nor_to_one_that_is_over_and_it_stays_so(order: Order) -> None:
    run = imported(many(2))
    with smuggling(people.adam) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        bring(web, order, run.id)
    with smuggling(people.adam) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute("UPDATE orders_import SET finished_at = NULL WHERE id = %s", [run.id])
    assert added() == 0
    assert as_it_stands(run).finished_at == run.finished_at


def test_who_lets_a_colleagues_import_go_on_adds_to_it(owner: psycopg.Connection) -> None:
    run = begun(many(2), people.ann)
    with people.as_(people.adam) as by:
        assert imports.go_on(run, by=by)
    assert worked(run).created == 2
    assert owner.execute("SELECT FROM gate.importer WHERE import_id = %s", [run.id]).rowcount == 0


@pytest.mark.parametrize("type_", ["", "import"])
def test_an_entry_that_names_no_order_does_not_tell_of_a_change(order: Order, type_: str) -> None:
    entry = ENTRY.replace("'order', id", f"'{type_}', id")
    with smuggling(people.gus) as web:
        web.execute(CHANGE, [order.id])
        web.execute(entry, [people.gus.user.pk, "order.edited", "{}", order.id])
        assert refused(web)
    assert as_it_was(order)


@pytest.mark.parametrize("action", ["", "order.edited"])
def test_and_not_without_an_entry(order: Order, action: str) -> None:
    with smuggling(people.gus) as web:
        [(new,)] = web.execute(COPY, ["{}", order.id]).fetchall()
        if action:
            web.execute(ENTRY, [people.gus.user.pk, action, "{}", new])
        assert refused(web)
    assert added() == 0


def test_but_with_one(order: Order) -> None:
    with smuggling(people.gus) as web:
        [(new,)] = web.execute(COPY, ["{}", order.id]).fetchall()
        web.execute(ENTRY, [people.gus.user.pk, "order.added", "{}", new])
        web.commit()
    assert added() == 1


def test_the_moves_in_the_database_are_those_in_the_table(owner: psycopg.Connection) -> None:
    stored = owner.execute("SELECT origin, target, made_by FROM gate.move").fetchall()
    assert set(stored) == moves_installed.allowed()
