"""Sign-ins, acceptances, publications, joins and leaves in any order, against a model in Python.

What a person can read of a company is, after every step, what the model says: also with passes
that were verified before the step.
"""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts import gate
from accounts.invitations import invite, join
from accounts.models import Membership
from orders.models import Order
from policy.models import Policy, PolicyVersion
from tests import people
from tests.people import Someone, as_
from tests.policy.publications import publish_crm

WORKERS = {
    "aurora": (people.ann, people.adam, people.lena, people.mia),
    "borealis": (people.bea, people.mia),
}
PAIRS = [(person, slug) for slug, workers in WORKERS.items() for person in workers]
RUNS = {"aurora": people.ann, "borealis": people.bea}

pairs = st.sampled_from(PAIRS)
leavers = st.sampled_from([pair for pair in PAIRS if pair[0] not in RUNS.values()])
slugs = st.sampled_from(list(WORKERS))

# What a reader is told: rows, none at all, or to accept a policy first.
ROWS, NOTHING, ACCEPT = "rows", "nothing", "accept"


class Reading(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.member = set(PAIRS)
        # by policy ("crm" or a company's slug): who need not accept it
        self.accepted = {"crm": {person for person, _slug in PAIRS}} | {
            slug: set(workers) for slug, workers in WORKERS.items()
        }
        self.passes = {pair: people.pass_of(*pair) for pair in PAIRS}

    def teardown(self) -> None:
        connection.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def waits_for(self, person: Someone, slug: str) -> bool:
        return person not in self.accepted["crm"] or person not in self.accepted[slug]

    def expected(self, person: Someone, slug: str) -> str:
        if (person, slug) not in self.passes or (person, slug) not in self.member:
            return NOTHING
        return ACCEPT if self.waits_for(person, slug) else ROWS

    @rule(pair=pairs)
    def sign_in(self, pair: tuple[Someone, str]) -> None:
        if pair in self.member:
            self.passes[pair] = people.pass_of(*pair)

    @rule(pair=pairs)
    def sign_out(self, pair: tuple[Someone, str]) -> None:
        if secret := self.passes.pop(pair, None):
            gate.end_pass(secret)

    @rule(pair=pairs)
    def accept(self, pair: tuple[Someone, str]) -> None:
        person, slug = pair
        if pair not in self.passes or pair not in self.member:
            return
        with gate.carrying(self.passes[pair]) as entry:
            for version in PolicyVersion.objects.waiting_for(entry.user_id, entry.company_id):
                version.accept(by=entry, language="en", shown_at=timezone.now())
        self.accepted["crm"].add(person)
        self.accepted[slug].add(person)

    @rule(material=st.booleans())
    def publish_the_crms(self, material: bool) -> None:
        with as_(people.olga):
            latest = Policy.objects.get(kind="crm").latest
        publish_crm(f"# {latest}", material=material)
        if material:
            self.accepted["crm"].clear()

    @rule(slug=slugs, material=st.booleans())
    def publish_a_companys(self, slug: str, material: bool) -> None:
        if RUNS[slug] not in self.accepted["crm"]:
            return
        with as_(RUNS[slug], slug) as entry:
            policy = Policy.objects.get(company_id=entry.company_id)
            policy.publish(by=entry, texts={"en": f"# {policy.latest}"}, material=material)
        if material:
            self.accepted[slug].clear()

    @rule(pair=leavers)
    @precondition(lambda self: not self.waits_for(people.ann, "aurora"))
    def leave(self, pair: tuple[Someone, str]) -> None:
        person, slug = pair
        if pair not in self.member or self.waits_for(RUNS[slug], slug):
            return
        user = person.user
        with as_(RUNS[slug], slug) as entry:
            member = Membership.objects.filter(company_id=entry.company_id, user=user)
            assert member.update(left_at=timezone.now()) == 1
        self.member.discard(pair)
        self.passes.pop(pair, None)

    @rule(pair=leavers)
    def come_back(self, pair: tuple[Someone, str]) -> None:
        person, slug = pair
        if pair in self.member or self.waits_for(RUNS[slug], slug):
            return
        user = person.user
        with as_(RUNS[slug], slug) as entry:
            _, secret = invite(by=entry, email=person.email, role=dict(person.places)[slug])
        join(secret, user)
        self.member.add(pair)

    @invariant()
    def each_reads_what_the_model_says(self) -> None:
        for pair in PAIRS:
            person, slug = pair
            secret = self.passes.get(pair) or gate.new_secret()
            assert read(secret, slug) == self.expected(*pair), f"{person} in {slug}"


def read(secret: str, slug: str) -> str:
    company = people.company(slug).pk
    try:
        with gate.carrying(secret, verifying=True):
            gate._present({"gate.company": str(company)})
            return ROWS if list(Order.objects.filter(company_id=company)) else NOTHING
    except DatabaseError as refusal:
        assert refusal.__cause__.sqlstate == "CV001"  # type: ignore[union-attr]
        return ACCEPT


@pytest.mark.django_db
def test_reading_follows_the_model() -> None:
    run_state_machine_as_test(
        Reading,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
