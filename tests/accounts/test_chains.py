"""Each company's audit is a chain: what the database's owner changes of it is found, and named."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from accounts import audit, chains, gate
from accounts.identifiers import uuid7
from accounts.models import AuditChain, AuditEntry, Company
from accounts.verify_audit import Heads
from tests import people
from tests.conftest import copy_anew
from tests.people import Someone, adam, ann, bea, gail

as_ = partial(people.as_, kind="job")  # sessions are entries of their own
ADDED = """
    INSERT INTO accounts_auditentry
        (company_id, id, actor_id, at, actor_seal, person_seal, action, object_type, object_name,
         changes)
    VALUES (%s, %s, %s, now(), '', '', 'team.made', '', '', '{}')
"""


@pytest.fixture(autouse=True)
def database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Chained at the commit, checked as the owner, whose tables Django's own tests would empty."""
    with django_db_blocker.unblock():
        yield
        copy_anew()


def recorded(by: Someone = ann, many: int = 1) -> None:
    for number in range(many):
        with as_(by) as entry:
            audit.record(by=entry, action="team.made", number=number)


def links(slug: str = "aurora") -> list[tuple[int, str, str]]:
    with as_(ann if slug == "aurora" else bea):
        chain = AuditChain.objects.order_by("number")
        return list(chain.values_list("number", "previous_hash", "hash"))


def found(slug: str = "aurora", heads: Heads | None = None) -> list[str]:
    company = Company.objects.using("owner").get(slug=slug)
    return list(chains.problems(company, heads or {}))


@pytest.fixture
def thief(owner: psycopg.Connection) -> psycopg.Connection:
    """The database's owner, who lifts every guard of the audit's, once there is something in it."""
    recorded(ann, 5)
    recorded(bea, 5)
    owner.execute("ALTER TABLE accounts_auditchain DROP CONSTRAINT accounts_auditchain_entry")
    owner.execute("DROP INDEX accounts_auditchain_entry_once")
    for table in ("accounts_auditentry", "accounts_auditchain"):
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY")
    return owner


def test_entries_are_numbered_in_each_company_without_a_gap() -> None:
    before = [number for number, *_ in links()]
    recorded(ann, 3)
    recorded(bea)
    numbers = [number for number, *_ in links()]
    assert len(numbers) == len(before) + 3
    assert numbers == list(range(1, len(numbers) + 1))
    assert found() == found("borealis") == []


def test_each_carries_the_hash_of_the_one_before() -> None:
    recorded(ann, 3)
    hashes = ["", *(hash for *_, hash in links())]
    assert [previous for _, previous, _ in links()] == hashes[:-1]
    assert len({*hashes}) == len(hashes)


def test_a_transaction_of_many_entries_is_chained_in_their_order() -> None:
    with as_(ann) as by:
        made = [audit.record(by=by, action="team.made", number=number).id for number in range(5)]
    with as_(ann):
        chain = AuditChain.objects.order_by("-number").values_list("entry_id", flat=True)
        assert list(chain[:5]) == made[::-1]
    assert found() == []


def test_what_is_undone_takes_no_number() -> None:
    recorded()
    before = links()
    with pytest.raises(ZeroDivisionError), as_(ann) as by:
        audit.record(by=by, action="team.made")
        1 / 0  # noqa: B018
    recorded()
    assert [number for number, *_ in links()] == list(range(1, len(before) + 2))
    assert found() == []


def test_what_a_savepoint_undoes_takes_no_number() -> None:
    with smuggling(ann) as web:
        with pytest.raises(ZeroDivisionError), web.transaction():
            add(web, ann)
            1 / 0  # noqa: B018
        add(web, ann)
        with pytest.raises(ZeroDivisionError), web.transaction():
            add(web, ann)
            1 / 0  # noqa: B018
        web.commit()
    assert found() == []


class smuggling:
    """A transaction of the web role with that person's pass."""

    def __init__(self, someone: Someone) -> None:
        self.secret = people.pass_of(someone, kind="job")

    def __enter__(self) -> psycopg.Connection:
        self.web = psycopg.connect(os.environ["DATABASE_URL"])
        self.web.execute("SELECT gate.enter(%s, %s)", [gate.key_for("vouch"), self.secret])
        return self.web

    def __exit__(self, *_: object) -> None:
        self.web.close()


def add(web: psycopg.Connection, someone: Someone) -> None:
    company = web.execute("SELECT current_setting('gate.company')::bigint").fetchone()
    assert company
    web.execute(ADDED, [company[0], uuid7(), someone.user.pk])


@pytest.mark.parametrize(
    "early",
    [
        "SET CONSTRAINTS ALL IMMEDIATE",
        "SET CONSTRAINTS gate.chain_at_commit IMMEDIATE",
        "DO $$ BEGIN SET CONSTRAINTS ALL IMMEDIATE; END $$",
    ],
)
def test_nobody_holds_the_company_s_turn_before_his_commit(early: str) -> None:
    """Who could, would keep his own removal waiting."""
    before = len(links())
    with smuggling(gail) as hers:
        add(hers, gail)
        hers.execute(early)
        recorded(adam)
        assert len(links()) == before + 1
        hers.execute("SET CONSTRAINTS ALL DEFERRED")
        hers.commit()
    assert len(links()) == before + 2
    assert found() == []


def test_nobody_commits_an_entry_with_a_query_to_come() -> None:
    with smuggling(gail) as web:
        add(web, gail)
        web.execute("DECLARE late CURSOR WITH HOLD FOR SELECT pg_sleep(1)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="WITH HOLD"):
            web.commit()
    assert found() == []


WRITERS, EACH = 20, 10


def test_twenty_writers_of_one_company_at_once() -> None:
    before = len(links())
    secrets = [people.pass_of(ann, kind="job") for _ in range(WRITERS)]
    together, failed = threading.Barrier(WRITERS), []

    def write(secret: str) -> None:
        together.wait()
        try:
            for number in range(EACH):
                with gate.carrying(secret) as by:
                    for _ in range(1 + number % 2):
                        audit.record(by=by, action="team.made")
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[secret]) for secret in secrets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failed == []
    chain = links()
    assert len(chain) == before + WRITERS * EACH * 3 // 2
    assert [number for number, *_ in chain] == list(range(1, len(chain) + 1))
    assert found() == []


def test_what_the_owner_adds_in_a_single_statement_is_chained(thief: psycopg.Connection) -> None:
    thief.execute("ALTER TABLE accounts_auditentry ENABLE TRIGGER note_entry")
    thief.execute(ADDED, [people.company("aurora").pk, uuid7(), ann.user.pk])
    assert found() == []


EDITED = "UPDATE accounts_auditentry e SET {} FROM accounts_auditchain c \
WHERE c.entry_id = e.id AND c.company_id = {} AND c.number = {}"


def third(change: str) -> Callable[[psycopg.Connection, int], None]:
    def edit(thief: psycopg.Connection, company: int) -> None:
        thief.execute(EDITED.format(change, company, 3))

    return edit


@pytest.mark.parametrize(
    "change",
    [
        "action = 'person.left'", "changes = '{\"a\": 1}'", "at = at + interval '1 microsecond'",
        "actor_id = e.actor_id + 1", "person_id = 1", "object_name = 'x'", "object_type = 'x'",
        "object_id = gen_random_uuid()", "grant_id = gen_random_uuid()",
        "actor_seal = repeat('0', 64)", "person_seal = repeat('0', 64)",
    ],
)  # fmt: skip
def test_an_entry_that_was_edited_is_named(thief: psycopg.Connection, change: str) -> None:
    third(change)(thief, people.company("aurora").pk)
    [problem] = found()
    assert problem.startswith("entry 3 (")
    assert "edited" in problem


def test_an_entry_edited_with_its_hash_is_named(thief: psycopg.Connection) -> None:
    company = people.company("aurora").pk
    third("action = 'person.left'")(thief, company)
    thief.execute(
        "UPDATE accounts_auditchain c SET hash = gate.chain_hash(number, previous_hash,"
        " gate.entry_digest(e)) FROM accounts_auditentry e"
        " WHERE e.id = c.entry_id AND c.company_id = %s AND c.number = 3",
        [company],
    )
    assert found() == ["entry 3: written anew: entry 4 was chained to another"]


def test_an_entry_that_was_deleted_is_named(thief: psycopg.Connection) -> None:
    thief.execute(
        "DELETE FROM accounts_auditentry e USING accounts_auditchain c"
        " WHERE c.entry_id = e.id AND c.number = 3"
    )
    [problem] = found()
    assert problem.startswith("entry 3 (")
    assert problem.endswith("deleted: only its place in the chain is left")
    thief.execute("DELETE FROM accounts_auditchain WHERE number IN (3, 4)")
    assert [problem for problem in found() if "past the chain" not in problem] == [
        "entry 3: deleted", "entry 4: deleted",
    ]  # fmt: skip


def test_entries_that_were_exchanged_are_named(thief: psycopg.Connection) -> None:
    thief.execute(
        "UPDATE accounts_auditchain c SET entry_id = o.entry_id FROM accounts_auditchain o"
        " WHERE o.company_id = c.company_id"
        " AND (c.number, o.number) IN ((2, 4), (4, 2))"
    )
    problems = found()
    assert [problem.partition(": ")[2] for problem in problems] == [
        "exchanged: it says what entry 4 said", "exchanged: it says what entry 2 said",
    ]  # fmt: skip


def test_an_entry_put_in_past_the_chain_is_named(thief: psycopg.Connection) -> None:
    company, loose = people.company("aurora").pk, uuid7()
    thief.execute(ADDED, [company, loose, ann.user.pk])
    assert found() == [f"entry {loose}: put in past the chain"]


def cut(thief: psycopg.Connection, company: int, after: int) -> None:
    thief.execute(
        "DELETE FROM accounts_auditentry e USING accounts_auditchain c"
        " WHERE c.entry_id = e.id AND c.company_id = %s AND c.number > %s",
        [company, after],
    )
    thief.execute(
        "DELETE FROM accounts_auditchain WHERE company_id = %s AND number > %s", [company, after]
    )


def test_a_chain_that_was_cut_off_is_named(thief: psycopg.Connection) -> None:
    last = links()[-1]
    cut(thief, people.company("aurora").pk, 3)
    told = [f"entry 4: cut off, with all up to entry {last[0]} at least"]
    assert found() == told
    thief.execute(
        "UPDATE gate.chain_end e SET number = c.number, hash = c.hash FROM accounts_auditchain c"
        " WHERE c.company_id = e.company_id AND c.number = 3"
    )
    assert found() == []
    assert found(heads={last[0]: last[2]}) == told


REWRITE = """
DO $$
DECLARE at bigint := 0; last text := ''; c record;
BEGIN
    UPDATE accounts_auditentry SET action = 'person.left';
    FOR c IN SELECT l.company_id, l.number, gate.entry_digest(e) AS digest
               FROM accounts_auditchain l JOIN accounts_auditentry e
                 ON e.company_id = l.company_id AND e.id = l.entry_id
              WHERE l.company_id = {company} ORDER BY l.number LOOP
        UPDATE accounts_auditchain l
           SET previous_hash = last, hash = gate.chain_hash(c.number, last, c.digest)
         WHERE l.company_id = c.company_id AND l.number = c.number RETURNING hash INTO last;
    END LOOP;
    UPDATE gate.chain_end SET hash = last WHERE company_id = {company};
END $$
"""


def test_a_chain_written_anew_whole_is_found_by_a_head(thief: psycopg.Connection) -> None:
    number, _, hash = links()[2]
    company = people.company("aurora").pk
    thief.execute(REWRITE.format(company=company))
    assert found() == []
    [problem] = found(heads={number: hash})
    assert problem.startswith(f"entry {number} (")
    assert problem.endswith(f"written anew: its hash was {hash}")


def test_a_name_put_in_place_of_another_is_named(owner: psycopg.Connection) -> None:
    recorded()
    owner.execute("UPDATE accounts_auditname SET name = 'Nobody' WHERE name = 'Ann'")
    assert {problem.partition("): ")[2] for problem in found()} == {
        "edited: its actor had another name"
    }


def test_a_deleted_account_takes_its_names_along_and_the_chain_holds(
    superuser: psycopg.Connection,
) -> None:
    with as_(ann) as by:
        audit.record(by=by, action="order.assigned", person_id=gail.user.pk)
    recorded(gail)
    number = gail.user.pk
    with people.as_(gail) as by:
        gail.user.delete_account(by=by)
    left = superuser.execute("SELECT name FROM accounts_auditname").fetchall()
    assert ("Gail",) not in left
    assert ("Ann",) in left
    with as_(ann):
        given = AuditEntry.objects.get(action="order.assigned")
        assert (given.actor_name, given.person_name) == ("Ann", f"Person {number}")
        assert {e.actor_name for e in AuditEntry.objects.filter(actor_id=number)} == {
            f"Person {number}"
        }
    assert found() == []


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    yield lambda: capsys.readouterr().out


def test_the_command_checks_every_company(
    thief: psycopg.Connection, said: Callable[[], str]
) -> None:
    call_command("verify_audit")
    assert said() == "Every company's audit holds.\n"
    third("action = 'person.left'")(thief, people.company("borealis").pk)
    with pytest.raises(CommandError, match="1 companies"):
        call_command("verify_audit")
    assert said().startswith("borealis: entry 3 (")
