"""Invitations: the one way into a company. The link holds a secret; only its hash is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from psycopg.rows import dict_row

from accounts import audit, gate
from accounts.gate import ask, key_for
from accounts.identifiers import uuid7
from accounts.letters import letter
from accounts.models import Invitation, Partner, User

LASTING: Final = timedelta(days=7)


class Closed(Exception):
    """The invitation is for somebody else, or was used, withdrawn or expired meanwhile."""


@dataclass(frozen=True)
class Offer:
    """What an invitation offers, and whether it is "open", "used", "withdrawn" or "expired"."""

    company: str
    email: str
    role: str
    invited_by: str
    expires_at: datetime
    state: str


def write(
    secret: str, *, email: str, role: str, company_id: int, using: str = "default",
    **details: Any,
) -> Invitation:  # fmt: skip
    """An invitation that `secret` opens, for as long as LASTING."""
    return Invitation.objects.using(using).create(
        company_id=company_id,
        email=email.lower(),
        role=role,
        hash=hashlib.sha256(secret.encode()).digest(),
        expires_at=timezone.now() + LASTING,
        **details,
    )


@transaction.atomic
def invite(
    *, by: gate.Entry, email: str, role: str, partner: Partner | None = None
) -> tuple[Invitation, str]:
    """Invite `email`, in the place of any invitation it has already; the new one, and its secret,
    which nobody can be told later."""
    for former in Invitation.objects.open().filter(company_id=by.company_id, email=email.lower()):
        former.withdraw(by=by)
    secret = gate.new_secret()
    invitation = write(
        secret,
        email=email,
        role=role,
        company_id=by.company_id,
        partner_id=partner and partner.id,
        invited_by_id=by.user_id,
    )
    audit.record(by=by, action="person.invited", of=invitation)
    return invitation, secret


def read(secret: str) -> Offer | None:
    """What the invitation with this secret offers; None where there is no such invitation."""
    found = ask("SELECT * FROM gate.read_invitation(%s)", (secret,), dict_row)
    return Offer(**found) if found else None


def path(secret: str) -> str:
    return reverse("accounts:invitation", args=[secret])


def mail(*, link: str, to: str, company: str, invited_by: str) -> None:
    """Send the link once the invitation is committed. The page shows it too: a mail that fails is
    logged, and stops nobody."""
    invitation = letter(
        to,
        language=User.objects.language_of(to),
        subject=_("Invitation to %(company)s"),
        template="accounts/invitation.txt",
        link=link,
        company=company,
        invited_by=invited_by,
        days=LASTING.days,
    )
    transaction.on_commit(invitation.send, robust=True)


def join(secret: str, user: User) -> int:
    """Make `user` a member as the invitation offers; the id of the company. Raises Closed."""
    [company_id] = ask(
        "SELECT gate.redeem_invitation(%s, %s, %s, %s)",
        (key_for("issue"), secret, user.pk, uuid7()),
    )
    if company_id is None:
        raise Closed
    return company_id


def join_anew(secret: str, *, email: str, name: str, password: str, language: str) -> User:
    """Register whoever was invited, and make them a member. Raises Closed, and leaves nobody."""
    try:
        with transaction.atomic():
            user = User.objects.join(email, password, name=name, language=language)
            join(secret, user)
    except IntegrityError as error:  # registered a moment ago, by this link or another
        raise Closed from error
    return user


def record_joining(pass_secret: str | None) -> None:
    """Note in the company's audit that the pass's holder has joined."""
    with gate.carrying(pass_secret) as entry:
        audit.record(by=entry, action="person.joined", role=entry.role)
