"""All addresses: each app brings its own."""

from django.urls import include, path

from crmsite.views import figures, healthz, landing

urlpatterns = [
    path("", landing, name="landing"),
    path("healthz", healthz, name="healthz"),
    path("metrics", figures, name="figures"),
    path("", include("accounts.urls")),
    path("", include("policy.urls")),
    path("", include("orders.urls")),
]
