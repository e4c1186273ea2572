"""Attacks on the register of authorities' requests: what fewer than two operators get out of it."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any, Final

from django.db import Error
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import trial
from accounts.proving import Broken, Figures, System, proves
from accounts.trial import Somebody
from accounts.visitors import Visitor
from orders import disclosures, packages
from orders.trial import company_with_orders
from policy.disclosures import Disclosure, tell_companies
from policy.trial import open_company
from policy.turns import NotInTurn


@proves(
    "T1",
    tried=_(
        "As operators, asked for a package of two orders of a company that has %(had)s: without an "
        "approval, with one, with the same operator's twice, with one by the password alone and "
        "after a refusal. The database refused each time. Approved by two, the package held the "
        "two orders and no other, and was made once."
    ),
)
def two_operators_open_the_orders_named_and_no_others(system: System) -> Figures:
    had, named = 5, [2, 4]
    owner = company_with_orders(had)
    first, second = trial.person(operator=True), trial.person(operator=True)
    asked = request_of_authority(owner, first, named)
    for approving in (None, first, first):
        if approving:
            approve(asked, approving)
        if opened(asked, first) or opened(asked, second):
            raise Broken("fewer than two operators open a company's orders")
    if approve(asked, second, proof="password"):
        raise Broken("an operator approves without a second factor")
    approve(asked, second)
    if opened(asked, trial.person(operator=True)) or opened(asked, owner):
        raise Broken("one who has not approved opens a company's orders")
    if (found := opened(asked, second)) != named:
        raise Broken(f"of the orders {named} the package holds {found}")
    if opened(asked, first):
        raise Broken("a package is made twice")
    refused = request_of_authority(owner, first, named)
    for approving in (first, second):
        approve(refused, approving)
    with second.working() as by:
        refused.refuse(by=by, reason="Not of this court.")
    if opened(refused, first):
        raise Broken("a request that was refused opens a company's orders")
    return {"had": had}


def request_of_authority(
    owner: Somebody, operator: Somebody, orders: list[int], **secrecy: Any
) -> Disclosure:
    assert owner.company
    with operator.working() as by:
        return disclosures.receive(
            by=by,
            company_id=owner.company.pk,
            authority="A court",
            legal_basis="A law",
            orders=orders,
            document=b"An order",
            **secrecy,
        )


def approve(asked: Disclosure, operator: Somebody, *, proof: str = trial.FACTOR) -> bool:
    try:
        with operator.working(proof=proof) as by:
            asked.approve(by=by)
    except (NotInTurn, Error):
        return False
    return True


def opened(asked: Disclosure, somebody: Somebody) -> list[int]:
    """The numbers of the orders in a package that he makes, and takes as it was sealed; none where
    he is refused."""
    try:
        with somebody.working():
            passphrase = disclosures.package(asked)
            content = packages.unseal(asked.take_package(), passphrase)
    except (NotInTurn, Error):
        return []
    return [order["number"] for order in json.loads(content)["orders"]]


@proves(
    "T1",
    tried=_(
        "Entered three requests in the register, refused one and kept one secret for a day: the "
        "company read the two that are no secret, another company none, and the public count was "
        "that of the register's own rows, %(received)s in all, %(refused)s of them refused. A "
        "fourth was secret for seconds: then the company read it, and was told."
    ),
)
def the_company_and_the_public_are_told(system: System) -> Figures:
    owner, other, operator = open_company(), open_company(), trial.person(operator=True)
    secrecy = {"secret_until": timezone.now() + timedelta(days=1), "secrecy_ground": "A law"}
    request_of_authority(owner, operator, [1])
    request_of_authority(owner, operator, [2], **secrecy)
    unfounded = request_of_authority(owner, operator, [3])
    with operator.working() as by:
        unfounded.refuse(by=by, reason="No basis.")
    for somebody, expected in ((owner, 2), (other, 0)):
        with somebody.working():
            if Disclosure.objects.count() != expected:
                raise Broken("a company does not read the requests about it, or reads others")
    told = Visitor(system.url).get("/policy/disclosures/", Accept="application/json")
    years = json.loads(told.body)["years"]
    shown = {key: sum(year[key] for year in years) for key in ("received", "refused")}
    with system.superuser() as superuser:
        kept = superuser.execute(
            "SELECT (SELECT count(*) FROM policy_disclosure),"
            " (SELECT count(*) FROM policy_disclosureevent WHERE deed = 'refused')"
        ).fetchone()
    if kept != (shown["received"], shown["refused"]):
        raise Broken("the public count is not the register's")
    is_told_in_time(system, owner, operator)
    return {**shown}


SECRET: Final = timedelta(seconds=3)


def is_told_in_time(system: System, owner: Somebody, operator: Somebody) -> None:
    """Of a secret request, once the secrecy has ended."""
    until = timezone.now() + SECRET
    asked = request_of_authority(
        owner, operator, [4], secret_until=until, secrecy_ground="A law, for a moment"
    )
    if knows_of(asked, owner):
        raise Broken("a company reads what is secret still")
    time.sleep((until - timezone.now()).total_seconds() + 0.1)
    tell_companies()
    with system.superuser() as superuser:
        told = superuser.execute(TOLD, [asked.id]).fetchone()
    if not knows_of(asked, owner) or told != (1,):
        raise Broken("a company is not told of a request whose secrecy has ended")


TOLD: Final = (
    "SELECT count(*) FROM policy_disclosureevent WHERE deed = 'told' AND disclosure_id = %s"
)


def knows_of(asked: Disclosure, owner: Somebody) -> bool:
    with owner.working():
        return Disclosure.objects.filter(pk=asked.pk).exists()
