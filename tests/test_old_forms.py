"""A form of a session that is over is refused in words, and leads to the page as it is now."""

import pytest
from django.test import Client
from django.urls import reverse

from orders.models import Order
from tests.people import ann, as_, gail, sign_in
from tests.telling import telling

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def order():
    with as_(ann):
        return Order.objects.first()


@pytest.fixture
def client():
    """Gail, signed in anew in another tab: the page before her has the former session's token."""
    return sign_in(Client(enforce_csrf_checks=True), gail)


def test_a_page_says_what_happened_and_leads_back(client, order):
    card = reverse("orders:card", args=[order.id])
    answer = client.post(
        reverse("orders:comment", args=[order.id]),
        {"text": "Too late", "csrfmiddlewaretoken": "x" * 64},
        headers={"Referer": f"http://testserver{card}"},
    )
    assert answer.status_code == 403
    assert f'href="{card}"' in answer.content.decode()


def test_htmx_loads_the_page_anew_which_says_why(client, order):
    answer = client.post(reverse("orders:reveal", args=[order.id]), headers=HTMX)
    assert answer.headers["HX-Refresh"] == "true"
    assert "643" not in telling(answer.content.decode())
    page = client.get(reverse("orders:card", args=[order.id])).content.decode()
    assert "older than your sign-in" in page


def test_json_is_told_as_well(client, order):
    answer = client.post(
        reverse("orders:reveal", args=[order.id]), headers={"Accept": "application/json"}
    )
    assert answer.json()["type"] == "urn:covenant:problem:form-too-old"
