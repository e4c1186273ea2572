"""What a file would become: its first orders, and how many of it in which status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from accounts.gate import Entry
from orders import imports, statuses
from orders.intake import OrderDraft
from orders.money import format_amount
from orders.screening import LABELS, Accepted, Outcome, Refused, screened, told
from orders.spreadsheets import Sheet
from orders.uploads import Upload
from orders.views.import_runs import by_status

PREVIEWED: Final = 5_000  # rows that the preview is made of: a second or two
SHOWN: Final = 8  # orders in it
SHOWN_OF: Final = ("external_id", "created_at", "status", "name", "phone", "city", "item", "total")


def detected(sheet: Sheet) -> Iterator[dict[str, str]]:
    yield {"label": _("Rows"), "value": number_format(len(sheet.rows), force_grouping=True)}
    yield {"label": _("Columns"), "value": str(len(sheet.header))}
    if sheet.encoding:
        separators = {"\t": _("tab"), ";": _("semicolon"), ",": _("comma"), "|": _("bar")}
        yield {"label": _("Encoding"), "value": sheet.encoding.upper()}
        yield {"label": _("Separator"), "value": separators[sheet.delimiter]}
    if sheet.name:
        yield {"label": _("Worksheet"), "value": sheet.name}


def previewed(upload: Upload, by: Entry, *, whole: bool) -> dict[str, Any]:
    """The first orders, among them the first that would be refused; how many of those read would be
    stored, and in which status; how many hang on what becomes of optional values; and the lines of
    prohibited persons, of which nothing is told later."""
    sheet = upload.sheet if whole else replace(upload.sheet, rows=upload.sheet.rows[:PREVIEWED])
    outcomes = list(screened(sheet, upload.mapping, upload.reading(by=by)))
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    added = imports.not_there([each.order for each in accepted], by=by)
    shown: list[Outcome] = [*refused[: SHOWN // 2]]
    shown += accepted[: SHOWN - len(shown)]
    rows = len(sheet.rows) if len(sheet.rows) < len(upload.sheet.rows) else None
    return {
        "orders": len(outcomes),
        "first_rows": rows,
        "expected": list(expected(rows, accepted, refused, added)),
        "statuses": list(by_status(Counter(order.status for order in added))),
        "prohibited": lines_told(refused),
        "refused_for_optional": sum(outcome.for_optional_values for outcome in refused),
        "incomplete": sum(bool(outcome.left_out) for outcome in accepted),
        "headers": [(name, LABELS[name]) for name in SHOWN_OF],
        "rows": [previewed_row(o) for o in sorted(shown, key=lambda o: o.rows[0].line)],
    }


def expected(
    rows: int | None,
    accepted: Sequence[Accepted],
    refused: Sequence[Refused],
    added: Sequence[OrderDraft],
) -> Iterator[dict[str, str]]:
    """What would become of the orders that the preview has read: of so many rows, or of all."""
    read = _("Orders in the file")
    if rows:
        shown = number_format(rows, force_grouping=True)
        read = _("Orders in the first %(rows)s rows") % {"rows": shown}
    for label, count in (
        (read, len(accepted) + len(refused)),
        (_("Would be added"), len(added)),
        (_("Are here already"), len(accepted) - len(added)),
        (_("Would be refused"), len(refused)),
    ):
        yield {"label": label, "value": number_format(count, force_grouping=True)}


def lines_told(refused: Iterable[Refused]) -> dict[str, Any]:
    """The lines of prohibited persons: how many, and which."""
    lines = sorted(row.line for each in refused if each.prohibited for row in each.rows)
    return {"count": len(lines), "lines": ", ".join(map(str, lines))}


def previewed_row(outcome: Outcome) -> dict[str, Any]:
    line = outcome.rows[0].line
    if isinstance(outcome, Refused):
        return {"line": line, "error": told(outcome.reasons, line)}
    order = outcome.order
    items = [f"{item.quantity} × {item.name or item.sku}" for item in order.items]
    cells = [
        order.external_id,
        date_format(timezone.localtime(order.created_at), "SHORT_DATETIME_FORMAT"),
        statuses.STATUSES[order.status].label,
        order.person.name,
        order.person.phone,
        order.person.city,
        ", ".join(items),
        format_amount(order.total or Decimal(0), order.currency),
    ]
    headers = [LABELS[name] for name in SHOWN_OF]
    return {"line": line, "cells": list(zip(SHOWN_OF, headers, cells, strict=True))}
