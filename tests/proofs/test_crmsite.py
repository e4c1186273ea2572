"""Each mechanism of the site, broken: the proof of it says so."""

from __future__ import annotations

import psycopg
import pytest
from django.conf import settings
from django.http import HttpRequest

from accounts.proving import UNTRIED, System
from crmsite import chromium, metrics
from policy.visits import CounterQuerySet
from tests.proofs.conftest import Serve, carry_out, holds, is_seen_broken
from tests.proofs.sabotage import Baker, Consoler, Echo, Embedder, Keeper, Opener, Scribe

HEADERS = "crmsite.public_pages_name_no_other_address"
ERRORS = "crmsite.errors_name_no_other_address"
BROWSER = "crmsite.a_browser_is_left_as_it_was"
NO_COUNTER = "crmsite.there_is_no_counter"
ONE_COOKIE = "crmsite.signing_in_sets_one_cookie"
NOWHERE = "crmsite.the_cookie_is_written_down_nowhere"

needs_chromium = pytest.mark.skipif(not chromium.found(), reason=chromium.MISSING)


def opened(source: str, directive: str = "img-src") -> dict[str, object]:
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    return {"DIRECTIVES": directives | {directive: [*directives[directive], source]}}


def test_the_site_keeps_to_itself(serve: Serve) -> None:
    system = serve()
    for proof in (HEADERS, ERRORS, NO_COUNTER, ONE_COOKIE, NOWHERE):
        holds(proof, system)


def test_an_opened_content_security_policy_is_seen(serve: Serve) -> None:
    system = serve(CONTENT_SECURITY_POLICY=opened("https://pixel.example"))
    is_seen_broken(HEADERS, system, saying="lets the browser ask others")


def test_a_cookie_of_a_public_page_is_seen(serve: Serve) -> None:
    is_seen_broken(HEADERS, serve(Baker), saying="sets a cookie")


@pytest.mark.parametrize("status", [400, 403, 404, 500])
@pytest.mark.parametrize(
    ("policy", "seen"),
    [("", "no policy"), ("default-src 'none'; img-src https://pixel.example", "pixel.example")],
    ids=["missing", "opened"],
)
def test_a_content_security_policy_that_an_error_lacks_is_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, status: int, policy: str, seen: str
) -> None:
    monkeypatch.setattr(Opener, "status", status)
    monkeypatch.setattr(Opener, "policy", policy)
    is_seen_broken(ERRORS, serve(Opener), saying=seen)


@needs_chromium
def test_a_browser_is_left_as_it_was(serve: Serve) -> None:
    holds(BROWSER, serve())


@needs_chromium
def test_a_cookie_left_in_a_browser_is_seen(serve: Serve) -> None:
    is_seen_broken(BROWSER, serve(Baker), saying="leaves something in the browser")


@needs_chromium
@pytest.mark.parametrize(
    ("what", "opening", "seen"),
    [
        ('<img src="http://127.0.0.1:9/pixel">', opened("http://127.0.0.1:9"), "asks 127.0.0.1:9"),
        (
            "<script>localStorage.setItem('visitor', '1')</script>",
            opened("'unsafe-inline'", "script-src"),
            "leaves something in the browser",
        ),
    ],
    ids=["asked", "stored"],
)
def test_what_a_page_has_a_browser_do_is_seen(
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    opening: dict[str, object],
    seen: str,
) -> None:
    monkeypatch.setattr(Embedder, "what", what)
    system = serve(Embedder, CONTENT_SECURITY_POLICY=opening)
    is_seen_broken(BROWSER, system, saying=seen)


def test_a_counter_is_seen(serve: Serve) -> None:
    system = serve(Embedder)
    is_seen_broken(NO_COUNTER, system, saying="has a counter: mc.yandex")
    is_seen_broken(HEADERS, system, saying="loads from elsewhere")


def test_a_second_cookie_is_seen(serve: Serve) -> None:
    is_seen_broken(ONE_COOKIE, serve(Baker), saying="sets a second cookie")


def test_a_cookie_of_pages_of_errors_is_seen(serve: Serve) -> None:
    system = serve(Consoler)
    is_seen_broken(ONE_COOKIE, system, saying="sets a second cookie")
    is_seen_broken(HEADERS, system, saying="sets a cookie")
    is_seen_broken(ERRORS, system, saying="sets a cookie")


def test_a_cookie_for_scripts_is_seen(serve: Serve) -> None:
    system = serve(SESSION_COOKIE_HTTPONLY=False)
    is_seen_broken(ONE_COOKIE, system, saying="open to scripts")


def test_a_cookie_that_goes_along_with_others_forms_is_seen(serve: Serve) -> None:
    system = serve(SESSION_COOKIE_SAMESITE="None")
    is_seen_broken(ONE_COOKIE, system, saying="to other sites")


def test_a_cookie_in_a_log_is_seen(serve: Serve) -> None:
    is_seen_broken(NOWHERE, serve(Scribe), saying="stands in log")


def test_a_cookie_in_a_table_is_seen(serve: Serve) -> None:
    is_seen_broken(NOWHERE, serve(Keeper), saying="stands in accounts_pass")


def test_without_chromium_nothing_is_claimed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "found", lambda: None)
    assert carry_out(BROWSER, serve()).outcome == UNTRIED


FIGURES = "crmsite.figures_know_nothing_of_an_order"
OPERATORS_ROLE = "crmsite.the_operators_role_reads_no_order"


def test_figures_by_path_are_seen(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    system = serve(METRICS_TOKEN="a-token-of-the-operator")
    holds(FIGURES, system)

    def count(request: HttpRequest, status: int, seconds: float) -> None:
        metrics.REQUESTS.labels(request.get_full_path(), "GET", status).observe(seconds)

    monkeypatch.setattr(metrics, "count", count)
    is_seen_broken(FIGURES, system, saying="/metrics tells what an order holds")
    metrics.REQUESTS.clear()


def test_figures_by_company_are_seen(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    system = serve(METRICS_TOKEN="a-token-of-the-operator")

    def count(request: HttpRequest, status: int, seconds: float) -> None:
        company = request.gate.company_slug if hasattr(request, "gate") else ""
        metrics.REQUESTS.labels(company, "GET", status).observe(seconds)

    monkeypatch.setattr(metrics, "count", count)
    is_seen_broken(FIGURES, system, saying="/metrics tells what an order holds")
    metrics.REQUESTS.clear()


def test_a_page_of_an_error_that_repeats_what_was_asked_is_seen(serve: Serve) -> None:
    system = serve(Echo, METRICS_TOKEN="a-token-of-the-operator")
    is_seen_broken(FIGURES, system, saying="/…/ tells what an order holds")


@pytest.mark.parametrize(
    ("right", "table"),
    [
        ("SELECT", "orders_order"),
        ("SELECT", "accounts_user"),
        ("SELECT (number)", "orders_order"),
        ("TRUNCATE", "orders_order"),
    ],
)
def test_a_right_of_the_operators_role_is_seen(system: System, right: str, table: str) -> None:
    with system.superuser() as superuser:
        superuser.execute(f"GRANT {right} ON {table} TO covenant_operator")
    is_seen_broken(OPERATORS_ROLE, system, saying=f"the operator's role reads {table}")


def test_the_operators_role_reads_no_order(system: System) -> None:
    holds(OPERATORS_ROLE, system)


COUNTER = "crmsite.a_counter_stays_outside"


def test_a_counter_that_the_operator_set_stays_outside(serve: Serve) -> None:
    holds(COUNTER, serve())


def test_a_counter_within_the_crm_is_seen(serve: Serve) -> None:
    is_seen_broken(COUNTER, serve(Embedder), saying="loads from elsewhere")


def test_a_counter_that_lets_out_further_is_seen(serve: Serve) -> None:
    system = serve(CONTENT_SECURITY_POLICY=opened("https://pixel.example"))
    is_seen_broken(COUNTER, system, saying="does not have the counter as an image")


def test_a_counter_that_is_not_switched_off_is_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CounterQuerySet, "number", lambda self: 1234567)
    is_seen_broken(COUNTER, serve(), saying="has a counter")


def test_a_count_that_knows_of_visitors_is_seen(serve: Serve, owner: psycopg.Connection) -> None:
    owner.execute("ALTER TABLE policy_visits ADD COLUMN visitor text")
    is_seen_broken(COUNTER, serve(), saying="of a visit more is kept: count, day, path, visitor")
