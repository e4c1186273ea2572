"""Loading a demo company: founded by the owner role, and then worked in by its own people.

All but the founding goes through the front door: whoever opened the company and its callers accept
the policies and do their work with passes of their own, under the row rules, and audited.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts import audit, founding, gate
from accounts.founding import OWNER
from accounts.gate import Entry
from accounts.models import Company, Partner, Team, User
from orders import imports
from orders.demo import stories
from orders.demo.companies import COMPANIES, PASSWORD, STAFF, Colleague, DemoCompany, Staff
from orders.demo.stories import Story
from orders.intake import OrderDraft
from orders.models import Order
from policy import bundled
from policy.countries import countries_in
from policy.models import Policy, PolicyVersion

SITTING = timedelta(minutes=10)  # how long a colleague's pass lasts; it is ended when done
NOTE = "> "  # begins the template's remark to whoever fills it in


def stands_still() -> bool:
    """Whether a load was begun, and came to no end."""
    slugs = [company.slug for company in COMPANIES]
    return Company.objects.using(OWNER).filter(slug__in=slugs).exists() and not is_whole()


def is_whole() -> bool:
    """Whether the staff are there, who come last."""
    return User.objects.using(OWNER).filter(email=STAFF[-1].email).exists()


def staff(someone: Staff) -> None:
    _person(someone, signs_in=True, is_support=someone.support, is_superuser=someone.operator)


def load(company: DemoCompany) -> None:
    """Found the company, and have its colleagues work through its orders."""
    founded = founding.found_company(
        name=company.name,
        slug=company.slug,
        country=company.country,
        currency=company.currency,
        time_zone=company.time_zone,
    )
    _Loading(company, founded).run()


class _Loading:
    def __init__(self, company: DemoCompany, founded: Company) -> None:
        self.company = company
        self.founded = founded
        self.users: dict[str, User] = {}
        self.members: dict[str, UUID] = {}
        self.teams: dict[str, UUID] = {}
        self.partners: dict[str, UUID] = {}

    def run(self) -> None:
        opener = self.company.opener
        self.enrol(opener)
        self.open(opener)
        for colleague in self.company.colleagues:
            if colleague != opener:
                self.enrol(colleague)
        told = stories.of(self.company, timezone.now())
        with self.working(opener) as by:
            orders = self.add(told, by)
        for colleague in self.company.colleagues:
            if not colleague.signs_in:
                with self.working(colleague) as by:
                    self.follow(colleague, told, orders, by)

    def enrol(self, colleague: Colleague) -> None:
        user = _person(colleague, signs_in=colleague.signs_in)
        place = {
            "team_id": self.teams.get(colleague.team),
            "partner_id": self.partners.get(colleague.partner),
        }
        self.users[colleague.email] = user
        membership = founding.enrol(user, self.founded, colleague.role, **place)
        self.members[colleague.email] = membership.id
        if self.teams and not colleague.signs_in:
            with self.working(colleague) as by:
                _accept(by)

    def open(self, opener: Colleague) -> None:
        """The company is ready for orders: its policy is in force, its teams and partners named."""
        with self.working(opener) as by:
            _accept(by)
            Policy.objects.of_company(self.founded.pk).publish(
                by=by,
                texts=_policy(self.company),
                countries=countries_in(self.company.policy["en"]["countries"]),
            )
            _accept(by)
            for name in self.company.teams:
                team = Team.objects.create(company_id=self.founded.pk, name=name)
                self.teams[name] = team.id
                audit.record(by=by, action="team.made", of=team)
            for name in self.company.partners:
                partner = Partner.objects.create(company_id=self.founded.pk, name=name)
                self.partners[name] = partner.id

    def add(self, told: Sequence[Story], by: Entry) -> list[Order]:
        drafts = [self.draft(story) for story in told]
        orders = imports.bring(drafts, by=by, file_name=f"{self.company.slug}-orders.csv")
        numbers = dict(Order.objects.values_list("id", "number"))
        for order in orders:
            order.number = numbers[order.id]
        return orders

    def draft(self, story: Story) -> OrderDraft:
        return OrderDraft(
            person=story.person,
            items=story.items,
            currency=story.market.currency,
            country=story.market.country,
            offer=story.offer,
            partner=self.partners.get(story.partner),
            agent=self.members.get(story.agent),
            created_at=story.created_at,
            external_id=story.external_id,
            status=story.begins,
        )

    def follow(
        self, colleague: Colleague, told: Sequence[Story], orders: Sequence[Order], by: Entry
    ) -> None:
        """What this colleague did with the orders after they came."""
        for story, order in zip(told, orders, strict=True):
            if stories.caller_of(story, self.company) == colleague:
                for step in story.steps:
                    order.move(by=by, move=step.move, version=order.version, **step.asked())
                if story.remark:
                    order.say(by=by, text=story.remark)

    @contextmanager
    def working(self, colleague: Colleague) -> Iterator[Entry]:
        """One transaction with this colleague's own pass."""
        secret = gate.new_secret()
        gate.open_pass(
            secret,
            kind="job",
            user_id=self.users[colleague.email].pk,
            company_id=self.founded.pk,
            until=timezone.now() + SITTING,
        )
        with gate.carrying(secret) as by:
            yield by
        gate.end_pass(secret)


def _person(someone: Colleague | Staff, *, signs_in: bool, **flags: bool) -> User:
    """Registered, or as new: a person whom an earlier demo left behind."""
    details = {
        "name": someone.name,
        "password": _hash() if signs_in else make_password(None),
        "is_active": True,
        "is_support": False,
        "is_superuser": False,
        "language": "",
        **flags,
    }
    people = User.objects.using(founding.OWNER)
    return people.update_or_create(email=someone.email, defaults=details)[0]


@cache
def _hash() -> str:
    """The one password's, once: a good hash takes its time."""
    return make_password(PASSWORD)


def _accept(by: Entry) -> None:
    for version in PolicyVersion.objects.waiting_for(by.user_id, by.company_id):
        version.accept(by=by, language="en", shown_at=timezone.now())


def _policy(company: DemoCompany) -> dict[str, str]:
    """The bundled template, filled in by language, without its remark to whoever does that."""
    return {
        language: _without_note(bundled.company_texts(**details)[language])
        for language, details in company.policy.items()
    }


def _without_note(text: str) -> str:
    return "".join(
        paragraph for paragraph in text.splitlines(keepends=True) if not paragraph.startswith(NOTE)
    )
