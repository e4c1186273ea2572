"""The figures of the running site: for who has the token, and of nobody (clause T3)."""

import pytest
from django.test import Client

from orders.models import Order
from tests import people

pytestmark = pytest.mark.django_db

TOKEN = "a-token-of-the-operator"
CANARY = "Xq7-typed-by-somebody"


@pytest.fixture
def told(settings):
    settings.METRICS_TOKEN = TOKEN
    return lambda: Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", TOKEN])
@pytest.mark.parametrize("token", ["", TOKEN])
def test_without_the_token_there_is_nothing(settings, given, token):
    settings.METRICS_TOKEN = token
    assert Client().get("/metrics", headers={"Authorization": given}).status_code == 404


def test_requests_are_counted_by_view_method_and_status(told):
    Client().get("/privacy/")
    assert 'covenant_request_seconds_count{method="GET",status="200",view="privacy"}' in told()


def test_what_people_type_is_in_no_label(told):
    ann = people.sign_in(Client(raise_request_exception=False), people.ann)
    with people.as_(people.ann):
        order = Order.objects.first()
    for path in (
        f"/{CANARY}/",
        f"/orders/?q={CANARY}",
        f"/orders/{order.id}/",
        "/c/aurora/policy/",
    ):
        ann.get(path)
    ann.generic(CANARY, "/orders/")
    figures = told()
    assert 'method="other"' in figures
    for typed in (CANARY, str(order.id), "aurora", people.ann.email):
        assert typed not in figures


def test_jobs_are_counted_by_task_and_state(told):
    assert "# TYPE covenant_jobs gauge" in told()
