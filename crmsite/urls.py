"""All addresses: each app brings its own."""

import importlib.util

from django.urls import include, path

from crmsite.views import healthz, landing

urlpatterns = [
    path("", landing, name="landing"),
    path("healthz", healthz, name="healthz"),
    *(
        path("", include(f"{app}.urls"))
        for app in ("accounts", "policy", "orders")
        if importlib.util.find_spec(f"{app}.urls")  # TEMPORARY
    ),
]
