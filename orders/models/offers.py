from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.gate import Entry
from accounts.models import CompanyOwned


class OfferQuerySet(models.QuerySet["Offer"]):
    def named(self, names: Iterable[str], *, by: Entry) -> dict[str, uuid.UUID]:
        """The ids of these offers, made where they are new. Two statements, or none."""
        wanted = {name for name in names if name}
        if not wanted:
            return {}
        new = [Offer(company_id=by.company_id, name=name) for name in sorted(wanted)]
        self.bulk_create(new, ignore_conflicts=True)
        found = self.filter(company_id=by.company_id, name__in=wanted)
        return dict(found.values_list("name", "id"))


class Offer(CompanyOwned):
    """What is sold: orders are filtered and, later, paid by it."""

    name = models.CharField(_("name"), max_length=160)

    objects = OfferQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("company", "name", name="orders_offer_name_once"),
        ]

    def __str__(self) -> str:
        return self.name
