"""All settings of Crucible, from the environment, with defaults that run from a clean clone."""

import secrets
import sys
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

VAR_DIR = Path(env.str("CRUCIBLE_VAR", str(BASE_DIR / "var")))
TESTING = "pytest" in sys.modules

# Demo mode prints demo people and lets evidence from the simulated gateway be signed.
DEMO = env.bool("CRUCIBLE_DEMO", False)
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])


def _secret_key() -> str:
    """Return SECRET_KEY, or one made once and kept beside the embedded database."""
    if key := env.str("SECRET_KEY", ""):
        return str(key)
    path = VAR_DIR / "secret_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64))
    return path.read_text()


SECRET_KEY = _secret_key()

INSTALLED_APPS = [
    "crucible.apps.CrucibleConfig",
    "crucible.ledger",
    "crucible.alerts",
    "brokerage",
    "validation",
    "approvals",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "knox",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "crucible.middleware.correlating",
    "csp.middleware.CSPMiddleware",
    "crucible.middleware.NoNulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "crucible.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "crucible.urls"
ASGI_APPLICATION = "crucible.asgi.application"
WSGI_APPLICATION = "crucible.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "crucible.context.product",
            ],
            "builtins": ["crucible.templatetags.crucible"],
        },
    }
]

# IMMEDIATE takes the write lock at BEGIN, so that writers queue instead of failing; FULL because
# a signature that a power cut can lose is no signature.
SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;"
    ),
}
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'crucible.sqlite3'}")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
elif not TESTING:
    # A process that stands still in a transaction would keep its locks, and with them a session
    # from being taken away. PostgreSQL ends such a transaction well before a lease (15 s) is over.
    DATABASES["default"]["OPTIONS"] = {
        "pool": {"min_size": 1, "max_size": 8},
        "options": "-c idle_in_transaction_session_timeout=10s",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Without REDIS_URL the embedded broker of `manage.py demo` listens on a Unix socket.
BROKER_SOCKET = VAR_DIR / "broker.sock"
REDIS_URL = env.str("REDIS_URL", f"redis+socket://{BROKER_SOCKET}")
LIVE_URL = REDIS_URL.replace("redis+socket://", "unix://")

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"validation.tasks.execute_session": {"queue": "gateway"}}
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    # Whoever posts a message must not wait for a broker that is away: the outbox sends it again.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
CELERY_TIMEZONE = "America/New_York"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat")
CELERY_BEAT_SCHEDULE = {
    # It never expires: a worker whose clock is ahead of beat's would throw every round away.
    "sweep": {"task": "validation.tasks.sweep", "schedule": 5.0},
    "probe": {
        "task": "brokerage.tasks.probe_endpoints",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "weekly expiry after the close": {
        "task": "validation.tasks.roll_weekly_expiry",
        "schedule": crontab(hour=16, minute=30, day_of_week="fri"),
    },
    "weekly expiry each morning": {
        "task": "validation.tasks.roll_weekly_expiry",
        "schedule": crontab(hour=8, minute=0, day_of_week="mon-fri"),
    },
    "backup each evening": {
        "task": "validation.tasks.back_up",
        "schedule": crontab(hour=18, minute=30),
    },
    "audit log each night": {
        "task": "validation.tasks.verify_audit",
        "schedule": crontab(hour=2, minute=0),
    },
    "rules of alerts and kill switch": {
        "task": "validation.tasks.judge_rules",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "calendar coverage each week": {
        "task": "validation.tasks.check_calendar",
        "schedule": crontab(hour=6, minute=30, day_of_week="mon"),
    },
    "overdue sign-offs": {"task": "approvals.tasks.remind", "schedule": 300.0},
}

AUTHENTICATION_BACKENDS = ["crucible.login.PatientBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
EXCHANGE_TIME_ZONE = "America/New_York"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
HTTPS = env.bool("CRUCIBLE_HTTPS", False)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 21 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "crucible.rest.StrictJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "crucible.rest.Pages",
    "PAGE_SIZE": 50,
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": "600/min"},
}
REST_KNOX = {"TOKEN_TTL": None, "AUTO_REFRESH": False}
SPECTACULAR_SETTINGS = {
    "TITLE": "Crucible",
    "VERSION": "1",
    "DESCRIPTION": "Prove that a trading bot may go live.",
    "SERVE_INCLUDE_SCHEMA": False,
}

APPROVALS_EVIDENCE = "validation.evidence.load"
RUN_BY = "validation.involvement.ran"
BACKUP_DIR = Path(env.str("CRUCIBLE_BACKUPS", str(VAR_DIR / "backups")))
SIGNOFF_CUTOFF_HOUR_ET = env.int("SIGNOFF_CUTOFF_HOUR_ET", 14)
SIGNOFF_DUE_HOUR_ET = env.int("SIGNOFF_DUE_HOUR_ET", 18)
EXPIRY_AUTO_ACTIVATE = env.bool("EXPIRY_AUTO_ACTIVATE", True)
CODE_VERSION = env.str("CRUCIBLE_CODE_VERSION", "")
# Shown beside a gateway that does not answer: does the broker itself have trouble?
BROKER_STATUS_URL = env.str(
    "BROKER_STATUS_URL", "https://www.interactivebrokers.com/en/software/systemStatus.php"
)

# What the help page points to, as JSON: label → address.
REFERENCE_LINKS: dict[str, str] = env.json(
    "REFERENCE_LINKS",
    default={
        "Broker support": "https://www.interactivebrokers.com/en/support/customer-service.php",
        "Gateway documentation": "https://interactivebrokers.github.io/tws-api/initial_setup.html",
        "API reference": "https://www.interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/",
        "Error codes": "https://interactivebrokers.github.io/tws-api/message_codes.html",
        "Pacing of historical data": (
            "https://interactivebrokers.github.io/tws-api/historical_limitations.html"
        ),
        "System status": BROKER_STATUS_URL,
    },
)

# The simulated gateway that `manage.py demo` starts, and that a new installation knows.
DEMO_GATEWAY_HOST = env.str("CRUCIBLE_GATEWAY_HOST", "127.0.0.1")
DEMO_GATEWAY_PORT = env.int("CRUCIBLE_GATEWAY_PORT", 4002)
DEMO_SPEED = env.float("CRUCIBLE_DEMO_SPEED", 4.0)
DEMO_SEED = env.int("CRUCIBLE_DEMO_SEED", 7)

# A management command answers on stdout, so that its log goes to stderr; processes that only log
# do so on stdout. A person at a terminal reads text, everything that collects logs gets JSON.
LOG_STREAM = "stderr" if Path(sys.argv[0]).name == "manage.py" else "stdout"
LOG_FORMAT = env.str("CRUCIBLE_LOG_FORMAT", "text" if getattr(sys, LOG_STREAM).isatty() else "json")
if LOG_FORMAT not in {"json", "text"}:
    raise ImproperlyConfigured(f"CRUCIBLE_LOG_FORMAT: json or text, not {LOG_FORMAT}")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"},
        "json": {"()": "crucible.json_lines.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "stream": f"ext://sys.{LOG_STREAM}",
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        # The lines of sessions are on their pages; a terminal shows a run's progress instead.
        "session": {"level": "NOTSET" if LOG_FORMAT == "json" else "CRITICAL"},
        # The web server's own handlers would write text; requests have a line of ours.
        "uvicorn": {"handlers": [], "propagate": True},
        "uvicorn.access": {"handlers": [], "propagate": True, "level": "WARNING"},
        # Django's would write to stderr beside ours when DEBUG is on.
        "django": {"handlers": [], "propagate": True, "level": "INFO"},
    },
}
