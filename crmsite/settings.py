"""Every setting, read from the environment. Production's secrets have no default: without them the
start stops, and says which are missing."""

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from crmsite import databases, development, embedded, masterkeys

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# Where it runs: a developer's machine or a server, its data folder, its port.

DEVELOPMENT = env.bool("DEBUG", default=False)
DEBUG = False  # Django's own: pages that show the code in place of ours, and every query kept
VAR = embedded.data_folder()
PORT = env.int("PORT", default=8000)

# What a server must be told.

TO_BE_GIVEN = {
    "SECRET_KEY": "50 random characters that sign tokens: openssl rand -base64 48",
    "MASTER_KEY": "32 bytes in base64 that wrap the companies' keys: openssl rand -base64 32",
    "ALLOWED_HOSTS": "the names this site is served under, separated by commas",
}
_defaults = development.defaults(VAR) if DEVELOPMENT else {}
_given = {name: env.str(name, default=_defaults.get(name, "")) for name in TO_BE_GIVEN}
if _missing := [name for name, value in _given.items() if not value]:
    raise ImproperlyConfigured(
        "The environment lacks:\n"
        + "\n".join(f"  {name}: {TO_BE_GIVEN[name]}" for name in _missing)
        + "\nOn your own machine DEBUG=1 brings safe values for them."
    )

SECRET_KEY = _given["SECRET_KEY"]
MASTER_KEYS = masterkeys.spelled(_given["MASTER_KEY"])
ALLOWED_HOSTS = [host.strip() for host in _given["ALLOWED_HOSTS"].split(",") if host.strip()]
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "'*' in ALLOWED_HOSTS: a mailed link to a new password would lead wherever its asker says. "
        "Name the hosts."
    )
_host = ALLOWED_HOSTS[0].removeprefix(".")
SITE_URL = f"http://{_host}:{PORT}" if DEVELOPMENT else f"https://{_host}"  # in workers' letters

# The database. The web and the worker are `default`, which owns nothing; `owner` migrates.

EMBEDDED = not env.str("DATABASE_URL", default="")
if EMBEDDED:
    _web_url, _owner_url = embedded.addresses(VAR)
else:
    _web_url, _owner_url = env.str("DATABASE_URL"), env.str("OWNER_DATABASE_URL", default="")

DATABASES = {
    "default": {
        **env.db_url_config(_web_url),
        "ENGINE": "crmsite.postgresql",
        "CONN_MAX_AGE": 0,  # the pool keeps connections, not the threads
        "ATOMIC_REQUESTS": True,  # a savepoint: the transaction is the gate's
        "OPTIONS": {
            "options": databases.OPTIONS,
            "prepare_threshold": 5,  # times, of what asks for it: see accounts.statements
            "pool": {
                "min_size": env.int("DATABASE_POOL_MIN", default=1),
                "max_size": env.int("DATABASE_POOL_MAX", default=8),
                "timeout": 10,  # seconds
            },
        },
    },
}
if _owner_url:
    DATABASES["owner"] = env.db_url_config(_owner_url)
DATABASE_ROUTERS = ["crmsite.databases.OwnerMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
WEB_ROLE = DATABASES["default"]["USER"]

if DEVELOPMENT:
    development.refuse_a_server(ALLOWED_HOSTS, DATABASES["default"]["HOST"])

# What it is made of.

INSTALLED_APPS = [
    "crmsite",
    "orders",
    "policy",
    "accounts",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "procrastinate.contrib.django",
    "csp",
    "django_htmx",
    "template_partials",
    "lucide",
]

MIDDLEWARE = [
    "crmsite.metrics.MetricsMiddleware",
    "crmsite.headers.HeadersMiddleware",
    "policy.middleware.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "accounts.middleware.GateMiddleware",
    "accounts.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "crmsite.pages.PageAboveMiddleware",
    "policy.middleware.PolicyMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",  # after: an ended session has no token to compare
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "crmsite.urls"
WSGI_APPLICATION = "crmsite.wsgi.application"

FORM_RENDERER = "crmsite.jinja.Fields"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.navigation.places",
                "accounts.factors.passkeys",
                "policy.notices.coming",
            ],
            "libraries": {"look": "crmsite.look"},
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates" / "jinja2", Path(forms.__file__).parent / "jinja2"],
        "OPTIONS": {"environment": "crmsite.jinja.environment"},
    },
]

# People and their one cookie.

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/orders/"
LOGOUT_REDIRECT_URL = "/"

SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_NAME = "covenant" if DEVELOPMENT else "__Host-covenant"
SESSION_COOKIE_SECURE = not DEVELOPMENT
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_USE_SESSIONS = True
CSRF_FAILURE_VIEW = "crmsite.views.too_old"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.sign_in_forms.LoginForm",
    "change_password": "accounts.sign_in_forms.ChangePasswordForm",
    "reset_password": "accounts.sign_in_forms.ResetPasswordForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""  # our subjects say who writes
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no mail to strangers whose address somebody typed
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = True
# Attempts are counted by the address that the outermost trusted proxy saw. What a client itself
# writes into X-Forwarded-For stands further to the left, and is not believed.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0 if DEVELOPMENT else 1)
ACCOUNT_RATE_LIMITS = {
    "login": "100/m/ip",  # a call centre begins its shift behind one address
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
}
MFA_ADAPTER = "accounts.factors.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "accounts.factor_forms.AuthenticateForm",
    "authenticate_webauthn": "accounts.factor_forms.PasskeyForm",
    "activate_totp": "accounts.factor_forms.ActivateTOTPForm",
    "add_webauthn": "accounts.factor_forms.AddPasskeyForm",
    "login_webauthn": "accounts.factor_forms.PasskeySignInForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_REAUTHENTICATION_REQUIRED = False  # accounts.views_factors asks, of the pass
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Covenant"
MFA_TOTP_TOLERANCE = 1  # a step of 30 seconds before and after: clocks differ

# What the browser is told.

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = not DEVELOPMENT
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]  # probes on the machine itself
SECURE_HSTS_SECONDS = 0 if DEVELOPMENT else 365 * 24 * 3600  # what startup asks for
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEVELOPMENT
SECURE_HSTS_PRELOAD = False

# Files: ours are served by whitenoise; those people upload stay in memory.

STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_ROOT = BASE_DIR / "static" / "root"  # what programs look for at the site's root
_storage = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if DEVELOPMENT
    else "whitenoise.storage.CompressedManifestStaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": _storage},
}
WHITENOISE_USE_FINDERS = DEVELOPMENT
WHITENOISE_AUTOREFRESH = DEVELOPMENT
MEBIBYTE = 1024 * 1024
FILE_UPLOAD_HANDLERS = ["orders.uploads.BoundedUpload"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 26 * MEBIBYTE
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * MEBIBYTE
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

# Words, times, mail, memory.

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ru", _("Russian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "crmsite.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

if DEVELOPMENT and not env.str("EMAIL_URL", default=""):
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = development.mail_folder(VAR)
else:
    vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="")  # to which access links may be mailed
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Covenant <covenant@localhost>")

CACHES = {
    "default": {"BACKEND": "accounts.attempts.AttemptCache"},  # for nothing but attempts
    "template_fragments": {  # of each process; no order and no buyer is in any
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "fragments",
        "OPTIONS": {"MAX_ENTRIES": 2_000},
    },
}

API_REQUESTS_A_MINUTE = env.int("API_REQUESTS_A_MINUTE", default=300)  # of one key

# For who tries webhooks on his own machine: a server of ours calls public addresses alone.
WEBHOOKS_TO_LOOPBACK = DEVELOPMENT and env.bool("WEBHOOKS_TO_LOOPBACK", default=False)

# What is counted: /metrics answers whoever has the token, and nobody where there is none.

METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# What is written down: events as JSON, never a body, a query string or a parameter.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "crmsite.logs.formatter", "with_messages": DEVELOPMENT}},
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "json",
        }
    },
    "root": {"handlers": ["stdout"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "propagate": True, "level": "INFO"},
        "django.db.backends": {"level": "WARNING"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},  # scanners, all day
        "django.server": {"handlers": [], "level": "CRITICAL"},  # runserver's, with whole paths
        "procrastinate": {"level": "WARNING"},
    },
}
LOGGING_CONFIG = "logging.config.dictConfig"
