"""Each mechanism of orders, broken: the proof of it says so."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, Final

import psycopg
import pytest
from django.db import models

from accounts import audit
from accounts.gate import Entry
from accounts.proving import System
from orders import exports, imports
from orders.keys import Keys
from orders.models import Import, Order
from orders.proofs import admission
from orders.screening import FileRow, Refused
from policy.answers import Refusal
from policy.jurisdictions import Verdict
from policy.prohibitions import JurisdictionQuerySet
from tests.proofs.conftest import Serve, holds, is_seen_broken, rewrite
from tests.proofs.sabotage import Insister, Leaker, Meddler, Scribe, Welcomer

ALLOWED: Final = Verdict("allowed")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make prove` takes the time for all."""
    spelled = list(admission.spellings())
    monkeypatch.setattr(admission, "spellings", lambda: spelled[::9])


def test_orders_are_kept(serve: Serve) -> None:
    system = serve()
    holds("orders.nobody_else_reads_or_writes_in_sql", system)
    holds("orders.nobody_else_opens_an_order_at_any_address", system)
    holds("orders.no_order_before_the_companys_policy", system)
    holds("orders.no_country_goes_uncovered_unseen", system)
    holds("orders.no_lead_before_acceptance", system)
    holds("orders.the_operators_own_list_is_enforced", system)
    holds("orders.a_buyer_is_found_and_erased_everywhere", system)
    holds("orders.buyers_are_kept_as_long_as_set", system)
    holds("orders.every_change_names_its_doer", system)
    holds("orders.the_prohibited_leave_nothing", system)
    holds("orders.support_sees_what_a_link_opens", system)
    holds("orders.who_declines_takes_all_along_and_goes", system)


@pytest.mark.parametrize(
    ("sabotage", "seen"),
    [
        ("ALTER TABLE orders_comment DISABLE ROW LEVEL SECURITY", "reads orders_comment"),
        ("CREATE POLICY more ON orders_offer FOR INSERT WITH CHECK (true)", "adds to orders_offer"),
    ],
)
def test_a_row_rule_that_is_gone_is_seen(
    system: System, owner: psycopg.Connection, sabotage: str, seen: str
) -> None:
    owner.execute(sabotage)
    is_seen_broken("orders.nobody_else_reads_or_writes_in_sql", system, saying=seen)


HASHED: Final = "p.hash = sha256(convert_to(current_setting('gate.pass', true), 'UTF8'))"
AS_IT_STANDS: Final = f"({HASHED} OR encode(p.hash, 'hex') = current_setting('gate.pass', true))"


@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [
        ("AND m.left_at IS NULL", "", "somebody who left reads"),
        ("AND p.expires_at > clock_timestamp()", "", "an expired pass reads"),
        (HASHED, AS_IT_STANDS, "a fingerprint from the table of passes reads"),
    ],
)
def test_a_gate_that_lets_in_strangers_is_seen(
    system: System, owner: psycopg.Connection, before: str, after: str, seen: str
) -> None:
    rewrite(owner, "gate.standing", before, after)
    is_seen_broken("orders.nobody_else_reads_or_writes_in_sql", system, saying=seen)


@pytest.mark.parametrize(
    ("saboteur", "seen"),
    [(Leaker, "shows an order"), (Welcomer, "answers 200"), (Meddler, "changed an order")],
)
def test_a_page_that_opens_to_staff_is_seen(serve: Serve, saboteur: type, seen: str) -> None:
    is_seen_broken("orders.nobody_else_opens_an_order_at_any_address", serve(saboteur), saying=seen)


def test_an_order_that_needs_no_policy_is_seen(serve: Serve, owner: psycopg.Connection) -> None:
    owner.execute(
        "CREATE OR REPLACE FUNCTION gate.company_under_policy() RETURNS bigint LANGUAGE sql STABLE "
        "SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT gate.claim()'"
    )
    is_seen_broken("orders.no_order_before_the_companys_policy", serve(), saying="without a policy")


@pytest.mark.parametrize(
    ("sabotage", "seen"),
    [
        ("DROP TRIGGER cover ON orders_order", "tell one country from another"),
        ("DROP TRIGGER cover_change ON orders_order", "database takes: UPDATE"),
        ("DROP TRIGGER admit ON accounts_membership", "database takes: SELECT gate.declare"),
    ],
)
def test_a_database_that_takes_what_is_not_covered_is_seen(
    serve: Serve, owner: psycopg.Connection, sabotage: str, seen: str
) -> None:
    owner.execute(sabotage)
    is_seen_broken("orders.no_country_goes_uncovered_unseen", serve(), saying=seen)


def test_a_page_that_says_nothing_of_an_uncovered_order_is_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.views.coverage.countries_named", lambda by: {})
    is_seen_broken(
        "orders.no_country_goes_uncovered_unseen", serve(), saying="an order of a country"
    )


@pytest.mark.parametrize(
    ("sabotage", "seen"),
    [
        ("DROP POLICY removes ON orders_importrefusal", "still held: line"),
        ("DROP POLICY reads ON orders_importrefusal", "this attack shows nothing"),
        ("DROP POLICY removes ON orders_comment", "still held: comment"),
    ],
)
def test_a_buyer_who_stays_somewhere_is_seen(
    serve: Serve, owner: psycopg.Connection, sabotage: str, seen: str
) -> None:
    owner.execute(sabotage)
    is_seen_broken("orders.a_buyer_is_found_and_erased_everywhere", serve(), saying=seen)


def test_a_buyer_who_is_not_told_all_or_takes_others_along_is_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = "orders.a_buyer_is_found_and_erased_everywhere"
    with monkeypatch.context() as careless:
        careless.setattr("orders.holdings._found", lambda run, name, rows: rows.none())
        is_seen_broken(proof, serve(), saying="not handed over: comment, line, waiting, words")
    with monkeypatch.context() as careless:
        careless.setattr("orders.words.Words.without", lambda self, buyer: self)
        is_seen_broken(proof, serve(), saying="still held: words")
    monkeypatch.setattr(
        "orders.models.orders.OrderQuerySet.of", lambda self, *_of: self.filter(erased_at=None)
    )
    is_seen_broken(proof, serve(), saying="somebody else was erased")


def test_a_deed_without_an_entry_is_seen(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    real = audit.record

    def forgetful(*, action: str, **told: Any) -> object:
        return None if action == "order.commented" else real(action=action, **told)

    monkeypatch.setattr(audit, "record", forgetful)
    is_seen_broken("orders.every_change_names_its_doer", system, saying="names only")


def test_a_prohibited_person_in_a_log_is_seen(serve: Serve) -> None:
    is_seen_broken("orders.the_prohibited_leave_nothing", serve(Scribe), saying="written into log")


def test_a_prohibited_person_who_is_taken_is_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "spellings", lambda: ["+7 747 293 76 14"])
    is_seen_broken("orders.the_prohibited_leave_nothing", serve(), saying="answers 200")


@pytest.mark.parametrize(
    ("what", "instead", "seen"),
    [
        ("orders.screening.judged", lambda said, reading: ALLOWED, "in a file"),
        ("policy.refusals.count", lambda verdicts, way: None, "is counted"),
    ],
)
def test_a_way_in_for_the_prohibited_is_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, what: str, instead: Any, seen: str
) -> None:
    monkeypatch.setattr(what, instead)
    is_seen_broken("orders.the_prohibited_leave_nothing", serve(), saying=seen)


def test_a_prohibited_person_kept_under_seal_is_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(run: Import, refused: Iterable[Refused], held: Keys) -> None:
        row = imports.refusal_of(run, FileRow(2, {"name": "canary"}), [], held)
        row.save(force_insert=True)

    monkeypatch.setattr(admission, "Canary", lambda: SimpleNamespace(word="canary"))
    monkeypatch.setattr(imports, "keep_refusals", keep)
    is_seen_broken("orders.the_prohibited_leave_nothing", serve(), saying="kept under seal")


@pytest.mark.parametrize(
    ("sabotage", "seen"),
    [
        ("DROP TRIGGER admit ON orders_order", "takes an order by its"),
        ("DROP TRIGGER admit_change ON orders_order", "takes a change of an order's"),
    ],
)
def test_a_database_that_takes_the_prohibited_is_seen(
    serve: Serve, owner: psycopg.Connection, sabotage: str, seen: str
) -> None:
    owner.execute(sabotage)
    is_seen_broken("orders.the_prohibited_leave_nothing", serve(), saying=seen)


def test_a_list_that_the_operator_does_not_change_is_seen(
    serve: Serve, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.execute("DROP TRIGGER admit_change ON orders_order; DROP TRIGGER admit ON orders_comment")
    is_seen_broken("orders.the_operators_own_list_is_enforced", serve(), saying="work goes on")
    monkeypatch.setattr(JurisdictionQuerySet, "prohibited", lambda self: frozenset({"RU"}))
    owner.execute(
        "CREATE OR REPLACE FUNCTION gate.prohibition(o public.orders_order) RETURNS jsonb "
        "LANGUAGE sql STABLE AS 'SELECT NULL::jsonb'"
    )
    is_seen_broken("orders.the_operators_own_list_is_enforced", serve(), saying="the form")


def test_a_sender_who_need_not_accept_is_seen(
    serve: Serve, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.execute(
        "CREATE OR REPLACE FUNCTION gate.sender() RETURNS TABLE (company_id bigint, "
        "partner_id uuid, user_id bigint, key_id uuid) LANGUAGE sql STABLE SECURITY DEFINER "
        "SET search_path = pg_catalog, pg_temp ROWS 1 AS 'SELECT h.company_id, h.partner_id, "
        "h.user_id, h.key_id FROM gate.held_key() h WHERE h.key_id IS NOT NULL'"
    )
    is_seen_broken("orders.no_lead_before_acceptance", serve(), saying="the database opens")
    monkeypatch.setattr("policy.answers.not_accepted", lambda missing: Refusal("taken", "", 200))
    is_seen_broken("orders.no_lead_before_acceptance", serve(), saying="the API answers 200")


def test_buyers_who_are_kept_for_ever_or_not_at_all_are_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = "orders.buyers_are_kept_as_long_as_set"
    with monkeypatch.context() as forgetful:
        forgetful.setattr("orders.retention._erase_of", lambda kind, days, by: 0)
        is_seen_broken(proof, serve(), saying="erased 0")
    monkeypatch.setattr("orders.retention.due", lambda status, days, by: every_person(by))
    is_seen_broken(proof, serve(), saying="erased 3")


def every_person(by: Entry) -> models.QuerySet[Order]:
    return Order.objects.filter(company_id=by.company_id, erased_at=None)


@pytest.mark.parametrize(
    ("refusal", "proof"),
    [
        ("no_policy", "orders.no_order_before_the_companys_policy"),
        ("not_admitted", "orders.the_prohibited_leave_nothing"),
    ],
)
def test_an_api_that_takes_whom_the_form_refuses_is_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, refusal: str, proof: str
) -> None:
    monkeypatch.setattr(f"orders.views.leads.{refusal}", lambda *told: Refusal("taken", "", 200))
    is_seen_broken(proof, serve(), saying="the API answers 200")


def test_an_archive_that_lacks_something_is_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = exports.parts
    monkeypatch.setattr(
        exports, "parts", lambda run: [p for p in real(run) if p.record.table != "orders_comment"]
    )
    is_seen_broken(
        "orders.who_declines_takes_all_along_and_goes", serve(), saying="as json lacks: comment"
    )


def test_a_departure_that_asks_for_acceptance_is_seen(serve: Serve) -> None:
    is_seen_broken(
        "orders.who_declines_takes_all_along_and_goes",
        serve(Insister),
        saying="asks for something before one may go",
    )


def test_a_companys_key_that_outlives_it_is_seen(serve: Serve, owner: psycopg.Connection) -> None:
    rewrite(
        owner,
        "gate.close_company",
        "DELETE FROM public.accounts_companykey WHERE company_id = company",
        "PERFORM 1",
    )
    is_seen_broken(
        "orders.who_declines_takes_all_along_and_goes", serve(), saying="accounts_companykey"
    )


@pytest.mark.parametrize(
    ("sabotage", "seen"),
    [
        (
            "CREATE OR REPLACE FUNCTION gate.delete_account(issue_key text) RETURNS void "
            "LANGUAGE sql AS 'SELECT'",
            "still names its owner",
        ),
        ("DROP POLICY clears ON orders_offer", "rows in"),
    ],
)
def test_what_stays_of_who_has_gone_is_seen(
    serve: Serve, owner: psycopg.Connection, sabotage: str, seen: str
) -> None:
    owner.execute(sabotage)
    is_seen_broken("orders.who_declines_takes_all_along_and_goes", serve(), saying=seen)


WITHIN = """
    CREATE OR REPLACE FUNCTION gate.within(s gate.share, company_id bigint, id uuid, agent_id uuid,
        team_id uuid, partner_id uuid) RETURNS boolean LANGUAGE sql
    AS 'SELECT s.company_id = company_id'
"""
UNCONFIRMED = """
    CREATE FUNCTION gate.hasty() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.confirmed_at := now(); RETURN NEW; END';
    CREATE TRIGGER hasty BEFORE UPDATE ON accounts_grant FOR EACH ROW EXECUTE FUNCTION gate.hasty()
"""


@pytest.mark.parametrize(
    ("sabotage", "seen"),
    [(WITHIN, "does not list"), (UNCONFIRMED, "before anybody has let it in")],
)
def test_a_link_that_opens_more_than_it_says_is_seen(
    serve: Serve, owner: psycopg.Connection, sabotage: str, seen: str
) -> None:
    owner.execute(sabotage)
    is_seen_broken("orders.support_sees_what_a_link_opens", serve(), saying=seen)


@pytest.mark.parametrize(
    ("what", "instead", "seen"),
    [
        ("orders.persons.Person.glimpse", lambda person, fields: person, "the link hides"),
        ("orders.proofs.links.grants.revoke", lambda grant_id: True, "once the link is revoked"),
        ("accounts.watching.note", lambda request, named: None, "this attack shows nothing"),
    ],
)
def test_a_link_that_hides_tells_or_ends_nothing_is_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, what: str, instead: Any, seen: str
) -> None:
    monkeypatch.setattr(what, instead)
    is_seen_broken("orders.support_sees_what_a_link_opens", serve(), saying=seen)
