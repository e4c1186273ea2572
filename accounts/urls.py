"""Addresses of people: signing in (allauth's names), invitations, companies and their people."""

from allauth.account import views as sign_in
from allauth.mfa.base.views import authenticate
from allauth.mfa.webauthn.views import login_webauthn
from django.urls import include, path, re_path

from accounts import views, views_factors, views_invitation, views_keys, views_people
from accounts.guard import View, apart_from_support, closed_to_support, public, signed_in


def apart(view: View) -> View:
    """A sign-in's own page: open to everybody, and nothing of a company's."""
    return apart_from_support(public(view))


ours = [
    path("company/choose/", views.choose_company, name="choose_company"),
    path("account/", views.account, name="account"),
    path("account/deletion/", views.deletion, name="deletion"),
    path("staff/", views.staff, name="staff"),
    path("invitation/<slug:secret>/", views_invitation.invitation, name="invitation"),
    path("company/", views_people.people, name="people"),
    path("company/invitations/", views_people.invite, name="invite"),
    path(
        "company/invitations/<uuid:invitation_id>/withdrawal/",
        views_people.withdrawal,
        name="withdrawal",
    ),
    path("company/people/<uuid:membership_id>/place/", views_people.place, name="place"),
    path("company/people/<uuid:membership_id>/removal/", views_people.removal, name="removal"),
    path("company/departure/", views_people.departure, name="departure"),
    path("company/teams/", views_people.teams, name="teams"),
    path("company/keys/", views_keys.keys, name="keys"),
    path("company/keys/<uuid:key_id>/revocation/", views_keys.revocation, name="revocation"),
]

urlpatterns = [
    path("login/", apart(sign_in.login), name="account_login"),
    path("logout/", apart(sign_in.logout), name="account_logout"),
    path("login/inactive/", apart(sign_in.account_inactive), name="account_inactive"),
    path("login/factor/", apart(authenticate), name="mfa_authenticate"),
    path("login/passkey/", apart(login_webauthn), name="mfa_login_webauthn"),
    path("login/password/", apart(sign_in.password_reset), name="account_reset_password"),
    path(
        "login/password/sent/",
        apart(sign_in.password_reset_done),
        name="account_reset_password_done",
    ),
    path(
        "login/password/done/",
        apart(sign_in.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^login/password/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[\w-]{1,100})/$",
        views.reset_password,
        name="account_reset_password_from_key",
    ),
    path(
        "password/",
        closed_to_support(signed_in(sign_in.password_change)),
        name="account_change_password",
    ),
    path("account/factors/", views_factors.index, name="mfa_index"),
    path("account/factors/app/", views_factors.add_app, name="mfa_activate_totp"),
    path("account/factors/app/removal/", views_factors.remove_app, name="mfa_deactivate_totp"),
    path("account/factors/passkeys/", views_factors.add_passkey, name="mfa_add_webauthn"),
    path(
        "account/factors/passkeys/<int:number>/removal/",
        views_factors.remove_passkey,
        name="mfa_remove_webauthn",
    ),
    path("account/factors/codes/", views_factors.recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "account/factors/codes/new/",
        views_factors.new_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path("", include((ours, "accounts"))),
]
