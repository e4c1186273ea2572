"""Attacks on access links: support, let in for one order, looks further and stays longer."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import gate, grants, trial
from accounts.models import AuditEntry
from accounts.proving import Broken, Figures, System, proves
from accounts.trial import Somebody
from accounts.visitors import Answer
from orders.models import Order
from orders.proofs.strangers import addresses
from orders.trial import Canary, company_with_orders
from policy.trial import accept


class Desk:
    """Somebody of support, signed in, and the pages that he asks for."""

    def __init__(self, system: System) -> None:
        self.support = trial.person(support=True)
        accept(self.support)
        self.visitor = self.support.visiting(system.url)
        session = self.visitor.cookies[0].value or ""
        gate.prove_pass(session, user_id=self.support.user.pk, proof="totp")

    def ask(self, code: str) -> None:
        """To be let in, with the code of a link."""
        fields = self.look(reverse("orders:support")).hidden
        self.visitor.post(reverse("orders:support_ask"), fields | {"code": code})

    def look(self, path: str) -> Answer:
        return self.visitor.get(path)

    def sees(self, order: Order) -> bool:
        answer = self.look(reverse("orders:card", args=[order.id]))
        return answer.status == 200 and f"№ {order.number}" in answer.body


@proves(
    "T4",
    tried=_(
        "Let support in to one of two orders by a link. Without the link, and before its maker had "
        "confirmed who asked: nothing. Then that order, without what its buyer is known by, and "
        "not the other; of %(asked)s addresses none showed more. The company's record had the "
        "look. Once the link was revoked: nothing."
    ),
)
def support_sees_what_a_link_opens(system: System) -> Figures:
    canary = Canary()
    owner, desk = company_with_orders(2, canary), Desk(system)
    with owner.working():
        listed, other = Order.objects.order_by("number")
    grant_id, secret = _link(owner, listed)
    if desk.sees(listed):
        raise Broken("support sees an order without a link")
    desk.ask(secret)
    if desk.sees(listed):
        raise Broken("support sees an order before anybody has let it in")
    with owner.working():
        grants.confirm(grant_id, staff_id=desk.support.user.pk)
    asked = _look_around(desk, listed, other, canary)
    _look_at_the_record(owner, grant_id, listed)
    with owner.working():
        grants.revoke(grant_id)
    if desk.sees(listed):
        raise Broken("support goes on seeing an order once the link is revoked")
    return {"asked": asked}


def _link(owner: Somebody, order: Order) -> tuple[UUID, str]:
    secret = owner.open_pass()
    gate.prove_pass(secret, user_id=owner.user.pk, proof="password")
    with gate.carrying(secret) as by:
        grant, code = grants.make(by=by, reason="A proof", orders=[order.id])
    return grant.id, code


def _look_around(desk: Desk, listed: Order, other: Order, canary: Canary) -> int:
    """At every address, with the key of either order; how many."""
    if not desk.sees(listed):
        raise Broken("support sees nothing under the link: this attack shows nothing")
    if desk.sees(other):
        raise Broken("support sees an order that the link does not list")
    paths = [path for order in (listed, other) for path in addresses(str(order.id))]
    paths = [path for path in paths if not path.startswith("/logout/")]
    for path in paths:
        if canary.names_a_person_in(desk.look(path).body):
            raise Broken(f"{path} shows what the link hides")
    return len(paths)


def _look_at_the_record(owner: Somebody, grant_id: UUID, order: Order) -> None:
    with owner.working():
        looks = AuditEntry.objects.filter(grant_id=grant_id, object_id=order.id)
        if not looks.filter(action="access.viewed").exists():
            raise Broken("the company's record does not have what support looked at")
