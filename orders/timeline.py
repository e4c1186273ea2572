"""What happened to an order, in sentences: the audit's entries and the comments, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Max
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from accounts import audit, grants
from accounts.access import CAUSES, Deed
from accounts.freshness import PROOFS
from accounts.gate import Entry
from accounts.identifiers import made_at
from accounts.models import AuditEntry, Grant, Role
from orders import erasure, statuses
from orders.filters import Filters
from orders.keys import Keys
from orders.models import Comment, Import, Order, Source
from orders.sealing import SealBroken

LOOKED: Final = "access.viewed"
LONGEST: Final = 200  # of each kind; what is older stays in the company's audit

FIELDS: Final[dict[str, Any]] = {
    "name": _lazy("name"),
    "phone": _lazy("telephone"),
    "email": _lazy("e-mail"),
    "address": _lazy("address"),
    "city": _lazy("city"),
    "comment": _lazy("what the buyer wrote"),
    "extra": _lazy("the shop's own fields"),
    "items": _lazy("items"),
    "offer": _lazy("offer"),
    "partner": _lazy("partner"),
    "country": _lazy("country"),
    "citizenship": _lazy("citizenship"),
    "currency": _lazy("currency"),
    "external_id": _lazy("external number"),
}

_REASONS: Final = {
    key: label for known in statuses.REASONS.values() for key, label in known.items()
}


@dataclass(frozen=True, slots=True)
class Event:
    """`who` did what `text` says; `before` and `after` are what it led from and to."""

    at: datetime
    who: str
    text: str
    before: str = ""
    after: str = ""
    note: str = ""
    url: str = ""  # of what `after` names
    under: str = ""  # "under an access link"


def of_order(order: Order, held: Keys | None, *, by: Entry) -> list[Event]:
    """What happened to the order, as far as its reader may know: four statements at most, and for
    whoever holds no keys none, since the rows behind it are not theirs either. Support is not told
    who the company's people are."""
    if held is None:
        return list(_phases(order))
    entries = _entries(order)
    events = [
        *_arrival(order, entries),
        *_deeds(entries, by),
        *_looks(order, by),
        *_comments(order, held, by),
    ]
    return sorted(events, key=lambda event: event.at, reverse=True)


def _phases(order: Order) -> Iterator[Event]:
    """What its partner is told: that it came, and where it stands since it was last written."""
    if order.version > 1:
        phase = statuses.PHASES[statuses.STATUSES[order.status].phase]
        yield Event(
            order.updated_at,
            _("The company"),
            _("set the phase to"),
            after=str(phase),
            note=_reason(order.reason),
        )
    yield Event(order.created_at, _("The order"), _("came in"))


def _arrival(order: Order, entries: Sequence[AuditEntry]) -> Iterator[Event]:
    """An import enters itself in the audit once, not each of its orders. Who started it, and of
    which file, is for those to read who may import."""
    if not order.import_id:
        return
    at, came_as = made_at(order.id), _came_as(order, entries)
    runs = Import.objects.filter(company_id=order.company_id, id=order.import_id)
    if run := runs.select_related("author").first():
        url = reverse("orders:import_progress", args=[run.id])
        text = _("imported the order from the file")
        yield Event(at, str(run.author), text, after=run.file_name, url=url, note=came_as)
    else:
        yield Event(at, _("An import"), _("brought the order"), note=came_as)


def _came_as(order: Order, entries: Sequence[AuditEntry]) -> str:
    """The status it came in: what its first move left, or where it still is. Nothing where that
    move is older than what is shown."""
    left = [e.changes for e in entries if e.action in ("order.moved", "order.erased")]
    try:
        key = left[-1]["from"] if left else order.status
        label = str(statuses.STATUSES[key].label) if len(entries) < LONGEST else ""
    except (LookupError, TypeError):  # SQL can add entries, too
        return ""
    return label and _("It came as “%(status)s”.") % {"status": label}


def _entries(order: Order) -> list[AuditEntry]:
    """A comment stands for its own entry, which says less; looks are told by themselves."""
    entries = AuditEntry.objects.filter(company_id=order.company_id, object_id=order.id)
    told_apart = ("order.commented", LOOKED)
    return list(entries.exclude(action__in=told_apart).order_by("-id")[:LONGEST])


def _looks(order: Order, by: Entry) -> Iterator[Event]:
    """Support's looks, one line for those of one person under one access link: each is an entry,
    and hundreds of them would hide what was done."""
    looks = AuditEntry.objects.filter(
        company_id=order.company_id, object_id=order.id, action=LOOKED
    )
    under = looks.values("grant_id", "actor_as__name").annotate(last=Max("at"), times=Count("pk"))
    for look in under.order_by("-last")[:LONGEST]:
        times = ngettext("%(times)d time", "%(times)d times", look["times"]) % look
        own = by.under and by.under.id == look["grant_id"]
        yield Event(
            look["last"],
            _("You") if own else look["actor_as__name"] or _("Support"),
            str(audit.ACTIONS[LOOKED]),
            note=times if look["times"] > 1 else "",
            under=_("under an access link"),
        )


def _deeds(entries: Iterable[AuditEntry], by: Entry) -> Iterator[Event]:
    for entry in entries:
        told = sentence(entry)
        if by.under:
            others = _("Support") if entry.grant_id else _("The company")
            who = _("You") if entry.actor_id == by.user_id else others
            if entry.person_seal:
                told |= {"text": _("gave the order to an agent"), "after": ""}
        else:
            who = entry.actor_name
        under = _("under an access link") if entry.grant_id else ""
        yield Event(entry.at, who, **told, under=under)


def _comments(order: Order, held: Keys, by: Entry) -> Iterator[Event]:
    comments = Comment.objects.filter(company_id=order.company_id, order_id=order.id)
    for comment in comments.select_related("author").order_by("-id")[:LONGEST]:
        try:
            note = held.open_comment(bytes(comment.body), comment.id)
        except SealBroken:  # SQL can add comments, too
            note = _("The seal is broken")
        who = str(comment.author)
        if by.under:
            who = _("You") if comment.author_id == by.user_id else _("Somebody else")
        yield Event(comment.created_at, who, _("commented"), note=note)


def under_grant(grant: Grant, before: datetime | None = None) -> list[Event]:
    """What was done under an access link, as far as its reader may follow it, newest first: the
    LONGEST last before a moment. Support can look hundreds of times, and hides nothing by it."""
    deeds = grants.deeds_under(grant.id, before=before, most=LONGEST)
    known = orders_seen(grant.company_id, deeds)
    return [_of_deed(deed, known.get(deed.object_id)) for deed in deeds]


def end_by_the_clock(grant: Grant) -> list[Event]:
    """That its time is over, of which there is no entry: nobody did it."""
    over = [Event(grant.expires_at, _("The time of the link"), _("is over"))]
    return over if grant.state == "expired" else []


def orders_seen(company_id: int, deeds: Iterable[Deed | AuditEntry]) -> dict[UUID | None, Order]:
    """Id -> order, as far as the reader sees them: an entry about looking at an order is made
    before its row is read, and so names none."""
    ids = {deed.object_id for deed in deeds if deed.object_type == "order" and deed.object_id}
    orders = Order.objects.filter(company_id=company_id, id__in=ids).only("number")
    return {order.id: order for order in orders}


def _of_deed(deed: Deed, order: Order | None) -> Event:
    told = sentence(AuditEntry(action=deed.action, changes=deed.changes))
    if order is None:
        if deed.action == LOOKED:
            told["text"] = _("asked for an order that you do not see")
        return Event(deed.at, deed.doer, **told)
    address = reverse("orders:card", args=[order.id])
    return Event(deed.at, deed.doer, **told | {"note": str(order)}, url=address)


def sentence(entry: AuditEntry) -> dict[str, str]:
    """What an entry says after the name of whoever did it, as the parts of an Event. Of one that
    does not hold what our verbs write into it (SQL can add it, too) the deed's name alone."""
    text = str(audit.ACTIONS.get(entry.action, entry.action))
    try:
        return {"text": text} | _details(entry, text, entry.changes)
    except (LookupError, TypeError, ValueError):
        return {"text": text}


def _details(entry: AuditEntry, text: str, changes: Any) -> dict[str, str]:
    match entry.action:
        case "order.moved":
            before, after = (str(statuses.STATUSES[changes[end]].label) for end in ("from", "to"))
            return {"before": before, "after": after, "note": _reason(changes.get("reason", ""))}
        case "order.assigned":
            agent = entry.person_name
            return {"after": agent} if agent else {"text": _("set the order free")}
        case "order.edited":
            fields = ", ".join(str(FIELDS.get(name, name)) for name in changes["fields"])
            return {"text": f"{text}: {fields}"}
        case "person.placed":
            before, after = (str(Role(role).label) for role in changes["role"])
            return {"before": before, "after": after}
        case "access.searched":
            known = Filters.base_fields
            words = {"q": _("words or a number")}
            by_what = [
                words.get(name) or str(known[name].label)
                for name in changes["by_what"]
                if name in known
            ]
            return {"text": f"{text}: {', '.join(by_what)}"} if by_what else {}
        case "access.shut":
            ended = _("had an access link ended by the operator") if "by" in changes else text
            return {"text": f"{ended}: {CAUSES[changes['why']]}"}
        case "order.kept":
            return {"note": str(erasure.GROUNDS[changes["ground"]])}
        case "factor.added" | "factor.removed" | "factor.forgotten":
            return {"text": f"{text}: {PROOFS[changes['factor']]}"}
        case deed if deed.startswith("disclosure."):
            return {"note": " · ".join(_of_disclosure(changes))}
        case "order.added" if changes["source"] != Source.HAND:
            return {"text": f"{text}: {Source(changes['source']).label}"}
    return {}


def _of_disclosure(said: dict[str, Any]) -> Iterator[str]:
    """How many orders were asked for; and when, of what was done before it could be told."""
    if "orders" in said:
        yield _("Orders: %(number)s") % {"number": said["orders"]}
    if "at" in said:
        at = timezone.localtime(datetime.fromisoformat(said["at"]))
        yield _("Done on %(day)s") % {"day": date_format(at)}


def _reason(key: str) -> str:
    return str(_REASONS.get(key, key))
