"""Deeds on an order, and whether the record names their doer."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEntry
from accounts.proving import Broken, Figures, System, proves
from orders.models import Order
from orders.statuses import TRASH_REASONS
from orders.trial import Canary
from policy.trial import open_company


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
