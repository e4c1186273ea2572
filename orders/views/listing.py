"""The list of orders: the address bar is its state."""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.gate import Entry
from accounts.guard import requires, shown_to_support
from accounts.models import Company
from accounts.requests import Request
from accounts.statements import answers
from orders import keys, lists, search, statuses
from orders.conditions import Condition
from orders.filters import Choices, Filters, Place, conditions
from orders.keys import Keys
from orders.models import Import
from orders.persons import PHONE_ENDS
from orders.rows import Lines

PLACES = ("older", "newer")  # names in the query string: beside which order the page begins


@shown_to_support
@requires("orders.read")
@require_safe
@transaction.non_atomic_requests  # it changes nothing, so there is nothing to undo
def orders(request: Request) -> HttpResponse:
    by = request.gate
    tab = _tab(request)
    at_once = [] if Filters.used_in(request.GET) else [lists.counts(by)]
    held, choices, *counts = answers(keys.holding(by), lists.choices(by), *at_once)
    filters = Filters(request.GET, choices)
    chosen, asked = filters.chosen(), filters.asked()
    places = places_in(request)
    found = lists.page(
        by,
        [*conditions(chosen, by), *_of_tab(tab, by)],
        ways=_ways(chosen["q"], held, by) if "q" in chosen else (),
        **places,
    )
    if places and not found.rows:
        return redirect(_address(tab, asked))
    if _is_number_of(found, chosen):
        return redirect("orders:card", found.rows[0].id)
    return render(
        request,
        "orders/list.html",
        {
            "tabs": _tabs(tab, asked, counts=counts[0] if counts else None, by=by),
            "filters": filters,
            "hidden": [("status", tab)] if tab else [],
            "chips": _chips(tab, filters, chosen, by),
            "clear_url": _address(tab, {}),
            "filtered": bool(chosen),
            "panel_of": _panel_of(request, choices, chosen),
            "sees_persons": by.may("persons.open"),
            "finds_persons": by.may("persons.find"),
            "phone_end": min(PHONE_ENDS) if by.may("persons.telephone") else None,
            **_lines(found.rows, held, by, choices),
            "newer_url": found.newer and _address(tab, asked, newer=found.newer),
            "older_url": found.older and _address(tab, asked, older=found.older),
            "can_take": by.may("orders.take"),
            "can_write": by.may("orders.create"),
            "can_import": by.may("orders.import"),
        },
    )


def _ways(text: str, held: Keys | None, by: Entry) -> list[Condition]:
    country = Company.country_of(by.company_id)
    return search.ways(text, held, phone_ends=by.may("persons.telephone"), country=country)


def _is_number_of(found: lists.Page[lists.Row], chosen: dict[str, Any]) -> bool:
    """Whether an order's own number was searched for, and nothing else is called so."""
    asked = search.number_in(chosen.get("q", ""))
    return asked is not None and [row.number for row in found.rows] == [asked]


def _tab(request: Request) -> str:
    """The status in the query string, or "" for all; a partner's tabs are phases."""
    asked = request.GET.get("status", "")
    if asked and asked not in _tabs_of(request.gate):
        messages.warning(request, _("There is no such status; all orders are shown."))
        return ""
    return asked


def places_in(request: Request) -> dict[str, Place]:
    """Beside which order the page begins, as `lists.page` takes it."""
    for name in PLACES:
        if asked := request.GET.get(name):
            if place := Place.read(asked):
                return {f"{name}_than": place}
            messages.warning(request, _("That page is not there; the list begins here."))
    return {}


def _tabs_of(by: Entry) -> dict[str, tuple[str, list[str]]]:
    """Key -> label and statuses of the tabs; what partners see of a status is its phase."""
    return _tabs_in(get_language(), phases=by.role == "partner")


@cache
def _tabs_in(language: str, *, phases: bool) -> dict[str, tuple[str, list[str]]]:
    """`language` is the one that is active."""
    known = statuses.STATUSES.items()
    if not phases:
        return {key: (str(status.label), [key]) for key, status in known}
    return {
        str(phase): (str(label), [key for key, status in known if status.phase == phase])
        for phase, label in statuses.PHASES.items()
    }


def _of_tab(tab: str, by: Entry) -> list[Condition]:
    if not tab:
        return []
    if by.role != "partner":
        return [Condition("o.status = %s", [tab])]  # an index gives these in order, but not ANY
    return [Condition("o.status = ANY(%s)", [_tabs_of(by)[tab][1]])]


def _tabs(
    current: str, asked: dict[str, str], *, counts: dict[str, int] | None, by: Entry
) -> list[dict[str, Any]]:
    def tab(key: str, label: str, counted: list[str]) -> dict[str, Any]:
        return {
            "url": _address(key, asked),
            "label": label,
            "count": "" if counts is None else _capped([counts[status] for status in counted]),
            "current": key == current,
        }

    return [
        tab("", _("All"), list(statuses.STATUSES)),
        *(tab(key, *of_it) for key, of_it in _tabs_of(by).items()),
    ]


def _capped(counts: list[int]) -> str:
    """The sum, or "1,000+": none of the parts was counted further."""
    most, total = lists.MOST_COUNTED, sum(counts)
    if max(counts) <= most:
        return number_format(total, force_grouping=True)
    return number_format(total // most * most, force_grouping=True) + "+"


def _chips(tab: str, filters: Filters, chosen: dict[str, Any], by: Entry) -> list[dict[str, Any]]:
    return [
        {
            "label": filters.fields[name].label,
            "value": _file_of(value, by) if name == "imported" else _named(filters, name, value),
            "remove_url": _address(tab, filters.asked(without=name)),
        }
        for name, value in chosen.items()
        if name != "q"  # stands in its box
    ]


def _panel_of(request: Request, choices: Choices, chosen: dict[str, Any]) -> tuple[Any, ...]:
    """All that the panel of filters is made of, beside its language: it is kept by that."""
    said = {name: request.GET[name] for name in request.GET if name not in ("q", *PLACES)}
    return choices, said, bool(chosen)


def _file_of(import_id: uuid.UUID, by: Entry) -> str:
    """The file that was imported, for those who may know."""
    run = Import.objects.filter(company_id=by.company_id, id=import_id).first()
    return run.file_name if run else _("one")


def _named(filters: Filters, name: str, value: Any) -> str:
    if name in ("since", "until"):
        return date_format(value, "SHORT_DATE_FORMAT")
    offered = dict(getattr(filters.fields[name], "choices", ()))
    return str(offered.get(value, value))


def _lines(rows: list[lists.Row], held: Keys | None, by: Entry, choices: Choices) -> dict[str, Any]:
    names = lists.names(by, rows, choices)
    lines = Lines(held, phases=by.role == "partner", now=timezone.now(), names=names)
    return {"lines": lines.of(rows), "words": lines.words()}


def _address(tab: str, asked: dict[str, str], **place: Place) -> str:
    """The list with this tab, these filters and this place."""
    query = {"status": tab} if tab else {}
    query |= asked | {name: str(beside) for name, beside in place.items()}
    return f"{_folder()}?{urlencode(query)}" if query else _folder()


@cache
def _folder() -> str:
    return reverse("orders:list")  # a page asks for it twenty times
