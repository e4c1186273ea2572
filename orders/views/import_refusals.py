"""What an import refused, as files to put right and to bring again."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.downloads import attached
from accounts.formulas import to_csv
from accounts.gate import Entry
from accounts.guard import closed_to_support, requires
from accounts.requests import Request
from orders import imports
from orders.mapping import TARGETS
from orders.models import Import
from orders.screening import LABELS, told
from orders.views.import_runs import find

CSV: Final = "text/csv; charset=utf-8"


@closed_to_support
@requires("orders.import")
@require_safe
@never_cache
def refusals(request: Request, pk: uuid.UUID) -> HttpResponse:
    """The refused lines as CSV, with reasons; under headings that a new import understands."""
    run = find(request.gate, pk)
    table = refused_table(run, request.gate, _("Refused because"), values_only=False)
    return attached(to_csv(table), f"refused-{run.id}.csv", CSV)


@closed_to_support
@requires("orders.import")
@require_safe
@never_cache
def left_out(request: Request, pk: uuid.UUID) -> HttpResponse:
    """The lines whose orders do without a value, as CSV: which, why, and what it said."""
    run = find(request.gate, pk)
    table = refused_table(run, request.gate, _("Left out because"), values_only=True)
    return attached(to_csv(table), f"left-out-{run.id}.csv", CSV)


def refused_table(run: Import, by: Entry, why: str, *, values_only: bool) -> list[list[Any]]:
    lines = list(imports.refusals_of(run, by=by, values_only=values_only))
    used = {name for _line, _reasons, values in lines for name in values}
    names = [target.name for target in TARGETS if target.name in used]
    table: list[list[Any]] = [[_("Line"), why, *(LABELS[name] for name in names)]]
    for line, reasons, values in lines:
        table.append([line, told(reasons, line), *(values.get(name, "") for name in names)])
    return table
