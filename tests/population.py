"""Puts the people of `tests/people.py` into the template database, once per run."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts import founding
from accounts.identifiers import uuid7
from accounts.models import Company, Partner, Team
from tests.people import PASSWORD, PEOPLE, Someone, as_

OWNER = founding.OWNER


def populate() -> None:
    companies = {
        slug: founding.found_company(
            name=slug.title(), slug=slug, country=country, currency=currency, time_zone=zone
        )
        for slug, country, currency, zone in (
            ("aurora", "RO", "EUR", "Europe/Bucharest"),
            ("borealis", "KZ", "KZT", "Asia/Almaty"),
        )
    }
    password = make_password(PASSWORD)
    for someone in PEOPLE:
        user = founding.register(
            someone.email, name=someone.name, support=someone.support, operator=someone.operator
        )
        type(user).objects.using(OWNER).filter(pk=user.pk).update(password=password)
        for slug, role in someone.places:
            founding.enrol(user, companies[slug], role, **_place(someone, companies[slug]))


def _place(someone: Someone, company: Company) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if someone.team:
        place["team_id"] = _named(Team, company, someone.team)
    if someone.partner:
        place["partner_id"] = _named(Partner, company, someone.partner)
    return place
