"""Signing in is django-allauth's (urls.py); what stands here is what it knows nothing of."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.forms import UserTokenForm
from allauth.account.utils import get_next_redirect_url
from allauth.decorators import rate_limit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe

from accounts import gate, grants, guard
from accounts.forms import CompanyForm, PasswordAgainForm
from accounts.guard import apart_from_support, closed_to_support, public, signed_in
from accounts.models import LastOwner, Membership
from accounts.requests import GET_OR_POST, Request
from accounts.sign_in_forms import ResetPasswordKeyForm


def unseen(response: HttpResponse) -> HttpResponse:
    """For pages whose address is a secret: no other site, and no other page, learns it.

    Not "no-referrer": under it browsers post the page's own form as `Origin: null`, which the
    CSRF check refuses.
    """
    response.headers["Referrer-Policy"] = "strict-origin"
    return response


@apart_from_support
@public
@sensitive_post_parameters()
@never_cache
@GET_OR_POST
@rate_limit(action="reset_password_from_key")
def reset_password(request: Request, uidb36: str, key: str) -> HttpResponse:
    """allauth's own view takes the key through the session on its way to the form, and so through
    the database. Here it stays in the address: a thief of the database finds no key."""
    template = "account/password_reset_from_key.html"
    token = UserTokenForm({"uidb36": uidb36, "key": key})
    if not token.is_valid():
        return unseen(render(request, template, {"token_fail": True}, status=410))
    form = ResetPasswordKeyForm(request.POST or None, user=token.reset_user, temp_key=key)
    if not form.is_valid():
        return unseen(render(request, template, {"form": form, "action_url": request.path}))
    form.save()
    get_adapter().logout(request)
    return redirect("account_reset_password_from_key_done")


@closed_to_support
@signed_in
@GET_OR_POST
def choose_company(request: Request) -> HttpResponse:
    """Where to work from now on, or what to do for whoever works nowhere."""
    memberships = list(
        Membership.objects.living()
        .filter(user_id=request.gate.user_id)
        .select_related("company")
        .order_by("company__name")
    )
    if not memberships and request.user.is_staff:
        return redirect("accounts:staff")
    form = CompanyForm(request.POST or None, memberships=memberships)
    if form.is_valid() and gate.choose_company(form.cleaned_data["membership"].company_id):
        return redirect(get_next_redirect_url(request) or settings.LOGIN_REDIRECT_URL)
    if form.is_bound:
        messages.error(request, _("You do not work in that company, or not any more."))
    return render(
        request,
        "accounts/choose_company.html",
        {
            "memberships": [_choice(each, request.gate) for each in memberships],
            "next": get_next_redirect_url(request),
        },
    )


def _choice(membership: Membership, entry: gate.Entry) -> dict[str, object]:
    return {
        "id": membership.id,
        "company": membership.company,
        "role_label": membership.get_role_display(),
        "current": membership.company_id == entry.company_id,
    }


@apart_from_support
@guard.staff
def staff(request: Request) -> HttpResponse:
    """What support and operators can do, who work in no company."""
    if not request.user.is_staff:
        return redirect("accounts:choose_company")
    return render(request, "accounts/staff.html")


@closed_to_support
@signed_in
@require_safe
def account(request: Request) -> HttpResponse:
    """One's own account: what there is to set and, for whoever may let support in and has accepted
    what is in force, when support last looked into it (clause T4)."""
    lets_in = request.gate.may("access.grant") and not request.gate.missing
    shown = {"lets_in": lets_in, "last_opened": grants.last_opened() if lets_in else None}
    return render(request, "accounts/account.html", shown)


@closed_to_support
@signed_in
@sensitive_post_parameters()
@never_cache
@GET_OR_POST
def deletion(request: Request) -> HttpResponse:
    """Deleting one's account: what it means, the password again, and then nobody is signed in."""
    posted = request.POST if request.method == "POST" else None
    form = PasswordAgainForm(posted, request=request)
    if request.method == "POST" and form.is_valid():
        try:
            request.user.delete_account(by=request.gate)
        except LastOwner:
            form.add_error(None, _("A company keeps an owner: see below what to do first."))
        else:
            logout(request)
            return render(request, "accounts/deleted.html")
    owned = Membership.objects.living().filter(user_id=request.gate.user_id, role="owner")
    context = {"form": form, "owned": owned.select_related("company")}
    status = 422 if form.is_bound else 200
    return render(request, "accounts/deletion.html", context, status=status)
