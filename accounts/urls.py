from allauth.account import views as sign_in
from django.urls import path

from accounts.guard import public

urlpatterns = [
    path("login/", public(sign_in.login), name="account_login"),
    path("logout/", public(sign_in.logout), name="account_logout"),
]
