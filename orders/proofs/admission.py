"""Attempts to enter orders that must not be: without a policy, uncovered by it, prohibited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from itertools import product
from typing import Final

from django.db import Error
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import attacks, traces, trial
from accounts.attacks import vouched
from accounts.formulas import to_csv
from accounts.models import Company
from accounts.proving import Broken, Figures, System, proves, undone
from accounts.trial import Somebody
from accounts.visitors import Visitor
from orders import imports
from orders.intake import NotAdmitted
from orders.mapping import Mapping
from orders.models import Lead, Order
from orders.proofs.buyers import everything_opened
from orders.screening import Reading, screened
from orders.spreadsheets import read
from orders.trial import Canary, Sender
from policy import coverage
from policy.prohibitions import Jurisdiction
from policy.refusals import Refusal, Way
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
        row = row_of(Order.objects.get(country="MD"), system)
    refuses_moldova(owner, visitor, row)
    if not takes_an_order(owner, "RO"):
        raise Broken("a strict company takes no order either: this attack shows nothing")
    return {}


def refuses_moldova(owner: Somebody, visitor: Visitor, row: dict[str, object]) -> None:
    """`row` is that of an order from there, of before."""
    assert owner.company
    fields = {"phone": "+40 721 234 643", "country": "MD", "currency": "EUR"}
    if (answer := visitor.fill("/orders/new/", **fields)).status != 422:
        raise Broken(f"the form answers {answer.status} to a country that is not covered")
    if takes_an_order(owner, "MD"):
        raise Broken("a strict company takes an order of a country that is not covered")
    with undone():
        attacks.present(vouched(owner.open_pass(), owner.company.pk))
        if attacks.added("orders_order", row) or not attacks.added(
            "orders_order", row | {"country": "RO"}
        ):
            raise Broken("a strict company's database does not tell one country from another")
    for statement in (
        "UPDATE orders_order SET country = 'RO'; UPDATE orders_order SET country = 'MD'",
        "SELECT gate.declare_citizenship('MD')",
    ):
        with owner.working():
            if not attacks.refused(statement):
                raise Broken(f"a strict company's database takes: {statement}")


@proves(
    "C2",
    tried=_(
        "Sent leads with the key of a partner who had not accepted, by the API and in SQL, and "
        "again once a new version was in force: refused, nothing was stored. In between, the "
        "policies accepted, the same key added a lead."
    ),
)
def no_lead_before_acceptance(system: System) -> Figures:
    owner = open_company()
    sender = Sender(system.url, owner, accepting=False)
    refuses_leads(sender, owner, "who has accepted nothing")
    accept(sender.partner)
    if (answer := sender.send()).status != 201 or not reads_leads(sender, owner):
        raise Broken(f"the API answers {answer.status} to one who accepted: this shows nothing")
    publish(owner, text="# Ours, anew")
    refuses_leads(sender, owner, "for whom a new version is in force")
    with owner.working():
        if Lead.objects.count() != 1:
            raise Broken("a lead was stored of a partner who had not accepted")
    return {}


def refuses_leads(sender: Sender, owner: Somebody, who: str) -> None:
    if (answer := sender.send()).status != 403:
        raise Broken(f"the API answers {answer.status} to a partner {who}")
    if reads_leads(sender, owner):
        raise Broken(f"the database opens to a partner {who}")


def reads_leads(sender: Sender, owner: Somebody) -> bool:
    """In SQL, with the key; asked of its own row rule, so that it need not have sent any."""
    assert owner.company
    with undone():
        attacks.present(vouched(company_id=owner.company.pk) | {"gate.key": sender.key})
        return bool(attacks.attempt("SELECT 1 FROM gate.sender()"))


@proves(
    "P2",
    tried=_(
        "Entered a citizen, a country and a telephone number of the Russian Federation, the number "
        "in %(spellings)s spellings, by the form, by an edit, by the API, in a file and in SQL: "
        "each refused and counted, and no order, refused line, log or file of the database holds "
        "anything of it. A number of Kazakhstan was taken, by each way."
    ),
)
def the_prohibited_leave_nothing(system: System) -> Figures:
    owner, canary = open_company(), Canary()
    assert owner.company
    said = [{"phone": phone, "country": "KZ"} for phone in spellings()]
    said += [{"phone": KAZAKH, sign: "RU"} for sign in ("citizenship", "country")]
    visitor = owner.visiting(system.url)
    refused_by_form(visitor, "/orders/new/", said, canary.word)
    with owner.working():
        order = Order.objects.get()
    refused_by_form(visitor, f"/orders/{order.id}/edit/", said, canary.word)
    refused_by_api(Sender(system.url, owner), said, canary.word)
    refused_in_a_file(owner, said, canary.word)
    refused_in_sql(owner, row_of(order, system))
    if found := traces.files_with(system, canary.word):
        raise Broken(f"a prohibited person was written into {found[0]}")
    with owner.working() as by:
        if any(canary.word in kept for kept in everything_opened(by)):
            raise Broken("a prohibited person is kept under seal")
        counted = {way: Refusal.objects.filter(way=way).aggregate(Sum("count")) for way in Way}
    if any(count["count__sum"] != len(said) for count in counted.values()):
        raise Broken("not everybody who was refused is counted")
    return {"spellings": len(said) - 2}


KAZAKH: Final = "+77472937614"


def refused_by_form(visitor: Visitor, path: str, said: list[dict[str, str]], name: str) -> None:
    """Each of them; somebody of Kazakhstan it takes."""
    form = visitor.get(path).hidden | {"currency": "EUR"}
    for each in said:
        if (answer := visitor.post(path, form | {"name": name} | each)).status != 422:
            raise Broken(f"{path} answers {answer.status} to a prohibited person")
    if (answer := visitor.post(path, form | {"phone": KAZAKH, "country": "KZ"})).status != 200:
        raise Broken(f"{path} answers {answer.status} to a number of Kazakhstan")


def refused_by_api(sender: Sender, said: list[dict[str, str]], name: str) -> None:
    for each in said:
        if (answer := sender.send(name=name, **each)).status != 422:
            raise Broken(f"the API answers {answer.status} to a prohibited person")
    if (answer := sender.send(phone=KAZAKH, country="KZ")).status != 201:
        raise Broken(f"the API answers {answer.status} to a number of Kazakhstan")


def refused_in_a_file(owner: Somebody, said: list[dict[str, str]], name: str) -> None:
    """Of its rows the last is of somebody of Kazakhstan."""
    people = [*({"name": name} | each for each in said), {"phone": KAZAKH}]
    columns = ("name", "phone", "country", "citizenship", "item")
    rows = [[(each | {"item": "Kettle"}).get(column) for column in columns] for each in people]
    sheet = read(to_csv([columns, *rows]))
    mapping = Mapping({column: (place,) for place, column in enumerate(columns)}, day_first=True)
    with owner.working() as by:
        reading = Reading(UTC, "EUR", Jurisdiction.objects.prohibited(), country="KZ")
        outcomes = screened(sheet, mapping, reading)
        run = imports.begin(by=by, file_name="proof.csv", outcomes=outcomes)
    if (run.drafts, run.prohibited) != (len(people), len(said)):
        raise Broken(f"of {len(said)} prohibited persons in a file {run.prohibited} are seen")


def row_of(order: Order, system: System) -> dict[str, object]:
    """The order's row, as one of now could be: what begins earlier SQL adds to no company."""
    question = "SELECT row_to_json(o) FROM orders_order o WHERE o.id = %s"
    with system.superuser() as superuser:
        [(row,)] = superuser.execute(question, [order.id]).fetchall()
    return dict(row) | {"created_at": timezone.now().isoformat()}


def refused_in_sql(owner: Somebody, row: dict[str, object]) -> None:
    """`row` is that of an order of Kazakhstan, which SQL could add, too."""
    assert owner.company
    with undone():
        attacks.present(vouched(owner.open_pass(), owner.company.pk))
        if not attacks.added("orders_order", row):
            raise Broken("SQL adds no order of Kazakhstan either: this attack shows nothing")
        for column, change in CHANGES.items():
            if attacks.added("orders_order", row | {column: "RU"}):
                raise Broken(f"the database takes an order by its {column}")
            if not attacks.refused(change):
                raise Broken(f"the database takes a change of an order's {column}")


CHANGES: Final = {
    "citizenship": "UPDATE orders_order SET citizenship = 'RU'",
    "country": "UPDATE orders_order SET country = 'RU'",
    "phone_country": "UPDATE orders_order SET phone_country = 'RU'",
}


@proves(
    "P2", "R2",
    tried=_(
        "Had the operator put Georgia on the list of prohibited jurisdictions: an order from there "
        "was refused by the form and in SQL, and one that was stored could not be changed or "
        "commented on any more. Once the operator had taken it off, both went on."
    ),
)  # fmt: skip
def the_operators_own_list_is_enforced(system: System) -> Figures:
    owner, operator = open_company(), trial.person(operator=True)
    visitor = owner.visiting(system.url)
    if not takes_an_order(owner, "GE") or not goes_on(owner):
        raise Broken("no order of Georgia is taken before: this attack shows nothing")
    with operator.working() as by:
        Jurisdiction.objects.prohibit("GE", by=by, reason="A proof")
    try:
        fields = {"phone": "+995 555 123 456", "country": "GE", "currency": "EUR"}
        if (answer := visitor.fill("/orders/new/", **fields)).status != 422:
            raise Broken(f"the form answers {answer.status} to whom the operator has prohibited")
        if takes_an_order(owner, "GE"):
            raise Broken("an order is taken from where the operator has prohibited it")
        if goes_on(owner):
            raise Broken("work goes on, on an order that the operator's list concerns")
    finally:
        with operator.working() as by:
            Jurisdiction.objects.lift("GE", by=by, reason="A proof")
    if not takes_an_order(owner, "GE") or not goes_on(owner):
        raise Broken("what the operator has taken off the list is still prohibited")
    return {}


def goes_on(owner: Somebody) -> bool:
    """Whether an order of Georgia can be changed, or commented on."""
    with owner.working() as by:
        order = Order.objects.filter(country="GE").order_by("number")[0]
        changed = not attacks.refused("UPDATE orders_order SET total = total + 1")
        with undone():
            try:
                order.say(by=by, text="Ring twice.")
            except Error:
                return changed
    return True


def spellings() -> Iterator[str]:
    """One Russian number, as people write it."""
    beginnings = ("+7", "8", "7", "007", "8-10-7", "tel. +7", "'+7")
    groups = ("9161234567", "916 123 45 67", "(916) 123-45-67", "916-123-45-67", "916.123.45.67",
              "916\u00a0123\u00a045\u00a067", "９１６ 123 45 67", "916 1234567")  # fmt: skip
    yield from (f"{beginning} {group}" for beginning, group in product(beginnings, groups))
