"""People and companies that exist for a proof alone. They stay, so they belong on a copy."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connections
from django.utils import timezone

from accounts import apikeys, founding, gate
from accounts.gate import Entry
from accounts.models import Company, Membership, Partner, User
from accounts.visitors import Visitor

SITTING = timedelta(minutes=10)  # how long a pass of theirs lasts
FACTOR = "totp"  # what they have proven, so that nothing is refused for want of a second factor


@dataclass(frozen=True)
class Somebody:
    """A person of the proof's, who knows his password; `company` is where he works."""

    user: User
    password: str
    company: Company | None = None

    @property
    def email(self) -> str:
        return self.user.email

    def open_pass(self, lasting: timedelta = SITTING, *, proof: str = FACTOR) -> str:
        """A session's pass: its secret."""
        company_id = self.company.pk if self.company else None
        return pass_of(self.user.pk, company_id, lasting, proof=proof)

    def visiting(self, url: str, *, accepting: bool = True) -> Visitor:
        """Signed in there by the form; every policy that waits accepted, unless told not to."""
        visitor = Visitor(url)
        visitor.sign_in(self.email, self.password, accepting=accepting)
        for cookie in visitor.cookies:
            gate.prove_pass(str(cookie.value), user_id=self.user.pk, proof=FACTOR)
        return visitor

    @contextmanager
    def working(self, *, proof: str = FACTOR) -> Iterator[Entry]:
        """One transaction with a pass of his, in which he has just given that proof."""
        with gate.carrying(self.open_pass(proof=proof)) as entry:
            yield entry


def pass_of(
    user_id: int | None,
    company_id: int | None = None,
    lasting: timedelta = SITTING,
    *,
    proof: str = FACTOR,
) -> str:
    """A session's pass for whom it may concern, who has just given that proof: its secret."""
    secret = gate.new_secret()
    with gate.vouching():
        gate.open_pass(
            secret,
            kind="session",
            user_id=user_id,
            company_id=company_id,
            data="{}",
            until=timezone.now() + lasting,
        )
        if user_id:
            gate.prove_pass(secret, user_id=user_id, proof=proof)
    return secret


def person(*, support: bool = False, operator: bool = False) -> Somebody:
    """Somebody new, of no company; or one of the platform's own people."""
    password = secrets.token_urlsafe(16)
    email = f"{made_up()}@proof.example"
    user = founding.register(
        email, name="Somebody", password=password, support=support, operator=operator
    )
    if operator:
        seat(user)
    return Somebody(user, password)


def seat(operator: User) -> None:
    """Count him as one who has had a second factor, as FACTOR has it of his passes."""
    with connections[founding.OWNER].cursor() as cursor:
        cursor.execute("INSERT INTO gate.seated VALUES (%s)", [operator.pk])


def company() -> Company:
    """A new company, without anybody or any policy."""
    return founding.found_company(name="Proof", slug=made_up(), country="RO", currency="EUR")


def member(of: Company, role: str, **place: Any) -> Somebody:
    """A new member, who has accepted nothing; `place` is what else his membership says."""
    somebody = person()
    founding.enrol(somebody.user, of, role, **place)
    return Somebody(somebody.user, somebody.password, of)


def partner_of(owner: Somebody) -> Somebody:
    """A new partner's member in the owner's company, who has accepted nothing."""
    assert owner.company
    with owner.working() as by:
        partner = Partner.objects.create(company_id=by.company_id, name=made_up())
    return member(owner.company, "partner", partner_id=partner.id)


def key_of(sender: Somebody, owner: Somebody) -> str:
    """A key that the owner makes for this partner's member: its secret."""
    with sender.working() as his:
        membership_id = his.membership_id
    with owner.working() as by:
        membership = Membership.objects.get(company_id=by.company_id, id=membership_id)
        return apikeys.make(by=by, membership=membership, name="Proof")


def made_up() -> str:
    return f"proof-{secrets.token_hex(6)}"
