"""Every setting of the site. What differs between machines comes from the environment or `.env`; `.env.example` lists it."""

import re
import sys
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from itsci_site.lib import localdb

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


REFUSED: list[str] = []
"""What is wrong with settings, in `manage.py check_install` alone: it serves nothing, and tells all of it at once."""


def refuse(told: str, because: Exception | None = None) -> None:
    """Raises ImproperlyConfigured, but where all that is wrong is wanted."""
    if sys.argv[1:2] != ["check_install"]:
        raise ImproperlyConfigured(told) from because
    REFUSED.append(told)


def required(name: str, why: str) -> str:
    """The value of a setting that has no safe default; it is refused, with its name, when it is missing or empty."""
    value = env.str(name, default="").strip()
    if not value:
        refuse(f"{name} is not set. {why} Put it into the environment or into .env (see .env.example).")
    return value


def number(name: str, default: int) -> int:
    try:
        return env.int(name, default=default)
    except ValueError as error:
        refuse(f"{name} is no whole number. It stands for milliseconds, {default} if it is left out.", error)
    return default


DEBUG = env.bool("DEBUG", default=False)

if DEBUG:
    SECRET_KEY = env.str("SECRET_KEY", default="for-development-only-never-for-a-public-site")
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
else:
    SECRET_KEY = required("SECRET_KEY", "It signs sessions: a random text of at least 50 characters.") or "refused"
    required("ALLOWED_HOSTS", "The names this site answers to, with commas between them.")
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])

# On for any site that visitors reach. `make run` turns it off in .env: a browser on this machine speaks plain HTTP to it.
HTTPS = env.bool("HTTPS", default=True)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked over plain HTTP from this machine
SESSION_ENGINE = "itsci_site.sessions"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 30 * 60  # seconds without a request to the admin (middleware.rolling_session)
SESSION_LONGEST_AGE = 12 * 60 * 60  # seconds from the password on, whatever is asked for meanwhile
CSRF_COOKIE_SECURE = HTTPS
# With this name browsers take a cookie over HTTPS alone, and from this very host: no other one of the domain can plant it.
COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid", f"{COOKIE_PREFIX}csrftoken"
CSRF_COOKIE_HTTPONLY = True  # forms carry the token; no script reads it
MESSAGE_STORAGE = "itsci_site.notes.Notes"
CSRF_FAILURE_VIEW = "itsci_site.sign_in_views.csrf_failure"
SECURE_HSTS_SECONDS = 63_072_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
# Set only behind a proxy that overwrites X-Forwarded-Proto and ends X-Forwarded-For; otherwise a visitor could claim
# HTTPS, and the address of somebody else.
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Where the site stands, like https://example.org: what addresses in full begin with. Unset: with the host that was asked.
SITE_URL = env.str("SITE_URL", default="")
SITE_URL = SITE_URL.rstrip("/")
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "modeltranslation",  # before the admin, as it asks
    "itsci_site.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.sitemaps",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "itsci_site",  # after the second factor's apps: its admin takes theirs away, which would show secrets
    "itsci_site.lib.newsroom",
    "regions",
    "testimonials",
    "meetings",
    "programmes",
]

MIDDLEWARE = [
    "itsci_site.asked.Identified",  # outermost, so that whatever is logged names its request
    # What sets headers (headers.FIRST) stands outside of what redirects, so that redirects and errors carry them, too.
    "itsci_site.headers.HeadersOfSecurity",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "itsci_site.middleware.resource_policy",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "itsci_site.middleware.without_trace",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "itsci_site.away.without_database",
    "itsci_site.middleware.one_origin",
    "itsci_site.middleware.next_versions",
    "itsci_site.middleware.KeptPages",
    "itsci_site.middleware.admin_policy",
    "itsci_site.middleware.language_from_path",
    "itsci_site.readable.utf8_without_nul",  # before a session is asked for
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "itsci_site.middleware.rolling_session",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
    "itsci_site.readable.AdminInput",
]

# Numbers for Prometheus at /metrics, for whoever knows this word; needs the extra "watch". Empty: there is no such address.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="").strip()
if METRICS_TOKEN:
    MIDDLEWARE.insert(MIDDLEWARE.index("django.middleware.security.SecurityMiddleware"), "itsci_site.metrics.measured")

# No script, no frame, nothing from another host. The admin adds its own scripts (middleware.admin_policy).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        "accelerometer", "autoplay", "camera", "display-capture", "fullscreen", "geolocation", "gyroscope", "magnetometer",
        "microphone", "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "usb", "xr-spatial-tracking",
    )
}  # fmt: skip

ROOT_URLCONF = "itsci_site.urls"
WSGI_APPLICATION = "itsci_site.wsgi.application"

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
                "itsci_site.context_processors.site",
            ],
            "builtins": ["itsci_site.templatetags.words"],
        },
    },
]


NO_DATABASE = {"ENGINE": "django.db.backends.postgresql", "NAME": "refused"}


def database(name: str, url: str) -> dict:
    """A Postgres: the model rules are its constraints and triggers. An empty `url` means the project's own server."""
    if not url:
        return localdb.database(BASE_DIR / ".local" / "postgres")
    if not url.startswith(("postgres://", "postgresql://", "postgis://", "pgsql://")):
        scheme = url.partition(":")[0]
        refuse(
            f"{name} starts with {scheme}:, but this site needs Postgres 15 or newer (SQLite is not supported). "
            "Give postgresql://user:password@host:5432/name, or leave it unset to use the project's own local Postgres."
        )
        return NO_DATABASE
    try:
        entry = env.db_url_config(url)
    except ValueError as error:  # a port that is no number, a bracket too many; the text must not show the password
        refuse(f"{name} cannot be read: give postgresql://user:password@host:5432/name.", error)
        return NO_DATABASE
    # In seconds, for a host that is silent: libpq by itself would wait for minutes.
    options = {"connect_timeout": 2} | entry.get("OPTIONS", {})
    fixed = {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    return entry | fixed | {"OPTIONS": options}


DATABASES = {"default": database("DATABASE_URL", env.str("DATABASE_URL", default="").strip())}
# Public pages read a streaming replica where this names one (docs/scale.md); the admin does not.
if replica := env.str("DATABASE_REPLICA_URL", default="").strip():
    DATABASES["replica"] = database("DATABASE_REPLICA_URL", replica)
    DATABASE_ROUTERS = ["itsci_site.lib.replica.Router"]
# Public pages read under this role of the database where it is there (docs/public-role.md). Empty: never.
PUBLIC_DB_ROLE = env.str("PUBLIC_DB_ROLE", default="itsci_public")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

PASSWORD_LENGTH = 12
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": PASSWORD_LENGTH}},
    {"NAME": "itsci_site.passwords.WithoutNames", "OPTIONS": {"least": PASSWORD_LENGTH}},
    {"NAME": "itsci_site.passwords.NotLeaked"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
PASSWORD_RESET_TIMEOUT = 60 * 60  # seconds that a link to a new password is good for

# The second factor (second_factor.py). After the n-th wrong code in a row the next one waits for 2^(n-1) seconds.
OTP_TOTP_ISSUER = "Scaling Up ITSCI"
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 1

# Wrong passwords lock an account for an address (lockout.py); what that needs is kept, and no log of who came when.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the moment that the page names stays true
AXES_HANDLER = "itsci_site.lockout.Attempts"
AXES_CLIENT_IP_CALLABLE = "itsci_site.lockout.client_address"
AXES_LOCKOUT_CALLABLE = "itsci_site.lockout.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# English at /, French at /fr/. Every content field has a column a language; English is the fallback and the original.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
MODELTRANSLATION_DEFAULT_LANGUAGE = "en"
MODELTRANSLATION_FALLBACK_LANGUAGES = ("en",)
LOCALE_PATHS = [BASE_DIR / "locale"]
# A language without a module of formats has its numbers and days as English does.
FORMAT_MODULE_PATH = "itsci_site.formats"
USE_THOUSAND_SEPARATOR = True
THOUSAND_SEPARATOR, NUMBER_GROUPING, DATE_FORMAT = ",", 3, "j F Y"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_ALLOW_ALL_ORIGINS = False  # other sites may read the open data, and nothing else
MEDIA_ROOT = env.path("MEDIA_ROOT", default=str(BASE_DIR / "media"))()
# What left the public, by number; `restore` applies it. Better on another disk than the database (docs/operations.md).
LEDGER = env.path("LEDGER", default=str(BASE_DIR / ".local" / "ledger"))()
# The offline packs; made by the site itself, they can be deleted at any time.
OFFLINE_ROOT = env.path("OFFLINE_ROOT", default=str(BASE_DIR / ".local" / "offline"))()
# The last good copy of every public address, without a word of anybody's: given while the database does not answer.
LAST_GOOD_ROOT = env.path("LAST_GOOD_ROOT", default=str(BASE_DIR / ".local" / "last-good"))()


def object_store(address: str) -> dict:
    """The bucket that keeps uploaded files, as options of its storage; empty for MEDIA_ROOT. No key is ever part of it."""
    if not address:
        return {}
    form = r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([\w/-]*))?(?:\?(.*))?"
    kinds = {"endpoint": r"https?://(?:[\w.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?/?", "region": r"[a-z0-9-]+"}
    found = re.fullmatch(form, address, re.ASCII)
    more = parse_qsl(found[3] or "", keep_blank_values=True) if found else []
    if not found or len(dict(more)) < len(more) or not all(re.fullmatch(kinds.get(name, "$."), value) for name, value in more):
        refuse(
            "MEDIA_S3 cannot be read: give s3://bucket/prefix?endpoint=https://host:port&region=name, the keys as "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or leave it unset to keep files in MEDIA_ROOT."
        )
        return {}
    if not find_spec("boto3") or not find_spec("storages"):
        refuse(
            "MEDIA_S3 is set, but the packages it needs are not installed. "
            "Run pip install --require-hashes -r requirements-s3.lock, or leave MEDIA_S3 unset."
        )
        return {}
    where = dict(more)
    return {
        "bucket_name": found[1], "location": (found[2] or "").strip("/"), "endpoint_url": where.get("endpoint"),
        "region_name": where.get("region"),
    }  # fmt: skip


# Uploaded files in an S3-compatible store instead, which several machines can share; needs the extra "s3" (docs/scale.md).
MEDIA_S3 = object_store(env.str("MEDIA_S3", default="").strip())
STORAGES = {
    "default": {"BACKEND": "itsci_site.object_store.ObjectStore", "OPTIONS": MEDIA_S3}
    if MEDIA_S3
    else {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "itsci_site.storage.OneStylesheetStorage", "OPTIONS": {"file_permissions_mode": 0o644}},
}
# Pages kept ready in each process (lib/pagecache.py): how many, how many bytes of them, and how a process knows that content
# changed: "ask" the database on each request, or "listen" for it, which costs less and can be late by a second.
PAGE_CACHE = {
    "pages": 2_000,
    "bytes": env.int("PAGE_CACHE_MB", default=0 if DEBUG else 16) * 2**20,
    "version": env.str("PAGE_CACHE_VERSION", default="ask"),
}
if PAGE_CACHE["version"] not in ("ask", "listen"):
    refuse("PAGE_CACHE_VERSION is neither ask nor listen. Give one of them, or leave it out.")
# Seconds that a CDN may give a page without asking; pages with people's words never. 0: it always asks.
SHARED_CACHE_SECONDS = env.int("SHARED_CACHE_SECONDS", default=0)
# A cache before the site that takes `PURGE <address>`, like http://127.0.0.1:6081: told of each address whose page has changed.
PURGE_URL = env.str("PURGE_URL", default="")
PURGE_URL = PURGE_URL.strip().rstrip("/")
if PURGE_URL and not PURGE_URL.startswith(("http://", "https://")):
    refuse("PURGE_URL is no address. Give scheme and host, like http://127.0.0.1:6081, or leave it out.")
# Printed on the accessibility page, for readers who meet a barrier, and in security.txt. Empty: none is given.
CONTACT_EMAIL = env.str("CONTACT_EMAIL", default="")


def mail() -> dict:
    """How e-mail leaves: EMAIL_URL as Django's settings. Unset, it is printed, so that a site of one's own needs no server."""
    try:
        found = env.email_url("EMAIL_URL", default="consolemail://")
    except (ImproperlyConfigured, ValueError) as error:  # its text could show the password
        refuse("EMAIL_URL cannot be read: give smtp+tls://user:password@host:587, or leave it unset to print mail.", error)
        return {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend"}
    if found["EMAIL_HOST"]:
        found["DEFAULT_FROM_EMAIL"] = required(
            "EMAIL_FROM", "Mail comes from it: an address that the server in EMAIL_URL sends for."
        )
    return {name: value for name, value in found.items() if name != "OPTIONS"} | {"EMAIL_TIMEOUT": 10}


globals().update(mail())
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
# A table of readings that staff upload: how large it may be, and what the interpreter that reads it may take (lib/child.py):
# the largest good ones take 3 s of the processor, and whoever waits has a word within 5 s (docs/reliability.md).
UPLOADED_TABLE = {"bytes": 2 * 2**20, "rows": 10_000, "columns": 40, "unpacked": 64 * 2**20, "ratio": 200}
UPLOADED_TABLE_READER: dict[str, Any] = {"memory": 256 * 2**20, "cpu": 4, "wall": 4.4, "answer": 8 * 2**20}
# A photo or a document: the same interpreter, with an answer that has room for the file.
UPLOADED_FILE_READER = UPLOADED_TABLE_READER | {"cpu": 3, "wall": 3.5, "answer": 16 * 2**20}
FILE_UPLOAD_PERMISSIONS = 0o640

# Noted in the log from so many milliseconds on; 0 notes none.
SLOW_REQUEST_MS = number("SLOW_REQUEST_MS", 2000)
SLOW_QUERY_MS = number("SLOW_QUERY_MS", 500)
LOG_FORMAT = env.str("LOG_FORMAT", default="plain")
if LOG_FORMAT not in ("plain", "json"):
    refuse("LOG_FORMAT is neither plain nor json. Give one of them, or leave it out.")
    LOG_FORMAT = "plain"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"brief": {"()": "django.utils.log.CallbackFilter", "callback": "ext://itsci_site.lib.logs.brief"}},
    "formatters": {"plain": {"()": "itsci_site.lib.logs.Plain"}, "json": {"()": "itsci_site.lib.logs.Json"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["brief"],
            "formatter": LOG_FORMAT,
            "stream": "ext://sys.stdout" if LOG_FORMAT == "json" else "ext://sys.stderr",
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {"axes": {"level": "ERROR"}},  # below that it names accounts and addresses
}
# Errors are sent there, without a word about people; needs the extra "watch". Empty: nothing is sent.
SENTRY_DSN = env.str("SENTRY_DSN", default="").strip()
