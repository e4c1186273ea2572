"""All addresses: each app brings its own."""

from django.urls import include, path

from crmsite.views import healthz, landing

urlpatterns = [
    path("", landing, name="landing"),
    path("healthz", healthz, name="healthz"),
    path("", include("accounts.urls")),
    path("", include("policy.urls")),
    path("", include("orders.urls")),
]
