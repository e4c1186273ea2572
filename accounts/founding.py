"""What the owner role does on the server: found companies, appoint staff and operators.

The web role has no right to any of it (migration 0002), so each verb connects as the owner.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts import gate, invitations
from accounts.identifiers import uuid7
from accounts.models import Company, Membership, Pass, User

OWNER = "owner"  # the alias in DATABASES


@transaction.atomic(using=OWNER)
def found_company(*, name: str, slug: str, **details: Any) -> Company:
    return Company.objects.using(OWNER).create(name=name, slug=slug, **details)


@transaction.atomic(using=OWNER)
def register(
    email: str, *, name: str, password: str | None = None, support: bool = False,
    operator: bool = False, language: str = "",
) -> User:  # fmt: skip
    """A person, with the flags that only the owner role may set."""
    return User.objects.db_manager(OWNER).create_user(
        email, password, name=name, is_support=support, is_superuser=operator, language=language
    )


@transaction.atomic(using=OWNER)
def enrol(user: User, company: Company, role: str, **place: Any) -> Membership:
    """A membership without an invitation: the first owner's, or a demo's."""
    return Membership.objects.using(OWNER).create(
        company_id=company.pk, id=uuid7(), user_id=user.pk, role=role, **place
    )


@transaction.atomic(using=OWNER)
def found_with_owner(*, name: str, slug: str, email: str, **details: Any) -> str:
    """A company, and the secret of the invitation that makes `email` its owner."""
    company = found_company(name=name, slug=slug, **details)
    secret = gate.new_secret()
    invitations.write(secret, email=email, role="owner", company_id=company.pk, using=OWNER)
    return secret


@transaction.atomic(using=OWNER)
def appoint(email: str, *, support: bool, operator: bool) -> tuple[User, bool]:
    """Give a person exactly these flags; whether he had to be registered first. Who is new has no
    password yet, and asks for one at the sign-in form."""
    users = User.objects.using(OWNER)
    appointed = users.filter(email=email.lower())
    if appointed.update(is_support=support, is_superuser=operator):
        return appointed.get(), False
    name = email.partition("@")[0][:120]
    return register(email, name=name, support=support, operator=operator), True


@transaction.atomic(using=OWNER)
def forget_factors(email: str) -> int:
    """Of somebody who has lost them, recovery codes too; how many there were. Sessions end: whoever
    asked may be another. Raises User.DoesNotExist."""
    somebody = User.objects.using(OWNER).get(email=email.lower())
    Pass.objects.using(OWNER).filter(user=somebody).delete()
    return Authenticator.objects.using(OWNER).filter(user_id=somebody.pk).delete()[0]
