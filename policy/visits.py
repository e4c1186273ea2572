"""Visits of the external pages (clause S2): our own count, and the counter an operator may set.

Our count knows a path and a day, and nothing of whoever came. The other is Yandex.Metrika's, off
until the operator sets the number it gave him. It is loaded as one image, without a script: so it
can record no session, map no clicks, follow no link and leave no cookie, whatever is set there
(docs/decisions/0013).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from csp.decorators import csp_update
from django.conf import settings
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.gate import Entry
from accounts.identifiers import uuid7
from accounts.requests import Request

ORIGIN: Final = "https://mc.yandex.ru"
EXTERNAL: Final = ("/", "/privacy/")  # the pages that are counted; those of the CRM never are
SHOWN: Final = timedelta(days=30)


class CounterQuerySet(models.QuerySet["Counter"]):
    def number(self) -> int | None:
        """The number in force; None where the counter is off."""
        return self.order_by("-decided_at").values_list("number", flat=True).first()

    def decide(self, number: int | None, *, by: Entry) -> Counter:
        """Set the counter's number, or switch it off."""
        return self.create(number=number, decided_by_id=by.user_id)


class Counter(models.Model):
    """A decision: from its moment on this counter counts, or none. Only ever added to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField(_("number of the counter"), null=True)
    decided_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    objects = CounterQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("decided_at", name="policy_counter_last"),
            models.CheckConstraint(
                condition=Q(number__isnull=True) | Q(number__gt=0), name="policy_counter_number"
            ),
        ]

    def __str__(self) -> str:
        return str(self.number or "")


class Visits(models.Model):
    """How often a page was asked for on a day (UTC). Written through the gate alone."""

    pk = models.CompositePrimaryKey("day", "path")
    day = models.DateField()
    path = models.CharField(max_length=50)
    count = models.PositiveBigIntegerField()

    class Meta:
        db_table = "policy_visits"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(path__in=EXTERNAL), name="policy_visits_external")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.path}: {self.count}"


def counted(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Have the visits of an external page counted, by ourselves and, where the operator has set
    it, by the counter: only then, and only there, does the page let the browser ask its server."""

    @wraps(view)
    def counting(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if number := Counter.objects.number():
            request.counter = image(number, request)
        shown = csp_update({"img-src": [ORIGIN]})(view) if number else view
        response = shown(request, *args, **kwargs)
        if request.method == "GET" and response.status_code == 200:
            with connection.cursor() as cursor:
                cursor.execute("SELECT gate.count_visit(%s)", [request.path])
        return response

    return counting


def image(number: int, request: Request) -> str:
    """Where the counter's image is; it is told which page was opened, without its query."""
    return f"{ORIGIN}/watch/{number}?" + urlencode(
        {"page-url": request.build_absolute_uri(request.path)}
    )


def lately() -> list[Visits]:
    """The counts of the last days, the newest first; for the operator."""
    since = timezone.now().date() - SHOWN
    return list(Visits.objects.filter(day__gt=since).order_by("-day", "path"))
