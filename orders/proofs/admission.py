"""Attempts to enter orders that must not be: without a policy, uncovered by it, prohibited."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from django.db import Error
from django.utils.translation import gettext_lazy as _

from accounts import attacks, traces, trial
from accounts.attacks import vouched
from accounts.models import Company
from accounts.proving import Broken, Figures, System, proves, undone
from accounts.trial import Somebody
from accounts.visitors import Visitor
from orders.intake import NotAdmitted
from orders.models import Lead, Order
from orders.trial import Canary, Sender
from policy import coverage
from policy.trial import accept, open_company, publish


@proves(
    "C1",
    tried=_(
        "Entered an order for a company without a policy, by the form, by the API, by the verb "
        "that imports use too and in plain SQL: refused each time, and nothing was stored. Once "
        "the company had published one, the order was taken."
    ),
)
def no_order_before_the_companys_policy(system: System) -> Figures:
    owner = trial.member(trial.company(), "owner")
    accept(owner)
    assert owner.company
    fields = {"phone": "+40 721 234 643", "currency": "EUR", "items-0-name": "Kettle"}
    visitor = owner.visiting(system.url)
    if (answer := visitor.fill("/orders/new/", **fields)).status != 403:
        raise Broken(f"the form answers {answer.status} to a company without a policy")
    if (answer := Sender(system.url, owner).send()).status != 403:
        raise Broken(f"the API answers {answer.status} to a company without a policy")
    row = attacks.examples(system, owner.company.pk)["orders_order"]
    with undone():
        attacks.present(vouched(owner.open_pass(), owner.company.pk))
        if attacks.added("orders_order", row):
            raise Broken("plain SQL adds an order to a company without a policy")
    if takes_an_order(owner):
        raise Broken("a company without a policy takes an order")
    publish(owner)
    if not takes_an_order(owner):
        raise Broken("a company with a policy takes no order either: this attack shows nothing")
    return {}


def takes_an_order(owner: Somebody, country: str = "RO") -> bool:
    [draft] = Canary().drafts(1)
    try:
        with owner.working() as by:
            Order.objects.add(
                by=by,
                person=draft.person,
                items=draft.items,
                currency=draft.currency,
                country=country,
            )
    except (Error, NotAdmitted):
        return False
    return True


@proves(
    "P1",
    tried=_(
        "Had a company's policy cover Romania alone, and took an order and a member of Moldova: "
        "the page of coverage told of both in the next request. Once the company was strict, "
        "the form, the verb that imports use too and plain SQL refused such an order, and the "
        "database such a member; an order of Romania was still taken."
    ),
)
def no_country_goes_uncovered_unseen(system: System) -> Figures:
    owner = open_company()
    assert owner.company
    publish(owner, text="# Of Romania", countries=("RO",))
    visitor = owner.visiting(system.url)
    if not takes_an_order(owner, "MD"):
        raise Broken("a company that is not strict takes no order: this attack shows nothing")
    visitor.fill("/company/citizenship/", citizenship="MD")
    page = visitor.get("/company/coverage/").body
    if page.count("leaves it out") != 1 or "№" not in page:
        raise Broken("an order of a country that the policy leaves out is not shown")
    with owner.working() as by:
        if coverage.members_by_country(by)["MD"] != 1:
            raise Broken("a member of a country that the policy leaves out is not counted")
        coverage.declare_citizenship("", by=by)
        Company.be_strict(True, by=by)
    refuses_moldova(owner, visitor)
    if not takes_an_order(owner, "RO"):
        raise Broken("a strict company takes no order either: this attack shows nothing")
    return {}


def refuses_moldova(owner: Somebody, visitor: Visitor) -> None:
    fields = {"phone": "+40 721 234 643", "country": "MD", "currency": "EUR"}
    if (answer := visitor.fill("/orders/new/", **fields)).status != 422:
        raise Broken(f"the form answers {answer.status} to a country that is not covered")
    if takes_an_order(owner, "MD"):
        raise Broken("a strict company takes an order of a country that is not covered")
    for statement in (
        "UPDATE orders_order SET country = 'RO'; UPDATE orders_order SET country = 'MD'",
        "SELECT gate.declare_citizenship('MD')",
    ):
        with owner.working():
            if not attacks.refused(statement):
                raise Broken(f"a strict company's database takes: {statement}")


@proves(
    "P2",
    tried=_(
        "Entered a citizen, a country and a telephone number of the Russian Federation, the number "
        "in %(spellings)s spellings, by the form and by the API: each refused, and no order, log "
        "or file of the database holds anything of it. A number of Kazakhstan was taken."
    ),
)
def the_prohibited_leave_nothing(system: System) -> Figures:
    owner, canary = open_company(), Canary()
    assert owner.company
    visitor = owner.visiting(system.url)
    form = visitor.get("/orders/new/").hidden | {"currency": "EUR", "name": canary.word}
    said = [{"phone": phone, "country": "KZ"} for phone in spellings()]
    said += [{"phone": "+77472937614", sign: "RU"} for sign in ("citizenship", "country")]
    for each in said:
        if (answer := visitor.post("/orders/new/", form | each)).status != 422:
            raise Broken(f"the form answers {answer.status} to a prohibited person")
    sender = Sender(system.url, owner)
    for each in said:
        if (answer := sender.send(name=canary.word, **each)).status != 422:
            raise Broken(f"the API answers {answer.status} to a prohibited person")
    if found := traces.files_with(system, canary.word):
        raise Broken(f"a prohibited person was written into {found[0]}")
    visitor.post("/orders/new/", form | {"phone": "+7 747 293 76 14", "country": "KZ"})
    with owner.working():
        if Order.objects.count() != 1 or Lead.objects.exists():
            raise Broken("a number of Kazakhstan is refused, or a Russian one was taken")
    return {"spellings": len(said) - 2}


def spellings() -> Iterator[str]:
    """One Russian number, as people write it."""
    beginnings = ("+7", "8", "7", "007", "8-10-7", "tel. +7", "'+7")
    groups = ("9161234567", "916 123 45 67", "(916) 123-45-67", "916-123-45-67", "916.123.45.67",
              "916\u00a0123\u00a045\u00a067", "９１６ 123 45 67", "916 1234567")  # fmt: skip
    yield from (f"{beginning} {group}" for beginning, group in product(beginnings, groups))
