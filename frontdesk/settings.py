"""Settings of every environment, read from environment variables (see .env.example).

FRONTDESK_MODE is `production` (the default, the strictest), `demo` or `test`. Production refuses to
start with DEBUG, a default secret, plain http or missing keys: see `frontdesk.checks`.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

FRONTDESK_MODE = os.environ.get("FRONTDESK_MODE", "production")
if FRONTDESK_MODE not in {"production", "demo", "test"}:
    raise ImproperlyConfigured("FRONTDESK_MODE is production, demo or test.")
PRODUCTION = FRONTDESK_MODE == "production"


def required(name: str) -> str:
    """The value of an environment variable without which nothing may start."""
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"The environment variable {name} is missing: see .env.example.")
    return value


def database(url: str) -> dict[str, Any]:
    """Django's settings for a postgres:// address; sslmode and the like come from its query."""
    parts = urlsplit(url)
    options: dict[str, Any] = {}
    for pair in filter(None, parts.query.split("&")):
        key, _, value = pair.partition("=")
        options[key] = unquote(value)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        # Set LOCAL to a transaction by the gate: a pooled connection carries nothing to its next borrower.
        "CONN_MAX_AGE": 0,
    }


DEBUG = os.environ.get("DEBUG", "") == "1"
SECRET_KEY = required("SECRET_KEY")
SECRET_KEY_FALLBACKS = list(filter(None, os.environ.get("SECRET_KEY_FALLBACKS", "").split(",")))
PUBLIC_URL = os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = [host for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host] or [
    urlsplit(PUBLIC_URL).hostname or "127.0.0.1",
    *([] if PRODUCTION else ["127.0.0.1", "localhost", "testserver"]),
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

DATABASES = {"default": database(required("DATABASE_URL"))}
# The database keeps the plans of prepared questions (docs/decisions/0013). Off where a pooler that cannot
# carry prepared statements stands between.
KEEP_PLANS = os.environ.get("DATABASE_KEEP_PLANS", "1") == "1"
POOL_SIZE = int(os.environ.get("DATABASE_POOL", "8"))
if POOL_SIZE:
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": POOL_SIZE, "timeout": 10}
# The role that looks into many practices at once and may do nothing else; without it each looks by itself.
SWEEP_DATABASE_URL = os.environ.get("SWEEP_DATABASE_URL", "")
DATABASE_APP_ROLE = os.environ.get("DATABASE_APP_ROLE", "frontdesk_app")
REDIS_URL = required("REDIS_URL")

# SECURITY.md F1 and F2: the first key encrypts, all of them decrypt.
FIELD_KEYS = required("FIELD_KEYS")
BLIND_INDEX_KEY = required("BLIND_INDEX_KEY")

INSTALLED_APPS = [
    "frontdesk",
    "scheduling",
    "referrals",
    "insurance",
    "messaging",
    "patients",
    "practices",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "django_htmx",
    "template_partials",
    "django_structlog",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "csp",
    "anymail",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "practices.headers.PrivateHeaders",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "practices.idle.IdleSignOut",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]

ROOT_URLCONF = "frontdesk.urls"
WSGI_APPLICATION = "frontdesk.wsgi.application"
ASGI_APPLICATION = "frontdesk.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "frontdesk.shell.context",
            ],
            "builtins": ["practices.templatetags.desk"],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
        },
    }
]

# People and sign-in (allauth): by e-mail, no public registration, staff are invited by a manager.
AUTH_USER_MODEL = "practices.User"
AUTHENTICATION_BACKENDS = ["practices.sessions.SignedIn"]
ACCOUNT_ADAPTER = "practices.accounts.InvitedOnly"
ACCOUNT_FORMS = {"login": "practices.signin.SignInForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
IDLE_SIGN_OUT_SECONDS = int(os.environ.get("IDLE_SIGN_OUT_SECONDS", "900"))
SESSION_ENGINE = "practices.sessions"
SESSION_ABSOLUTE_SECONDS = 12 * 3600
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_SECONDS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"

# Transport and headers (SECURITY.md F6, F7). The demo on loopback has no TLS.
# Under `no-referrer` browsers send `Origin: null` with our own forms, which the CSRF check refuses. No other
# site learns an address either way; the patient's page sets `no-referrer` itself (SECURITY.md C5).
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "object-src": ["'none'"],
        "img-src": ["'self'", "data:"],
    }
}

# Time and language. Instants are stored in UTC; each practice has a zone of its own.
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static-root"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
# A style sheet that was edited is served as it is now; production collects its files once.
WHITENOISE_AUTOREFRESH = FRONTDESK_MODE == "demo"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

# Celery carries wake-ups; rows decide what is due. Nothing about a patient in arguments or results.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONSUMER = "frontdesk.wakeups:LastingConsumer"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 1,
    "socket_timeout": 10,
}
# A booking never waits for a broker that is away: one attempt, then the sweep carries it.
CELERY_TASK_PUBLISH_RETRY = False

# Suppliers.
TWILIO_BASE_URL = os.environ.get("TWILIO_BASE_URL", "")
TWILIO_ACCOUNT_SID = os.environ.get("TWILIO_ACCOUNT_SID", "")
TWILIO_AUTH_TOKEN = os.environ.get("TWILIO_AUTH_TOKEN", "")
TWILIO_TIMEOUT_SECONDS = float(os.environ.get("TWILIO_TIMEOUT_SECONDS", "10"))
# Where the supplier sends us for pictures that came with a text; no other host is asked for one.
TWILIO_MEDIA_HOSTS = os.environ.get("TWILIO_MEDIA_HOSTS", "mms.twiliocdn.com,media.twiliocdn.com").split(",")
# The virus scanner (clamd), host:port or the path of its socket; without one attachments stay in quarantine.
CLAMD_ADDRESS = os.environ.get("CLAMD_ADDRESS", "")
# Mail in (manage.py receive_mail): where it listens, and the relays that may deliver there, as networks.
MAIL_LISTEN = os.environ.get("MAIL_LISTEN", "127.0.0.1:8025")
MAIL_RELAYS = list(filter(None, os.environ.get("MAIL_RELAYS", "127.0.0.1/32,::1/128").split(",")))
# How long a worker holds a message; how long an uncertain send rests before the supplier is asked; the
# first pause after a send that was not processed.
DELIVERY_LEASE_SECONDS = float(os.environ.get("DELIVERY_LEASE_SECONDS", "90"))
DELIVERY_GRACE_SECONDS = float(os.environ.get("DELIVERY_GRACE_SECONDS", "60"))
DELIVERY_BACKOFF_SECONDS = float(os.environ.get("DELIVERY_BACKOFF_SECONDS", "2"))
EMAIL_BACKEND = os.environ.get("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST = os.environ.get("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("EMAIL_USE_TLS", "") == "1"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "desk@frontdesk.example")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# The one inversion of the stack (ARCHITECTURE rule 9): first handler that claims the reply wins.
# An answer to an offer of the waitlist is looked for first: it is the narrower question.
REPLY_HANDLERS = ["scheduling.offer_answers.handle_reply", "scheduling.answers.handle_reply"]

# The day of a patient's last visit, a fact to verify a caller by: messaging asks, scheduling knows.
LAST_VISIT_DAY = "scheduling.seen.last_visit_day"

# Before two records of one patient become one: apps with one row a patient join theirs.
RECORD_JOINERS = ["messaging.joining.join_threads"]

# What follows when a practice changes its time zone: practices says so, scheduling moves what was booked.
CLOCK_FOLLOWERS = ["scheduling.rezoning.follow_clock"]

# Panels that higher apps put on a patient's record, by URL name; a name that is not mounted is left out.
PATIENT_PANELS = ["patient-visits", "patient-follow-ups", "patient-waiting", "patient-messages"]
# The same beside a conversation, and below its last message, by the conversation's id.
THREAD_PANELS = ["thread-context"]
THREAD_OFFERS = ["thread-suggestion"]

# Whom a broadcast may go to: key → messaging.broadcasts.Audience.
AUDIENCES = "scheduling.audiences.AUDIENCES"

# Protections that tests switch off to see the test fail. Production refuses any (frontdesk.checks).
SWITCHED_OFF: frozenset[str] = frozenset()

PHONENUMBER_DEFAULT_REGION = "US"
PHONENUMBER_DB_FORMAT = "E164"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["practices.apikeys.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["practices.apikeys.AdmittedOnly"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "practices.problems.exception_handler",
    "DEFAULT_PAGINATION_CLASS": None,
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Front Desk API",
    "DESCRIPTION": "The desk of a practice: patients, times and appointments. The same verbs as the pages.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],  # it describes the doors and opens none
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1/p/[^/]+",
    # Fields of one name and different choices get names of their own.
    "ENUM_NAME_OVERRIDES": {
        "ChannelEnum": "patients.models.Channel",
        "WrittenChannelEnum": "patients.api.WRITTEN_CHANNELS",
        "RoleEnum": "practices.models.Role",
        "ThreadStateEnum": "messaging.models.Conversation.State",
        "RecordingStateEnum": "messaging.models.Recording.State",
        "ThreadUrgencyEnum": "messaging.api_shapes.URGENCY_NAMES",
        "KindEnum": "messaging.models.StaffMessage.Kind",
        "DiaryChangeKindEnum": "scheduling.changed.KINDS",
        "OutCaseStateEnum": "scheduling.models.OutCase.State",
        "TimeRequestStateEnum": "scheduling.models.TimeRequest.State",
        "TimeRequestPlanEnum": "scheduling.models.TimeRequest.Plan",
        "CancellationReasonEnum": "scheduling.models.CancellationReason",
        "StaffMessageUrgencyEnum": "messaging.models.StaffMessage.Urgency",
    },
}

# Logs hold ids and outcomes, never a patient (SECURITY.md F4): see practices.logs.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"scrub": {"()": "practices.logs.ScrubPaths"}},
    "formatters": {
        "plain": {
            "()": "practices.logs.Quiet",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["scrub"]},
    },
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {
        # SQL with its values, at DEBUG, would hold what a person typed.
        "django.db.backends": {"level": "INFO"},
        "django.template": {"level": "INFO"},
        "twilio.http_client": {"level": "WARNING"},
        "urllib3": {"level": "INFO"},
    },
}
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
