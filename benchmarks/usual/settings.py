"""The site's settings with Django's own sessions, and without gate and policies."""

import environ

from crmsite.settings import *  # noqa: F403
from crmsite.settings import CACHES as OUR_CACHES
from crmsite.settings import DATABASES as OURS
from crmsite.settings import INSTALLED_APPS as OUR_APPS
from crmsite.settings import VAR

DUMMY = "django.core.cache.backends.dummy.DummyCache"
DATABASES = {
    "default": {
        **environ.Env().db_url("USUAL_DATABASE_URL"),
        "ENGINE": OURS["default"]["ENGINE"],
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": OURS["default"]["OPTIONS"],
    }
}
CACHES = {**OUR_CACHES, "template_fragments": {"BACKEND": DUMMY}}  # a template as it is
DATABASE_ROUTERS: list[str] = []
INSTALLED_APPS = [*OUR_APPS, "django.contrib.sessions", "benchmarks.usual"]
MIGRATION_MODULES = {  # tables straight from the models: none of the row rules
    name.rpartition(".")[2]: None for name in INSTALLED_APPS if "procrastinate" not in name
}
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "benchmarks.usual.views.MemberMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "benchmarks.usual.urls"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "sessionid"
STATIC_ROOT = VAR / "static"
