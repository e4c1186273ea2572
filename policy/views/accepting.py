"""Accepting what waits, and the way out for whoever does not."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models.functions import Now
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.guard import closed_to_support, signed_in
from accounts.requests import GET_OR_POST, Request
from policy import differences, documents, stopped
from policy.answers import go_on, safe_next
from policy.countries import listed
from policy.forms import AcceptanceForm
from policy.models import Acceptance, Kind, PolicyVersion

ASKED = (Kind.CRM, Kind.COMPANY)


@closed_to_support
@signed_in
@never_cache
@GET_OR_POST
def accept(request: Request) -> HttpResponse:
    if request.method == "POST":
        forms = {} if _asks_for_language(request) else _posted(request)
        for form in forms.values():
            if form.is_valid():
                _record(request, form)
        return _afterwards(request, forms)
    next_address = safe_next(request.GET.get("next"))
    waiting = _waiting(request)
    if not waiting:
        return redirect(next_address)
    return _page(request, waiting, next_address, {})


@closed_to_support
@signed_in
@never_cache
@require_safe
def decline(request: Request) -> HttpResponse:
    return render(
        request,
        "policy/decline.html",
        {"documents": [_title(each) for each in _waiting(request)], "ways": _ways(request)},
    )


def _waiting(request: Request) -> list[PolicyVersion]:
    """Each with the moment, by the database's clock, at which it is shown."""
    return list(
        PolicyVersion.objects.waiting_for(request.gate.user_id, request.gate.company_id)
        .annotate(shown_at=Now())
        .select_related("company", "policy")
        .prefetch_related("texts")
    )


def _posted(request: Request) -> dict[str, AcceptanceForm]:
    return {
        kind: AcceptanceForm(request.POST, prefix=kind, user_id=request.gate.user_id)
        for kind in ASKED
        if f"{kind}-version" in request.POST
    }


def _asks_for_language(request: Request) -> bool:
    """The language was switched while the page held a form: that is sent to be held again."""
    return "lang" in request.GET


def _record(request: Request, form: AcceptanceForm) -> None:
    version = PolicyVersion.objects.select_related("policy").get(pk=form.cleaned_data["version"])
    version.accept(
        by=request.gate,
        language=form.cleaned_data["language"],
        shown_at=form.cleaned_data["shown_at"],
    )


def _afterwards(request: Request, forms: dict[str, AcceptanceForm]) -> HttpResponse:
    """On to where the person was headed, or back to what still waits. A form that was opened on a
    version replaced meanwhile is recorded, and the newer one is shown."""
    next_address = safe_next(request.POST.get("next") or request.GET.get("next"))
    waiting = _waiting(request)
    if not waiting:
        return go_on(request, next_address)
    unticked = {kind: form for kind, form in forms.items() if _only_unticked(form)}
    if unticked or not forms:
        return _page(request, waiting, next_address, unticked)
    stale = [form for form in forms.values() if not form.is_valid()]
    messages.warning(
        request,
        str(stale[0].non_field_errors()[0])
        if stale and stale[0].non_field_errors()
        else _("A newer version has come into force meanwhile. Please read that one, too."),
    )
    if stopped.address(request):
        return _page(request, waiting, next_address, {})
    query = QueryDict(mutable=True)
    query["next"] = next_address
    return HttpResponseRedirect(f"{reverse('policy:accept')}?{query.urlencode(safe='/')}")


def _only_unticked(form: AcceptanceForm) -> bool:
    return not form.is_valid() and set(form.errors) == {"agree"}


def _page(
    request: Request,
    waiting: list[PolicyVersion],
    next_address: str,
    unticked: dict[str, AcceptanceForm],
) -> HttpResponse:
    shown = [_document(request, each, unticked.get(each.kind)) for each in waiting]
    context = {"documents": shown, "next": next_address, "stopped": stopped.fields(request)}
    return render(request, "policy/accept.html", context)


def _document(
    request: Request, version: PolicyVersion, unticked: AcceptanceForm | None
) -> dict[str, Any]:
    text = version.text_in(get_language())
    return {
        **_title(version),
        **_changed_since(request.gate.user_id, version),
        "number": version.number,
        "countries": listed(version.countries),
        "in_force_from": version.effective_at,
        "url": version.get_absolute_url(),
        "sections": documents.document(text.body).sections,
        "form": unticked
        or AcceptanceForm.showing(
            text,
            kind=version.kind,
            user_id=request.gate.user_id,
            at=version.shown_at,  # type: ignore[attr-defined]  # annotated
        ),
    }


def _title(version: PolicyVersion) -> dict[str, Any]:
    body = version.text_in(get_language()).body
    kind_label = str(Kind(version.kind).label)
    title = documents.document(body).title or kind_label
    return {
        "title": title,
        "kind_label": kind_label if title != kind_label else "",
        "company": version.company.name if version.company else "",
    }


def _changed_since(user_id: int, version: PolicyVersion) -> dict[str, Any]:
    """What changed since the version that this person accepted last."""
    accepted = (
        Acceptance.objects.filter(user_id=user_id, version__policy=version.policy_id)
        .order_by("-version_number")
        .values_list("version_number", flat=True)
        .first()
    )
    if not accepted:
        return {"first": True}
    since = version.siblings().filter(number__gte=accepted, number__lte=version.number)
    *newer, before = [each.text_in(get_language()) for each in since.prefetch_related("texts")]
    return {
        "first": False,
        "summary": "\n".join(text.summary for text in newer if text.summary),
        "changes": differences.changed(before.body, newer[0].body),
        "diff_url": version.diff_url(since=accepted),
    }


def _ways(request: Request) -> list[dict[str, Any]]:
    """What works without accepting."""
    ways: list[dict[str, Any]] = [
        {
            "icon": "log-out",
            "title": _("Sign out"),
            "text": _("Nothing is recorded. You can come back and accept later."),
            "url": reverse("account_logout"),
            "label": _("Sign out"),
            "post": True,
        },
        {
            "icon": "download",
            "title": _("Take your data along"),
            "text": _("All that is yours, and an owner all that is the company's, in an archive."),
            "url": reverse("orders:exports"),
            "label": _("To your data"),
        },
        {
            "icon": "user-round-x",
            "title": _("Delete your account"),
            "text": _("For good: your name and your address are gone, and so are your sessions."),
            "url": reverse("accounts:deletion"),
            "label": _("Delete your account…"),
            "tone": "bad",
        },
    ]
    if request.gate.company_id:
        company = {"company": request.gate.company_name}
        leaving = {
            "icon": "door-open",
            "title": _("Leave %(company)s") % company,
            "text": _("You stop being one of its people, at once. Your sign-in stays yours."),
            "url": reverse("accounts:departure"),
            "label": _("Leave %(company)s…") % company,
            "tone": "bad",
        }
        ways.insert(2, leaving)
    if request.gate.may("company.close"):
        ways.append(
            {
                "icon": "building-2",
                "title": _("Delete %(company)s") % company,
                "text": _("Its orders, its people's places and its keys, for good."),
                "url": reverse("orders:close"),
                "label": _("Delete %(company)s…") % company,
                "tone": "bad",
            }
        )
    return ways
