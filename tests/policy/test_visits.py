"""Visits of the external pages (clause S2): our own count, and the operator's counter."""

import pytest
from django.db import Error, connection
from django.test import Client

from policy.visits import ORIGIN, Counter, Visits
from tests import people

pytestmark = pytest.mark.django_db

NUMBER = 1234567


@pytest.fixture
def switched_on() -> None:
    with people.as_(people.olga) as olga:
        Counter.objects.decide(NUMBER, by=olga)


def policy_of(path: str) -> str:
    return Client().get(path).headers["Content-Security-Policy"]


def test_a_visit_leaves_its_page_and_day_alone():
    for path in ("/", "/", "/privacy/", "/policy/", "/c/aurora/policy/", "/?from=somebody"):
        Client().get(path)
    Client().head("/")
    with people.as_(people.olga):
        assert list(Visits.objects.order_by("path").values_list("path", "count")) == [
            ("/", 3), ("/privacy/", 1)
        ]  # fmt: skip


def test_the_counts_are_the_operators_to_read():
    Client().get("/")
    for somebody in (people.ann, people.sue):
        with people.as_(somebody):
            assert not Visits.objects.exists()


def test_no_counter_is_on_until_the_operator_sets_one():
    for path in ("/", "/privacy/", "/policy/"):
        assert ORIGIN not in policy_of(path)
        assert "yandex" not in Client().get(path).text.lower().replace("yandex.metrika", "")


@pytest.mark.usefixtures("switched_on")
@pytest.mark.parametrize("path", ["/", "/privacy/"])
def test_on_an_external_page_it_is_one_image_and_one_origin(path):
    page = Client().get(f"{path}?q=typed").text
    source = f"{ORIGIN}/watch/{NUMBER}?page-url=http%3A%2F%2Ftestserver"
    assert page.count(ORIGIN) == 1
    assert f'<img src="{source}' in page
    assert "typed" not in page.partition(source)[2].partition(">")[0]
    assert "still shows its server your network address" in page
    rules = dict(rule.split(" ", 1) for rule in policy_of(path).split("; "))
    assert rules["img-src"] == f"'self' {ORIGIN}"
    assert ORIGIN not in " ".join(rule for name, rule in rules.items() if name != "img-src")


@pytest.mark.usefixtures("switched_on")
@pytest.mark.parametrize("path", ["/policy/", "/privacy/versions/", "/c/aurora/policy/", "/login/"])
def test_it_is_on_no_other_page(path):
    assert ORIGIN not in policy_of(path) + Client().get(path).text


def test_the_operator_sets_it_and_switches_it_off():
    olga = people.sign_in(Client(), people.olga)
    assert olga.post("/operator/visits/", {"number": str(NUMBER)}).status_code == 302
    assert f"/watch/{NUMBER}" in Client().get("/").text
    assert olga.post("/operator/visits/", {"number": ""}).status_code == 302
    assert ORIGIN not in Client().get("/").text
    page = olga.get("/operator/visits/").text
    assert f"set the counter {NUMBER}" in page
    assert "switched the counter off" in page


@pytest.mark.parametrize("number", ["0", "-1", "12a", "9" * 20])
def test_what_is_no_number_is_refused(number):
    olga = people.sign_in(Client(), people.olga)
    assert olga.post("/operator/visits/", {"number": number}).status_code == 422
    assert ORIGIN not in Client().get("/").text


@pytest.mark.parametrize("somebody", [people.ann, people.sue], ids=str)
def test_nobody_else_sets_it(somebody):
    client = people.sign_in(Client(), somebody)
    assert client.post("/operator/visits/", {"number": str(NUMBER)}).status_code == 403
    with pytest.raises(Error), people.as_(somebody) as by:
        Counter.objects.decide(NUMBER, by=by)
    assert ORIGIN not in Client().get("/").text


@pytest.mark.usefixtures("switched_on")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE policy_counter SET number = 1",
        "DELETE FROM policy_counter",
        "INSERT INTO policy_visits VALUES (now(), '/', 9)",
        "UPDATE policy_visits SET count = 9",
        "SELECT gate.count_visit('/orders/')",
    ],
)
def test_neither_is_changed_in_sql(change):
    with pytest.raises(Error), people.as_(people.olga), connection.cursor() as cursor:
        cursor.execute(change)
