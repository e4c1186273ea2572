"""Publishing: the operator for the platform, whoever runs a company for the company."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.guard import member, operator, requires
from accounts.requests import Request
from policy import answers, bundled, coverage, differences, documents
from policy.forms import PublicationForm
from policy.models import Kind, Policy, PolicyVersion
from policy.views.reading import history

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
PLATFORM = (Kind.CRM, Kind.SITE)


@operator
@never_cache
@GET_OR_POST
def publish(request: Request, kind: str = Kind.CRM) -> HttpResponse:
    """A new version of the site's or the CRM's policy."""
    return _publish(request, _platform_or_404(kind))


@operator
@never_cache
@require_POST
def preview(request: Request, kind: str = Kind.CRM) -> HttpResponse:
    return _preview(request, _platform_or_404(kind))


@member
@requires("company.policy")
@never_cache
@GET_OR_POST
def company(request: Request) -> HttpResponse:
    """A new version of one's own company's policy."""
    if refusal := _crm_first(request):
        return answers.answer(request, refusal)
    return _publish(request, Policy(kind=Kind.COMPANY, company_id=request.gate.company_id))


@member
@requires("company.policy")
@never_cache
@require_POST
def company_preview(request: Request) -> HttpResponse:
    return _preview(request, Policy(kind=Kind.COMPANY, company_id=request.gate.company_id))


def _platform_or_404(kind: str) -> Policy:
    if kind not in PLATFORM:
        raise Http404
    return Policy(kind=kind)


def _crm_first(request: Request) -> answers.Refusal | None:
    """A company's policy may be published before it is accepted, but not before the CRM's is: the
    row rule says so, too, but only once the text is written."""
    waiting = [each for each in request.gate.missing or [] if each["kind"] == Kind.CRM]
    return answers.not_accepted(waiting) if waiting else None


def _latest(about: Policy) -> PolicyVersion | None:
    return (
        PolicyVersion.objects.filter(kind=about.kind, company=about.company_id)
        .select_related("company")
        .order_by("-number")
        .first()
    )


def _form(request: Request, about: Policy, latest: PolicyVersion | None) -> PublicationForm:
    """Starts from the version published last, or from the text that comes with the software."""
    if latest:
        texts = latest.bodies
    elif about.company_id:
        texts = bundled.company_texts(company=request.gate.company_name)
    else:
        texts = bundled.texts(about.kind)
    form = PublicationForm(request.POST or None, latest=latest, texts=texts)
    if about.company_id:
        form.offer_countries(coverage.members_by_country(request.gate).keys() - {""})
    return form


def _publish(request: Request, about: Policy) -> HttpResponse:
    latest = _latest(about)
    form = _form(request, about, latest)
    if not form.is_valid():
        return _page(request, about, form, latest)
    policies = Policy.objects
    policy = (
        policies.of_company(about.company_id)
        if about.company_id
        else policies.of_platform(about.kind)
    )
    version = policy.publish(
        by=request.gate,
        texts=form.of_each_language("body"),
        material=form.cleaned_data["material"],
        effective_at=form.cleaned_data["effective_at"],
        summary=form.of_each_language("summary"),
        countries=form.cleaned_data.get("countries", ()),
    )
    messages.success(request, _("Version %(number)s is published.") % {"number": version.number})
    return redirect(version)


def _preview(request: Request, about: Policy) -> HttpResponse:
    latest = _latest(about)
    form = _form(request, about, latest)
    previews = []
    if form.is_valid():
        for language, body in form.of_each_language("body").items():
            before = latest.text_in(language).body if latest else ""
            previews.append(
                {
                    "language": language,
                    "title": documents.document(body).title,
                    "sections": documents.document(body).sections,
                    "changes": differences.changes(before, body) if latest else [],
                }
            )
    return _page(request, about, form, latest, previews)


def _page(
    request: Request,
    about: Policy,
    form: PublicationForm,
    latest: PolicyVersion | None,
    previews: list[dict[str, Any]] | None = None,
) -> HttpResponse:
    in_force = latest and latest.siblings().in_force().first()
    addresses: dict[str, Any] = {
        "publish_url": reverse("policy:company_edition"),
        "preview_url": reverse("policy:company_preview"),
    }
    if not about.company_id:
        addresses = {
            "publish_url": reverse("policy:publish", args=[about.kind]),
            "preview_url": reverse("policy:preview", args=[about.kind]),
            "kinds": [
                {
                    "label": kind.label,
                    "url": reverse("policy:publish", args=[kind]),
                    "current": kind == about.kind,
                }
                for kind in PLATFORM
            ],
        }
    return render(
        request,
        "policy/publish.html",
        {
            "policy": {"title": Kind(about.kind).label, "company": request.gate.company_name},
            "form": form,
            "previews": previews,
            "versions": history(latest, in_force) if latest else [],
            "language": get_language(),
            **addresses,
        },
    )
