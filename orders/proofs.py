"""Attacks on orders: by strangers and by staff, before there is a policy, by the prohibited, by a
thief of the database."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from itertools import product
from typing import Any, Final

from django.db import Error
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import attacks, gate, traces, trial
from accounts.attacks import Settings, vouched
from accounts.founding import OWNER
from accounts.models import AuditEntry, Company, Membership, User
from accounts.proving import Broken, Figures, System, proves, undone
from accounts.records import Fate, every_record
from accounts.trial import Somebody
from accounts.visitors import Answer, Visitor
from orders import closure, disclosures, exports, packages, tasks
from orders.intake import NotAdmitted
from orders.models import Export, Order
from orders.statuses import TRASH_REASONS
from orders.trial import Canary, company_with_orders
from policy import coverage
from policy.disclosures import Disclosure
from policy.trial import accept, open_company, publish
from policy.turns import NotInTurn

LEAVING: Final = 20  # orders of a company that is deleted
ORDERS: Final = 1_667  # of six marked values each: 10,000


@proves(
    "T4",
    tried=_(
        "Read, changed, deleted, added and copied the rows of a company in SQL, as another "
        "company's owner, somebody who left, somebody whose pass had expired, a thief of the "
        "table of passes, staff and operator: %(asked)s statements, all refused. The same "
        "statements as its owner showed rows."
    ),
)
def nobody_else_reads_or_writes_in_sql(system: System) -> Figures:
    owner, asked = company_with_orders(2), 0
    assert owner.company
    rows, known = attacks.examples(system, owner.company.pk), list(strangers(owner))
    with undone():
        for who, settings in known:
            attacks.present(settings)
            asked += attacks.attack(rows, who)
        attacks.present(vouched(owner.open_pass(), owner.company.pk))
        if not attacks.attempt("SELECT 1 FROM orders_order"):
            raise Broken("the owner reads no order either: this attack shows nothing")
    return {"asked": asked}


def strangers(owner: Somebody) -> Iterator[tuple[str, Settings]]:
    """Everybody who is no member of the owner's company, and what they bring along."""
    assert owner.company
    company_id = owner.company.pk
    other, left = open_company(), trial.member(owner.company, "admin")
    accept(left)
    Membership.objects.using(OWNER).filter(user_id=left.user.pk).update(left_at=timezone.now())
    fingerprint = hashlib.sha256(owner.open_pass().encode()).hexdigest()
    yield from attacks.intruders(company_id)
    for who, secret in (
        ("another company's owner", other.open_pass()),
        ("a pass of another's that names the company", trial.pass_of(other.user.pk, company_id)),
        ("somebody who left", trial.pass_of(left.user.pk, company_id)),
        ("an expired pass", owner.open_pass(-timedelta(seconds=1))),
        ("a fingerprint from the table of passes", fingerprint),
        ("support staff", trial.pass_of(trial.person(support=True).user.pk, company_id)),
        ("the operator", trial.pass_of(trial.person(operator=True).user.pk, company_id)),
    ):
        yield who, vouched(secret, company_id)


@proves(
    "T1", "T4",
    tried=_(
        "Signed in as support staff, as the operator and as another company's owner, opened every "
        "address with an order's own key, and sent each form of the orders: %(asked)s requests; "
        "nothing of the order was shown, and nothing of it changed."
    ),
)  # fmt: skip
def nobody_else_opens_an_order_at_any_address(system: System) -> Figures:
    canary = Canary()
    owner = company_with_orders(1, canary)
    assert owner.company
    with owner.working():
        order = Order.objects.get()
    before = state_of(owner.company.pk, system)
    asked = 0
    for stranger in (trial.person(support=True), trial.person(operator=True), open_company()):
        visitor = Visitor(system.url)
        signed_in = visitor.sign_in(stranger.email, stranger.password)
        for answer in at_every_address(visitor, signed_in, str(order.id)):
            asked += 1
            if canary.is_in(answer.body):
                raise Broken(f"{answer.path} shows an order to one of no right")
    if state_of(owner.company.pk, system) != before:
        raise Broken("one of no right changed an order")
    if not canary.is_in(signed_in_as(owner, system).get(f"/orders/{order.id}/").body):
        raise Broken("its own company does not see the order either: this attack shows nothing")
    return {"asked": asked}


def at_every_address(visitor: Visitor, signed_in: Answer, order_id: str) -> Iterator[Answer]:
    fields = signed_in.hidden
    for path in addresses(order_id):
        if path.startswith("/logout/"):
            continue
        yield visitor.get(path)
        if path.startswith("/orders/"):
            yield visitor.post(path, fields)


def addresses(order_id: str) -> Iterator[str]:
    """Every address of the site, with the order's key wherever one is asked for."""
    filled = {"uuid": order_id, "int": "1", "slug": "crm"}
    for route in routes():
        if not route.startswith("^"):
            yield "/" + re.sub(r"<(\w+):\w+>", lambda part: filled[part[1]], route)


def routes(patterns: list[URLPattern | URLResolver] | None = None, before: str = "") -> list[str]:
    found = []
    for each in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(each.pattern)
        found += routes(each.url_patterns, route) if isinstance(each, URLResolver) else [route]
    return found


def state_of(company_id: int, system: System) -> str:
    """A fingerprint of the company's orders and of what hangs on them, by a superuser's eye."""
    with system.superuser() as superuser:
        return str(
            [
                superuser.execute(
                    f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t "  # noqa: S608
                    "WHERE company_id = %s",
                    [company_id],
                ).fetchone()
                for table in ("orders_order", "orders_comment", "orders_item")
            ]
        )


def signed_in_as(somebody: Somebody, system: System) -> Visitor:
    visitor = Visitor(system.url)
    visitor.sign_in(somebody.email, somebody.password)
    return visitor


@proves(
    "C1",
    tried=_(
        "Entered an order for a company without a policy, by the form, by the verb that imports "
        "use too and in plain SQL: refused each time, and nothing was stored. Once the company had "
        "published one, the order was taken."
    ),
)
def no_order_before_the_companys_policy(system: System) -> Figures:
    owner = trial.member(trial.company(), "owner")
    accept(owner)
    assert owner.company
    fields = {"phone": "+40 721 234 643", "currency": "EUR", "items-0-name": "Kettle"}
    visitor = signed_in_as(owner, system)
    if (answer := visitor.fill("/orders/new/", **fields)).status != 403:
        raise Broken(f"the form answers {answer.status} to a company without a policy")
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
            Order.objects.add_many(by=by, drafts=[replace(draft, country=country)])
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
    visitor = signed_in_as(owner, system)
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
    "C2",
    tried=_(
        "Added an order, commented on it and moved it: %(deeds)s deeds, and an entry for each that "
        "names who did it."
    ),
)
def every_change_names_its_doer(system: System) -> Figures:
    owner = open_company()
    with owner.working() as by:
        before = set(AuditEntry.objects.values_list("id", flat=True))
        order = Order.objects.add(by=by, person=Canary().person(0), items=[], currency="EUR")
        order.say(by=by, text="Call after six.")
        order.move(by=by, move="trash", version=order.version, reason=next(iter(TRASH_REASONS)))
        made = AuditEntry.objects.exclude(id__in=before).filter(object_id=order.id)
        named = [entry.action for entry in made if entry.actor_id == by.user_id]
    if sorted(named) != ["order.added", "order.commented", "order.moved"]:
        raise Broken(f"of three deeds the record names only {named}")
    return {"deeds": len(named)}


@proves(
    "P2",
    tried=_(
        "Entered a citizen, a country and a telephone number of the Russian Federation, the number "
        "in %(spellings)s spellings: each refused, and no order, log or file of the database holds "
        "anything of it. A number of Kazakhstan was taken."
    ),
)
def the_prohibited_leave_nothing(system: System) -> Figures:
    owner, canary = open_company(), Canary()
    assert owner.company
    visitor = signed_in_as(owner, system)
    form = visitor.get("/orders/new/").hidden | {"currency": "EUR", "name": canary.word}
    said = [{"phone": phone, "country": "KZ"} for phone in spellings()]
    said += [{"phone": "+77472937614", sign: "RU"} for sign in ("citizenship", "country")]
    for each in said:
        if (answer := visitor.post("/orders/new/", form | each)).status != 422:
            raise Broken(f"the form answers {answer.status} to a prohibited person")
    if found := traces.files_with(system, canary.word):
        raise Broken(f"a prohibited person was written into {found[0]}")
    visitor.post("/orders/new/", form | {"phone": "+7 747 293 76 14", "country": "KZ"})
    with owner.working():
        if Order.objects.count() != 1:
            raise Broken("a number of Kazakhstan is refused, or a Russian one was taken")
    return {"spellings": len(said) - 2}


def spellings() -> Iterator[str]:
    """One Russian number, as people write it."""
    beginnings = ("+7", "8", "7", "007", "8-10-7", "tel. +7", "'+7")
    groups = ("9161234567", "916 123 45 67", "(916) 123-45-67", "916-123-45-67", "916.123.45.67",
              "916\u00a0123\u00a045\u00a067", "９１６ 123 45 67", "916 1234567")  # fmt: skip
    yield from (f"{beginning} {group}" for beginning, group in product(beginnings, groups))


@proves(
    "D2",
    tried=_(
        "Stored %(values)s marked values in the personal fields of %(orders)s orders, listed, "
        "searched and opened them, and looked through every file of the database, its write-ahead "
        "log and the logs as a thief would: none was there. The offers' names, which are not "
        "sealed, were."
    ),
)
def a_thief_of_the_database_reads_nobody(system: System) -> Figures:
    canary = Canary()
    owner = company_with_orders(ORDERS, canary)
    walk(signed_in_as(owner, system), canary.word)
    if found := traces.files_with(system, canary.word, canary.digits_in_full):
        raise Broken(f"a buyer's data can be read in {', '.join(found[:3])}")
    if not traces.files_with(system, canary.offer):
        raise Broken("an offer's name is not found either: this attack shows nothing")
    return {"values": ORDERS * canary.fields, "orders": ORDERS}


@proves(
    "R1", "D2",
    tried=_(
        "As an owner who has accepted nothing, took all of %(orders)s orders along, buyers opened, "
        "deleted the company and then the account: no page asked for an acceptance. No row and no "
        "key of the company were left, nor what named its owner."
    ),
)  # fmt: skip
def who_declines_takes_all_along_and_goes(system: System) -> Figures:
    canary = Canary()
    founder = company_with_orders(LEAVING, canary)
    assert founder.company
    leaver = trial.member(founder.company, "owner")
    visitor = Visitor(system.url)
    visitor.sign_in(leaver.email, leaver.password, accepting=False)
    if visitor.get("/orders/").path != "/accept/":
        raise Broken("an owner who has accepted nothing sees orders: this attack shows nothing")
    if without_accepting(visitor.fill("/account/data/", of="company")).count(canary.word):
        raise Broken("the page of an archive shows what is in it")
    if taken_along(leaver).count(canary.word) < LEAVING:
        raise Broken("an owner who has accepted nothing does not get the orders")
    without_accepting(
        visitor.fill("/company/closure/", password=leaver.password, slug=founder.company.slug)
    )
    done(closure.TASK, tasks.work_through_closure)
    if left := left_of(founder.company.pk, system):
        raise Broken(f"of a company that was deleted there are rows in {', '.join(left)}")
    without_accepting(visitor.fill("/account/deletion/", password=leaver.password))
    if User.objects.using(OWNER).filter(email=leaver.email).exists():
        raise Broken("an account that was deleted still names its owner")
    return {"orders": LEAVING}


def without_accepting(answer: Answer) -> str:
    if answer.status != 200 or answer.path == "/accept/":
        raise Broken(f"{answer.path} asks for something before one may go")
    return answer.body


def taken_along(leaver: Somebody) -> str:
    """The orders of the archive that was asked for just now, as JSON."""
    done(exports.TASK, tasks.build_export)
    with leaver.working():
        run = Export.objects.latest("started_at")
        archive = zipfile.ZipFile(BytesIO(exports.read(run)))
    return archive.read("company/order.json").decode()


def done(task: str, work: Callable[..., None]) -> None:
    """Do the last job of this task as a worker would."""
    with gate.vouching():
        job = ProcrastinateJob.objects.filter(task_name=task).latest("id")
    work(**job.args)


def left_of(company_id: int, system: System) -> list[str]:
    """The tables that should be empty of this company, and are not."""
    erased = [r for r in every_record() if r.company is Fate.ERASED and r.table != "accounts_pass"]
    with system.superuser() as superuser:
        return [
            record.table
            for record in erased
            if superuser.execute(
                f"SELECT FROM {record.table} WHERE company_id = %s LIMIT 1",
                [company_id],
            ).rowcount
        ]


@proves(
    "T3",
    tried=_(
        "Stored orders with a mark in every field, listed, searched, opened and moved them, and "
        "sent forms that were refused: no log holds a mark."
    ),
)
def logs_know_nothing_of_an_order(system: System) -> Figures:
    canary = Canary()
    owner = company_with_orders(10, canary)
    walk(signed_in_as(owner, system), canary.word)
    if found := traces.logs_with(system, canary.word, canary.offer, canary.digits_in_full):
        raise Broken(f"what an order holds stands in {', '.join(found)}")
    return {}


def walk(visitor: Visitor, word: str) -> None:
    """Make the pages say and do as much with the marked orders as they can."""
    listed = visitor.get("/orders/")
    card = next(filter(re.compile("/orders/[0-9a-f-]{36}/").fullmatch, listed.links))
    visitor.get(card)
    visitor.post(f"{card}comment/", listed.hidden | {"text": word})
    visitor.post(f"{card}move/", listed.hidden | {"move": word, "reason": word})
    visitor.get(f"/orders/?q={word}")
    visitor.get(f"/orders/{word}/")
    visitor.post("/orders/new/", listed.hidden | {"name": word, "phone": word, "email": word})


@proves(
    "T1",
    tried=_(
        "As operators, asked for a package of two orders of a company that has %(had)s: without an "
        "approval, with one, with the same operator's twice and after a refusal. The database "
        "refused each time. Approved by two, the package held the two orders and no other, and was "
        "made once."
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


def approve(asked: Disclosure, operator: Somebody) -> bool:
    try:
        with operator.working() as by:
            asked.approve(by=by, proven="password")
    except NotInTurn:
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
        "that of the register's own rows, %(received)s in all, %(refused)s of them refused."
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
    return {**shown}
