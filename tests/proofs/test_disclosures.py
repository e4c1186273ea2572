"""The disclosure register, broken: the proofs of clause T1 say so."""

from __future__ import annotations

import psycopg
import pytest

from accounts.proving import System
from tests.proofs.conftest import Serve, holds, is_seen_broken, rewrite

OPENED = "orders.two_operators_open_the_orders_named_and_no_others"
TOLD = "orders.the_company_and_the_public_are_told"


def test_disclosures_are_kept(serve: Serve) -> None:
    system = serve()
    holds(OPENED, system)
    holds(TOLD, system)


@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [
        ("0) < 2", "0) < 1", "fewer than two"),
        ("NEW.by_id <> ALL (approvers)", "false", "has not approved"),
        ("IN ('refused', 'packaged')", "IN ('packaged')", "was refused"),
    ],
)
def test_a_register_that_takes_too_little_is_seen(
    system: System, owner: psycopg.Connection, before: str, after: str, seen: str
) -> None:
    rewrite(owner, "gate.enter_disclosure", before, after)
    is_seen_broken(OPENED, system, saying=seen)


def test_the_same_person_counted_twice_is_seen(system: System, owner: psycopg.Connection) -> None:
    owner.execute("DROP INDEX policy_disclosure_twice")
    rewrite(owner, "gate.enter_disclosure", "DISTINCT u.id", "u.id")
    is_seen_broken(OPENED, system, saying="fewer than two")


def test_an_approval_by_the_password_alone_is_seen(
    system: System, owner: psycopg.Connection
) -> None:
    """Three things stand before it: the rank, the fresh factor, and that there is one to name."""
    rewrite(owner, "gate.ranked", "p.factor_at IS NOT NULL", "true")
    rewrite(owner, "gate.fresh_factor", "p.factor_at > clock_timestamp() - within", "true")
    rewrite(owner, "gate.fresh_factor", "SELECT p.factor ", "SELECT 'totp' ")
    is_seen_broken(OPENED, system, saying="without a second factor")


def test_a_package_of_more_than_is_named_is_seen(system: System, owner: psycopg.Connection) -> None:
    rewrite(owner, "gate.open_disclosure", "o.number IN", "o.number > 0 OR o.number IN")
    is_seen_broken(OPENED, system, saying="the package holds")


def test_a_company_that_is_not_told_is_seen(serve: Serve, owner: psycopg.Connection) -> None:
    owner.execute("ALTER POLICY reads ON policy_disclosure USING ((SELECT gate.is_operator()))")
    is_seen_broken(TOLD, serve(), saying="does not read")


@pytest.mark.parametrize("rule", ["company_id = gate.claim()", "secret_until IS NULL"])
def test_a_company_that_is_told_too_much_is_seen(
    serve: Serve, owner: psycopg.Connection, rule: str
) -> None:
    owner.execute(f"CREATE POLICY more ON policy_disclosure FOR SELECT USING ({rule})")
    is_seen_broken(TOLD, serve(), saying="or reads others")


def test_a_secrecy_that_never_ends_is_seen(serve: Serve, owner: psycopg.Connection) -> None:
    rewrite(
        owner, "gate.company_to_tell", "d.id > after", "d.id > after AND d.secret_until IS NULL"
    )
    is_seen_broken(TOLD, serve(), saying="whose secrecy has ended")


def test_a_count_that_leaves_something_out_is_seen(serve: Serve, owner: psycopg.Connection) -> None:
    rewrite(owner, "gate.disclosures", "GROUP BY 1", "WHERE d.secret_until IS NULL GROUP BY 1")
    is_seen_broken(TOLD, serve(), saying="public count")
