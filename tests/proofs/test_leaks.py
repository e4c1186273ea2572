"""What keeps a buyer's data from thieves, logs and figures, broken: the proofs say so."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from django.http import HttpRequest

from accounts.proving import UNTRIED, System
from crmsite import logs, metrics
from orders import imports
from orders.models import Order
from orders.persons import Term
from orders.proofs import leaks
from tests.proofs.conftest import Serve, carry_out, holds, is_seen_broken
from tests.proofs.sabotage import Scribe

THIEF: Final = "orders.a_thief_of_the_database_reads_nobody"
LOGS: Final = "orders.logs_know_nothing_of_an_order"
OPEN: Final = SimpleNamespace(seal=lambda plaintext, **where: plaintext)  # keys that seal nothing


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make prove` takes the time for all."""
    monkeypatch.setattr(leaks, "ORDERS", 20)


@pytest.fixture
def stolen(serve: Serve) -> System:
    """The system with the files of its own database, as a thief would find them."""
    system = serve(METRICS_TOKEN="a-token-of-the-operator")
    with system.superuser() as superuser:
        found = superuser.execute(
            "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database "
            "WHERE datname = current_database()"
        ).fetchone()
    assert found
    return replace(system, folders=(*system.folders, Path(found[0])))


def test_a_thief_reads_nobody(stolen: System) -> None:
    holds(THIEF, stolen)


def test_a_buyers_name_outside_the_envelope_is_seen(
    stolen: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Order.drafted

    def careless(draft: Any, verdict: Any, **told: Any) -> Order:
        order = real(draft, verdict, **told)
        order.external_id = draft.person.name
        return order

    monkeypatch.setattr(Order, "drafted", staticmethod(careless))
    is_seen_broken(THIEF, stolen, saying="can be read in")


def test_a_refused_line_outside_the_envelope_is_seen(
    stolen: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = imports.keep_refusals
    monkeypatch.setattr(imports, "keep_refusals", lambda run, those, held: real(run, those, OPEN))
    is_seen_broken(THIEF, stolen, saying="can be read in")


def test_waiting_orders_that_are_packed_and_not_sealed_are_seen(
    stolen: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = imports.keep_chunks
    monkeypatch.setattr(
        imports, "keep_chunks", lambda run, those, held, by: real(run, those, OPEN, by=by)
    )
    is_seen_broken(THIEF, stolen, saying="can be read in")


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        ("orders.keys.Keys.seal_comment", lambda held, text, comment_id: text.encode()),
        ("orders.inquiries.sealed", lambda buyer, run, held: buyer.to_bytes()),
        ("orders.persons._term", lambda kind, value, key: Term(kind, value.encode())),
    ],
    ids=["comments", "questions about a buyer", "search words"],
)
def test_what_is_stored_in_the_clear_is_seen(
    stolen: System, monkeypatch: pytest.MonkeyPatch, what: str, instead: Any
) -> None:
    monkeypatch.setattr(what, instead)
    is_seen_broken(THIEF, stolen, saying="can be read in")


def test_a_password_in_the_clear_is_seen(stolen: System, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.proofs.sabotage.Transcriber"]
    is_seen_broken(THIEF, stolen, saying="a password can be read in")


def test_figures_that_tell_of_a_buyer_are_seen(
    stolen: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(request: HttpRequest, status: int, seconds: float) -> None:
        metrics.REQUESTS.labels(request.GET.get("q", ""), "GET", status).observe(seconds)

    monkeypatch.setattr(metrics, "count", count)
    is_seen_broken(THIEF, stolen, saying="in the figures of the running site")
    metrics.REQUESTS.clear()


def test_without_the_figures_nothing_is_claimed(stolen: System, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert carry_out(THIEF, stolen).outcome == UNTRIED


def test_a_log_that_holds_what_was_typed_is_seen(serve: Serve) -> None:
    is_seen_broken(LOGS, serve(Scribe), saying="stands in log")


def test_a_log_that_tells_unknown_addresses_is_seen(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = logging.FileHandler(tmp_path / "told")
    handler.setFormatter(logs.formatter(with_messages=False))
    logging.getLogger().addHandler(handler)
    holds(LOGS, serve())
    monkeypatch.setattr(logs, "route", lambda request: request.path_info)
    is_seen_broken(LOGS, serve(), saying="stands in told")
    logging.getLogger().removeHandler(handler)
