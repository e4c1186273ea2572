"""Writing a version: the operator for the platform, whoever runs a company for the company.

What is written is kept as a draft, which those who may publish the policy share. From here it goes
on to `policy.views.publication`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.guard import closed_to_support, member, operator, requires
from accounts.requests import GET_OR_POST, Request
from policy import announcements, answers, bundled, coverage, differences, documents
from policy.forms import DraftForm, PublicationForm
from policy.models import Draft, Kind, Policy, PolicyVersion
from policy.turns import NotInTurn
from policy.views.reading import history

PLATFORM = (Kind.CRM, Kind.SITE)


@dataclass(frozen=True)
class Desk:
    """Where a policy is written: which, what is published of it and what is kept. The addresses are
    the operator's, or those of whoever runs the company."""

    kind: str
    company_id: int | None
    latest: PolicyVersion | None
    draft: Draft | None

    @classmethod
    def of(cls, kind: str, company_id: int | None = None) -> Desk:
        versions = PolicyVersion.objects.filter(kind=kind, company=company_id)
        latest = versions.select_related("company").order_by("-number").first()
        return cls(kind, company_id, latest, Draft.objects.of(kind, company_id))

    @property
    def policy(self) -> Policy:
        """Made on first asking, by whoever may publish it."""
        if self.company_id:
            return Policy.objects.of_company(self.company_id)
        return Policy.objects.of_platform(self.kind)

    def address(self, page: str) -> str:
        if self.company_id:
            return reverse(f"policy:company_{page}")
        return reverse(f"policy:{page}", args=[self.kind])

    def form(self, request: Request, kind: type[DraftForm], data: Any = None) -> Any:
        """Starts from the draft, from the version published last, or from the text that comes with
        the software."""
        if self.latest:
            texts = self.latest.bodies
        elif self.company_id:
            texts = bundled.company_texts(company=request.gate.company_name)
        else:
            texts = bundled.texts(self.kind)
        form = kind(data, latest=self.latest, texts=texts, draft=self.draft)
        if self.company_id:
            form.offer_countries(coverage.members_by_country(request.gate).keys() - {""})
        return form


Act = Callable[[Request, Desk], HttpResponse]


def at_both(act: Act) -> tuple[Callable[..., HttpResponse], Callable[..., HttpResponse]]:
    """The view of the operator, for the site's and the CRM's policy, and that of whoever runs a
    company, for its own."""

    @closed_to_support
    @operator
    @never_cache
    def platform(request: Request, kind: str = Kind.CRM) -> HttpResponse:
        if kind not in PLATFORM:
            raise Http404
        return act(request, Desk.of(kind))

    @closed_to_support
    @member
    @requires("company.policy")
    @never_cache
    def company(request: Request) -> HttpResponse:
        if refusal := _crm_first(request):
            return answers.answer(request, refusal)
        return act(request, Desk.of(Kind.COMPANY, request.gate.company_id))

    return platform, company


def _crm_first(request: Request) -> answers.Refusal | None:
    """A company's policy may be published before it is accepted, but not before the CRM's is: the
    row rule says so, too, but only once the text is written."""
    waiting = [each for each in request.gate.missing or [] if each["kind"] == Kind.CRM]
    return answers.not_accepted(waiting) if waiting else None


def _write(request: Request, desk: Desk) -> HttpResponse:
    """A new version; what may be published goes on to be looked at."""
    form = desk.form(request, PublicationForm, request.POST or None)
    if not form.is_valid():
        return page(request, desk, form)
    return _kept(request, desk, form) or redirect(desk.address("publication"))


def _keep(request: Request, desk: Desk) -> HttpResponse:
    """Keeps what was written so far."""
    form = desk.form(request, DraftForm, request.POST or None)
    if not form.is_valid():
        return page(request, desk, form)
    if overtaken := _kept(request, desk, form):
        return overtaken
    messages.success(request, _("The draft is kept. Nothing of it is published."))
    return redirect(desk.address("publish"))


def _kept(request: Request, desk: Desk, form: DraftForm) -> HttpResponse | None:
    """Keeps it; or the page with both, where somebody else has kept another meanwhile."""
    try:
        Draft.objects.keep(desk.policy, seen=form.cleaned_data["seal"], **form.written())
    except NotInTurn:
        return _overtaken(request, desk, form)
    return None


def _overtaken(request: Request, desk: Desk, form: DraftForm) -> HttpResponse:
    """What was written stays in the form, and what the other has kept is compared with it; who
    keeps it once more has seen that."""
    current = Desk.of(desk.kind, desk.company_id)
    form.data = dict(form.data.items()) | {"seal": current.draft.seal if current.draft else ""}
    theirs = current.draft.texts if current.draft else {}
    compared = [
        {"language": language, "changes": differences.changed(theirs[language], body)}
        for language, body in form.of_each_language("body").items()
        if language in theirs
    ]
    return page(request, current, form, status=409, overtaken=True, compared=compared)


def _discard(request: Request, desk: Desk) -> HttpResponse:
    try:
        Draft.objects.discard(desk.policy, seen=request.POST.get("seal", ""))
    except NotInTurn as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The draft is discarded."))
    return redirect(desk.address("publish"))


def _preview(request: Request, desk: Desk) -> HttpResponse:
    form = desk.form(request, PublicationForm, request.POST or None)
    shown = previews(desk.latest, form.of_each_language("body")) if form.is_valid() else []
    return page(request, desk, form, previews=shown)


def previews(latest: PolicyVersion | None, texts: dict[str, str]) -> list[dict[str, Any]]:
    """Each text as it will be read, and what it changes."""
    return [
        {
            "language": language,
            "title": documents.document(body).title,
            "sections": documents.document(body).sections,
            "changes": differences.changed(latest.text_in(language).body, body) if latest else [],
        }
        for language, body in texts.items()
    ]


def page(
    request: Request, desk: Desk, form: DraftForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    in_force = desk.latest and desk.latest.siblings().in_force().first()
    context = {
        **facts(request, desk),
        "form": form,
        "draft": desk.draft,
        "announcement": announcements.of(desk.latest),
        "versions": history(desk.latest, in_force) if desk.latest else [],
        **more,
    }
    return render(request, "policy/publish.html", context, status=status)


def facts(request: Request, desk: Desk) -> dict[str, Any]:
    """Which policy it is, and the addresses of its pages."""
    company = request.gate.company_name if desk.company_id else ""
    return {
        "policy": {"title": Kind(desk.kind).label, "company": company},
        "language": get_language(),
        "write_url": desk.address("publish"),
        "preview_url": desk.address("preview"),
        "draft_url": desk.address("draft"),
        "discard_url": desk.address("discard"),
        "publication_url": desk.address("publication"),
        "kinds": [] if desk.company_id else _kinds(desk),
    }


def _kinds(desk: Desk) -> list[dict[str, Any]]:
    return [
        {
            "label": kind.label,
            "url": reverse("policy:publish", args=[kind]),
            "current": kind == desk.kind,
        }
        for kind in PLATFORM
    ]


publish, company = at_both(GET_OR_POST(_write))
draft, company_draft = at_both(require_POST(_keep))
discard, company_discard = at_both(require_POST(_discard))
preview, company_preview = at_both(require_POST(_preview))
