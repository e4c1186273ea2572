"""Attacks on orders by strangers: in SQL and at every address, whatever their rank."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from psycopg import sql

from accounts import attacks, trial
from accounts.attacks import Settings, vouched
from accounts.founding import OWNER
from accounts.models import Membership
from accounts.proving import Broken, Figures, System, proves, undone
from accounts.trial import Somebody
from accounts.visitors import Answer, Visitor
from orders.models import Order
from orders.trial import Canary, company_with_orders
from policy.trial import accept, open_company

REFUSED: Final = (401, 403, 404, 405)
HANGING_TOGETHER: Final = ("orders_order", "orders_comment", "orders_item")


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
        "each of the order's own addresses refused, nothing of it was shown, and nothing changed."
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
        visitor = stranger.visiting(system.url)
        for answer in at_every_address(visitor, visitor.get("/orders/"), str(order.id)):
            asked += 1
            if canary.is_in(answer.body):
                raise Broken(f"{answer.path} shows an order to one of no right")
            if str(order.id) in answer.path and answer.status not in REFUSED:
                raise Broken(f"an order's address answers {answer.status} to one of no right")
    if state_of(owner.company.pk, system) != before:
        raise Broken("one of no right changed an order")
    if not canary.is_in(owner.visiting(system.url).get(f"/orders/{order.id}/").body):
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
    filled = {"uuid": order_id, "uuidstr": order_id, "int": "1", "slug": "crm"}
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
    question = sql.SQL(
        "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} t WHERE company_id = %s"
    )
    with system.superuser() as superuser:
        return str(
            [
                superuser.execute(question.format(sql.Identifier(table)), [company_id]).fetchone()
                for table in HANGING_TOGETHER
            ]
        )
