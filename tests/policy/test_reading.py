"""Policies as everybody reads them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.people import ann
from tests.policy.publications import publish_company, publish_crm

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    [
        "/policy/",
        "/policy/versions/",
        "/policy/versions/1/",
        "/privacy/",
        "/privacy/versions/",
        "/privacy/versions/1/",
        "/c/aurora/policy/",
        "/c/aurora/policy/versions/",
        "/c/aurora/policy/versions/1/",
    ],
)
def test_anybody_reads_them_without_a_cookie(client: Client, address: str) -> None:
    for language in ("en", "ru"):
        response = client.get(address, {"lang": language})
        assert response.status_code == 200
        assert not response.cookies


@pytest.mark.parametrize(
    "address",
    [
        "/policy/versions/1/diff/",
        "/policy/versions/0/",
        "/policy/versions/99/",
        "/policy/versions/99999999999999999999/",
        "/c/nobody/policy/",
        "/c/aurora/policy/versions/2/",
        "/c/aurora/policy/versions/2/diff/",
    ],
)
def test_what_is_not_there_is_not_found(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


def test_each_clause_of_the_crms_policy_has_its_address(client: Client) -> None:
    page = client.get("/policy/?lang=ru").content.decode()
    clauses = re.findall(r'<div class="block clause" id="(\w+)"', page)
    assert " ".join(clauses) == "C1 C2 K1 K2 T1 T2 T3 T4 T5 P1 P2 D1 D2 R1 R2"


def test_a_former_version_and_what_replaced_it_stay_readable(client: Client) -> None:
    publish_company(ann, "aurora", "# Ours\n\nWe keep orders to deliver them, and for tax.")
    former = client.get("/c/aurora/policy/versions/1/").content.decode()
    assert "no longer in force" in former
    difference = client.get("/c/aurora/policy/versions/2/diff/").content.decode()
    assert "<ins>" in difference
    assert "<del>" in difference


def test_an_announced_version_is_shown_as_such_and_the_one_in_force_first(client: Client) -> None:
    publish_crm("# Announced", effective_at=timezone.now() + timedelta(days=30))
    assert client.get("/policy/").context["version"]["number"] == 1
    announced = client.get("/policy/versions/2/").context["version"]
    assert announced["upcoming"]
    assert not announced["current"]


@pytest.mark.parametrize("since", ["x", "-1", "2", "9" * 30, "²"])
def test_a_difference_to_nonsense_is_none(client: Client, since: str) -> None:
    publish_crm()
    assert client.get("/policy/versions/2/diff/", {"since": since}).status_code in (200, 404)
