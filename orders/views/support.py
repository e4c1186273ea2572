"""Support's side of an access link: asking with it, waiting, working, ending.

Opening the page changes nothing, since scanners of mail open links. The link's secret stands after
a "#", which no browser sends: a script puts it into the form, or support pastes it there.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts import gate, grants
from accounts.access import FIELDS
from accounts.guard import apart_from_support, staff
from accounts.requests import Request
from orders import access_forms
from orders.access_forms import LinkForm
from policy import answers


@apart_from_support
@staff
@require_safe
def desk(request: Request) -> HttpResponse:
    """A page that is open asks here whether its link is (`partials/under_grant.html`): one that is
    not, or is since now, leaves nothing of the page that asked."""
    if not request.user.is_support:
        return answers.answer(request, answers.not_support())
    access = request.gate.access
    is_open = access is not None and access.open
    changed = {"under-grant": not is_open, "standing": is_open}
    if changed.get(request.headers.get("HX-Target", "")):
        return HttpResponseClientRedirect(reverse("orders:support"))
    return _page(request, LinkForm())


@apart_from_support
@staff
@sensitive_post_parameters()
@never_cache
@require_POST
def ask(request: Request) -> HttpResponse:
    """Uses the link, in a session whose secret is new from here on."""
    if not request.user.is_support:
        return answers.answer(request, answers.not_support())
    if request.gate.missing:
        return answers.answer(request, answers.not_accepted(request.gate.missing))
    form = LinkForm(request.POST)
    if form.is_valid() and _let_ask(request, form):
        return redirect("orders:support")
    return _page(request, form, status=422)


def _let_ask(request: Request, form: LinkForm) -> bool:
    """Whether the link was used; the form says why it was not."""
    another = gate.new_secret()
    try:
        if request.gate.access:
            raise grants.OneAtATime
        asked = grants.ask_with_link(form.cleaned_data["code"], another=another)
    except grants.OneAtATime:
        form.add_error(None, _("One company at a time: end the work under the other link first."))
        return False
    if not asked:
        form.add_error(
            "code", _("This link does not open: used, shut, over, or for somebody else.")
        )
        return False
    request.session.go_on_as(another)
    return True


@apart_from_support
@staff
@require_POST
def end(request: Request) -> HttpResponse:
    """Gives the company back, and goes on in a session whose secret is new."""
    another = gate.new_secret()
    if grants.end(another=another):
        messages.success(request, _("The work under the link is ended."))
    request.session.go_on_as(another)
    return redirect("orders:support")


@apart_from_support
@staff
@require_POST
def end_elsewhere(request: Request) -> HttpResponse:
    """Ends what the same person has in hand in another browser."""
    if grants.end_elsewhere():
        messages.success(request, _("The work under the link is ended."))
    return redirect("orders:support")


def _page(request: Request, form: LinkForm, *, status: int = 200) -> HttpResponse:
    access = request.gate.access
    shown = {
        "form": form,
        "access": access,
        "over": request.gate.over,
        "elsewhere": None if access else grants.elsewhere(),
        "shown": access and access_forms.labelled(FIELDS, access.fields),
        "moves": access and access_forms.labelled(access_forms.MOVES, access.moves),
    }
    return render(request, "orders/access/support.html", shown, status=status)
