"""Policies as everybody reads them: the one in force, any version, what a version changed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from accounts.guard import apart_from_support, public
from accounts.requests import Request
from policy import differences, documents
from policy.countries import listed
from policy.models import Kind, PolicyVersion, PolicyVersionQuerySet


@apart_from_support
@public
@require_safe
def current(request: Request, kind: str, slug: str | None = None) -> HttpResponse:
    return _document(request, _in_force_or_404(kind, slug))


@apart_from_support
@public
@require_safe
def version(request: Request, number: int, kind: str, slug: str | None = None) -> HttpResponse:
    return _document(request, get_object_or_404(_published(kind, slug), number=number))


@apart_from_support
@public
@require_safe
def versions(request: Request, kind: str, slug: str | None = None) -> HttpResponse:
    in_force = _in_force_or_404(kind, slug)
    text = in_force.text_in(get_language())
    return render(
        request,
        "policy/versions.html",
        {"policy": policy_facts(in_force, text.body), "versions": history(in_force, in_force)},
    )


@apart_from_support
@public
@require_safe
def diff(request: Request, number: int, kind: str, slug: str | None = None) -> HttpResponse:
    """What a version changed since the one before, or since the one asked for."""
    new = get_object_or_404(_published(kind, slug), number=number)
    since = request.GET.get("since", "")
    old_number = int(since) if since.isdecimal() and len(since) < 6 else number - 1
    old = get_object_or_404(_published(kind, slug), number=old_number, number__lt=number)
    before, after = old.text_in(get_language()), new.text_in(get_language())
    return render(
        request,
        "policy/diff.html",
        {
            "policy": policy_facts(new, after.body),
            "old": {"number": old.number, "url": old.get_absolute_url()},
            "new": {"number": new.number, "url": new.get_absolute_url()},
            "changes": differences.changes(before.body, after.body),
        },
    )


def _published(kind: str, slug: str | None) -> PolicyVersionQuerySet:
    return PolicyVersion.objects.of(kind, slug)


def _in_force_or_404(kind: str, slug: str | None) -> PolicyVersion:
    found = _published(kind, slug).in_force().first()
    if found is None:
        raise Http404
    return found


def _document(request: Request, shown: PolicyVersion) -> HttpResponse:
    text = shown.text_in(get_language())
    in_force = shown.siblings().in_force().first()
    waiting = {document["id"] for document in request.gate.missing or []}
    return render(
        request,
        "policy/document.html",
        {
            "policy": policy_facts(shown, text.body),
            "version": {**version_facts(shown, in_force), "content_hash": text.hash},
            "sections": documents.document(text.body).sections,
            "versions": history(shown, in_force),
            "languages": _languages(shown, text.language),
            "accept_url": reverse("policy:accept") if str(shown.pk) in waiting else "",
            "proofs_url": "" if shown.company_id else reverse("policy:proofs"),
        },
    )


def policy_facts(shown: PolicyVersion, body: str) -> dict[str, Any]:
    return {
        "title": documents.document(body).title or Kind(shown.kind).label,
        "kind": shown.kind,
        "company": shown.company.name if shown.company else "",
    }


def version_facts(shown: PolicyVersion, in_force: PolicyVersion | None) -> dict[str, Any]:
    return {
        "number": shown.number,
        "in_force_from": shown.effective_at,
        "published_at": shown.published_at,
        "current": shown == in_force,
        "upcoming": shown.upcoming,
        "minor": not shown.material,
        "countries": listed(shown.countries),
    }


def history(shown: PolicyVersion, in_force: PolicyVersion | None) -> list[dict[str, Any]]:
    return [
        {
            **version_facts(each, in_force),
            "url": each.get_absolute_url(),
            "diff_url": each.diff_url(),
            "summary": each.text_in(get_language()).summary,
        }
        for each in shown.siblings().prefetch_related("texts")
    ]


def _languages(shown: PolicyVersion, current: str) -> list[dict[str, Any]]:
    return [
        {"code": code, "label": label, "url": f"?lang={code}", "current": code == current}
        for code, label in settings.LANGUAGES
        if code in shown.hashes
    ]
