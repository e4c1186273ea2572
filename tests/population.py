"""Puts the people of `tests/people.py` into the template database, once per run.

All but the founding, the owner role's, goes through the front door: each accepts, publishes
and adds with his own pass, under the row rules.
"""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts import founding, trial
from accounts.models import Company, Membership, Partner, Team, User
from orders import imports, inquiries, retention, spreadsheets
from orders.buyers import Buyer
from orders.intake import ItemDraft
from orders.mapping import guess
from orders.models import Order, RetentionRun
from orders.persons import Person
from orders.screening import Reading, screened
from policy.models import Policy, PolicyVersion
from tests import people
from tests.people import PASSWORD, PEOPLE, Someone, as_

COMPANIES = (
    ("aurora", "RO", "EUR", "Europe/Bucharest"),
    ("borealis", "KZ", "KZT", "Asia/Almaty"),
)
# An import that no worker has taken up: a chunk of one order, and a line that was refused.
UPLOAD = b"""Order number,Name,Phone,Country,Item,Quantity,Price
N1,Ana Pop,+40 721 234 643,RO,Belt,1,9.90
N2,Dan Pop,12,RO,Belt,1,9.90
"""
PHONES = {"aurora": "+40721234643", "borealis": "+77472937614"}
COMPANY_POLICY = "# {name}'s policy\n\n{name} keeps orders to deliver them, and deletes them after."


def populate() -> None:
    companies = {
        slug: founding.found_company(
            name=slug.title(), slug=slug, country=country, currency=currency, time_zone=zone
        )
        for slug, country, currency, zone in COMPANIES
    }
    users = {someone.email: _register(someone) for someone in PEOPLE}
    for founder, slug in ((people.ann, "aurora"), (people.bea, "borealis")):
        founding.enrol(users[founder.email], companies[slug], "owner")
        _open(founder, companies[slug])
    for someone in PEOPLE:
        for slug, role in someone.places:
            if role != "owner":
                _enrol(someone, users[someone.email], companies[slug], role)
        if someone.accepts:
            _accept(someone, *(slug for slug, _role in someone.places))
    for founder in (people.ann, people.bea):
        _work(founder)


def _register(someone: Someone) -> User:
    user = founding.register(
        someone.email, name=someone.name, support=someone.support, operator=someone.operator
    )
    user.password = _HASH
    user.save(using=founding.OWNER, update_fields=["password"])
    if someone.operator:
        trial.seat(user)
    return user


def _open(founder: Someone, company: Company) -> None:
    """The company is ready for orders: its policy is in force, its teams and partners are named."""
    _accept(founder)
    with as_(founder, company.slug) as entry:
        Policy.objects.of_company(company.pk).publish(
            by=entry, texts={"en": COMPANY_POLICY.format(name=company.name)}
        )
    _accept(founder, company.slug)
    with as_(founder, company.slug):
        Team.objects.create(company_id=company.pk, name="North")
        Partner.objects.create(company_id=company.pk, name="wm14")


def _enrol(someone: Someone, user: User, company: Company, role: str) -> None:
    with as_(people.ann, "aurora"):
        team = Team.objects.get(name=someone.team).id if someone.team else None
        partner = Partner.objects.get(name=someone.partner).id if someone.partner else None
    founding.enrol(user, company, role, team_id=team, partner_id=partner)
    if someone.left:
        Membership.objects.using(founding.OWNER).filter(user_id=user.pk).update(
            left_at=timezone.now()
        )


def _accept(someone: Someone, *slugs: str) -> None:
    for slug in slugs or (None,):
        with as_(someone, slug) as entry:
            for version in PolicyVersion.objects.waiting_for(entry.user_id, entry.company_id):
                version.accept(by=entry, language="en", shown_at=timezone.now())


def _work(someone: Someone) -> None:
    """A row in every table of the person's company, for attackers to reach for."""
    with as_(someone) as entry:
        partner = Partner.objects.get(name="wm14")
        order = Order.objects.add(
            by=entry,
            person=Person(name=f"Buyer of {someone}", phone=PHONES[entry.company_slug]),
            items=[ItemDraft("Kettle", Decimal("49.90"))],
            offer="Kettle",
            currency=entry.company_currency,
            partner=partner.id,
        )
        order.say(by=entry, text="Call after six.")
        sheet = spreadsheets.read(UPLOAD)
        reading = Reading(ZoneInfo("UTC"), entry.company_currency, {"RU"})
        inquiries.begin(by=entry, buyer=Buyer((PHONES[entry.company_slug],)))
        retention.set_periods({"trash": 365}, by=entry)
        RetentionRun.objects.create(company_id=entry.company_id)
        imports.begin(by=entry, file_name="a.csv", outcomes=screened(sheet, guess(sheet), reading))


_HASH = make_password(PASSWORD)
