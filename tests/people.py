"""The people whom tests speak of. They are in the template that every test's database copies.

Everyone has accepted every policy in force, but Newt. All passwords are `PASSWORD`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.test import Client
from django.utils import timezone

if TYPE_CHECKING:
    import psycopg

    from accounts.gate import Entry
    from accounts.models import Company, Membership, User

PASSWORD = "covenant-demo"


@dataclass(frozen=True)
class Someone:
    name: str
    email: str
    places: tuple[tuple[str, str], ...] = ()  # company's slug, role
    team: str = ""
    partner: str = ""
    support: bool = False
    operator: bool = False
    accepts: bool = True
    left: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def has_rank(self) -> bool:
        """Whether a pass of theirs is worth nothing more without a second factor."""
        return self.support or self.operator

    @property
    def user(self) -> User:
        from accounts import gate
        from accounts.models import User

        with gate.vouching():
            return User.objects.get(email=self.email)

    def membership(self, slug: str | None = None) -> Membership:
        from accounts.models import Membership

        with as_(self, slug) as entry:
            return Membership.objects.get(company_id=entry.company_id, user_id=entry.user_id)


ann = Someone("Ann", "ann@aurora.example", (("aurora", "owner"),))
adam = Someone("Adam", "adam@aurora.example", (("aurora", "admin"),))
lena = Someone("Lena", "lena@aurora.example", (("aurora", "lead"),), team="North")
gail = Someone("Gail", "gail@aurora.example", (("aurora", "agent"),), team="North")
gus = Someone("Gus", "gus@aurora.example", (("aurora", "agent"),))
pat = Someone("Pat", "pat@aurora.example", (("aurora", "partner"),), partner="wm14")
newt = Someone("Newt", "newt@aurora.example", (("aurora", "agent"),), accepts=False)
lou = Someone("Lou", "lou@aurora.example", (("aurora", "agent"),), left=True)
bea = Someone("Bea", "bea@borealis.example", (("borealis", "owner"),))
boris = Someone("Boris", "boris@borealis.example", (("borealis", "agent"),))
mia = Someone("Mia", "mia@both.example", (("aurora", "agent"), ("borealis", "admin")))
sue = Someone("Sue", "sue@covenant.example", support=True)
olga = Someone("Olga", "olga@covenant.example", operator=True)
otto = Someone("Otto", "otto@covenant.example", operator=True)
nina = Someone("Nina", "nina@nowhere.example")

PEOPLE = (ann, adam, lena, gail, gus, pat, newt, lou, bea, boris, mia, sue, olga, otto, nina)


def company(slug: str) -> Company:
    from accounts import gate
    from accounts.models import Company

    with gate.vouching():
        return Company.objects.get(slug=slug)


def pass_of(
    someone: Someone, slug: str | None = None, *, lasting: float = 3600, kind: str = "session"
) -> str:
    """A pass for this person, who works in the company `slug`; `lasting` seconds. That a session
    begins is told in the company's audit; a "job" is a pass of which nothing is told."""
    from accounts import gate

    chosen = slug or (someone.places[0][0] if someone.places else None)
    secret = gate.new_secret()
    with gate.vouching():
        gate.open_pass(
            secret,
            kind=kind,
            user_id=someone.user.pk,
            company_id=company(chosen).pk if chosen else None,
            data="{}",
            until=timezone.now() + timedelta(seconds=lasting),
        )
    if someone.has_rank:
        prove(secret, someone)
    return secret


def prove(secret: str, someone: Someone, proof: str = "totp") -> None:
    """This person has just proven himself in that session: by a second factor, or otherwise."""
    from accounts import gate

    gate.prove_pass(secret, user_id=someone.user.pk, proof=proof)


def grow_stale(owner: psycopg.Connection) -> None:
    """Nobody has proven himself in the last five minutes."""
    owner.execute(
        "UPDATE accounts_pass SET password_at = password_at - interval '5 minutes',"
        " factor_at = factor_at - interval '5 minutes'"
    )


@contextmanager
def as_(someone: Someone, slug: str | None = None, *, kind: str = "session") -> Iterator[Entry]:
    """What stands inside is asked for with this person's pass."""
    from accounts import gate

    with gate.carrying(pass_of(someone, slug, kind=kind)) as entry:
        yield entry


def sign_in(client: Client, someone: Someone) -> Client:
    """The client, signed in as this person, staff with a second factor (without the sign-in form,
    which has its own tests)."""
    from accounts import gate

    with gate.vouching():
        client.force_login(someone.user)
    if someone.has_rank:
        prove(client.cookies["covenant"].value, someone)
    return client
