"""Django's settings. What an operator may change comes from the environment: docs/settings.md."""

import os
import secrets
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dj_database_url

from site_config import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent


def _data_dir() -> Path:
    path = BASE_DIR / env.text("DATA_DIR", "var", "Folder of the database file and the secret key")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise env.WrongSetting(f"DATA_DIR is {str(path)!r}, but {error.strerror}") from None
    return path


def _secret_key() -> str:
    """Return SECRET_KEY, else the key kept in the data folder, made on the first run."""
    given = env.text("SECRET_KEY", "", "Signs cookies; made on the first run if it is not given")
    if given:
        return given
    path = DATA_DIR / "secret_key"
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            # Two processes may start at once: the first link wins, both read the same key.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def _time_zone() -> str:
    name = env.text("TIME_ZONE", "UTC", "Time zone in which times and days are shown")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise env.WrongSetting(
            f"TIME_ZONE is {name!r}, but must be a name such as Europe/Berlin"
        ) from None
    return name


def _database() -> dict[str, Any]:
    url = env.address(
        "DATABASE_URL",
        "",
        "`postgres://user:password@host:port/name` or `sqlite:///path`; default: `rooms.sqlite3` "
        "in DATA_DIR",
        ("sqlite", "postgres", "postgresql"),
    )
    try:
        config: dict[str, Any] = dict(
            dj_database_url.parse(url or f"sqlite:///{DATA_DIR / 'rooms.sqlite3'}")
        )
    except (ValueError, dj_database_url.ParseError) as error:
        raise env.WrongSetting(f"DATABASE_URL cannot be read: {error}") from None
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
            # FULL: an acknowledged message survives a power failure. Group commit pays for it.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
        config["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
    else:
        # Every request runs in a thread of its own under ASGI, so connections are pooled.
        pool = {"min_size": 1, "max_size": 20, "timeout": 5}
        config["OPTIONS"] = {
            **config.get("OPTIONS", {}),
            "pool": pool,
            # Somebody's long transaction in one room must not hold up the posts to all others.
            "options": "-c lock_timeout=5s",
            "connect_timeout": 5,
            "tcp_user_timeout": 10_000,
        }
        config["CONN_HEALTH_CHECKS"] = True
    return config


# The house

DATA_DIR = _data_dir()
DEBUG = env.flag("DEBUG", "off", "Show tracebacks in the browser; never on a public server")
SECRET_KEY = _secret_key()
HOST = env.text("HOST", "127.0.0.1", "Address on which `make run` listens")
PORT = env.port("PORT", "8000", "Port on which `make run` listens")
HTTPS = env.flag(
    "HTTPS",
    "off",
    "The site is reached over HTTPS through a proxy that sets `X-Forwarded-Proto`: cookies are "
    "Secure, HSTS is sent (for subdomains too), plain HTTP is redirected",
)
ALLOWED_HOSTS = env.hosts(
    "ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", "Names under which the site may be asked for"
)
if HOST not in {"", "0.0.0.0", "::"}:
    ALLOWED_HOSTS.append(f"[{HOST}]" if ":" in HOST else HOST)
ALLOWED_ORIGINS = env.origins(
    "ALLOWED_ORIGINS",
    "",
    "Foreign origins whose pages may open a socket, as anonymous tools; `*`: any",
)
TRUSTED_PROXIES = env.networks(
    "TRUSTED_PROXIES",
    "",
    "Addresses or networks of the proxies before the site: their `X-Forwarded-For` tells where "
    "somebody comes from; without it everybody behind a proxy is counted as one",
)
TIME_ZONE = _time_zone()
USE_TZ = True
LANGUAGE_CODE = "en-gb"
USE_I18N = False

# Limits; each takes `off`. Those of a time or an address hold for all processes on one Redis;
# REFUSAL_RATE is each socket's own.

MESSAGE_MAX = env.limit("MESSAGE_MAX", "4000", "Characters in one message")
POST_RATE = env.rate("POST_RATE", "10/10s", "Messages in a time, per author; changes likewise")
ADDRESS_POST_RATE = env.rate(
    "ADDRESS_POST_RATE",
    "1000/10s",
    "Messages and changes in a time, per address; none where POST_RATE is `off`",
)
if POST_RATE is None:
    ADDRESS_POST_RATE = None
ROOM_RATE = env.rate("ROOM_RATE", "100/1m", "Rooms that come into being in a time, per author")
NAME_RATE = env.rate("NAME_RATE", "20/1m", "Changes of the name in a time, per guest")
PAGE_RATE = env.rate(
    "PAGE_RATE", "2000/10s", "HTTP requests in a time, per address; static files are not counted"
)
SIGN_IN_RATE = env.rate("SIGN_IN_RATE", "10/1m", "Attempts to sign in in a time, per address")
JOIN_RATE = env.rate("JOIN_RATE", "3000/10s", "Sockets opened in a time, per address")
REFUSAL_RATE = env.rate(
    "REFUSAL_RATE", "300/10s", "Refused frames in a time before the tool's socket is closed"
)
SOCKETS_MAX = env.limit("SOCKETS_MAX", "10000", "Open sockets and streams of one process")
ADDRESS_SOCKETS_MAX = env.limit("ADDRESS_SOCKETS_MAX", "5000", "Open sockets of one address")
ADDRESS_STREAMS_MAX = env.limit(
    "ADDRESS_STREAMS_MAX", "50", "Open streams (pages without script) of one address"
)
FRAME_MAX = env.limit("FRAME_MAX", "65536", "Bytes in one frame from a tool")
PAGE_FRAME_MAX = env.limit(
    "PAGE_FRAME_MAX", "1048576", "Bytes in one frame from a page: a whole outbox travels in one"
)
FORM_MAX = env.limit("FORM_MAX", "1048576", "Bytes in the body of one HTTP request")
HEADERS_MAX = env.limit("HEADERS_MAX", "16384", "Bytes in the headers of one HTTP request")
REQUEST_SECONDS = env.limit(
    "REQUEST_SECONDS", "60", "Seconds in which a whole HTTP request has to come over its connection"
)
PENDING_MAX = env.limit(
    "PENDING_MAX",
    "262144",
    "Characters waiting for a slow reader before it reads from the log instead",
)
STUCK_SECONDS = env.limit(
    "STUCK_SECONDS", "30", "Seconds a reader may take nothing before its socket is closed"
)
DRAIN_SECONDS = env.limit(
    "DRAIN_SECONDS", "5", "Seconds that what is under way has to finish when the server is stopped"
)

# Applications

INSTALLED_APPS = [
    "rooms",
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "site_config.middleware.content_security_policy",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "rooms.views.pace.pace",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "rooms.views.away.AwayMiddleware",
]
ROOT_URLCONF = "site_config.urls"
ASGI_APPLICATION = "site_config.asgi.application"
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
            ],
        },
    },
]
AUTH_USER_MODEL = "rooms.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Stores

DATABASES = {"default": _database()}
REDIS_URL = env.address(
    "REDIS_URL",
    "",
    "`redis://host:port/0`: joins several processes into one chat; without it, one process",
    ("redis", "rediss", "unix"),
)
CHANNEL_LAYERS: dict[str, Any] = {
    "default": (
        {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # A receive waits 5 s; one that hears nothing for 15 s has lost its connection.
            "CONFIG": {
                "hosts": [{"address": REDIS_URL, "socket_timeout": 15}],
                "capacity": 1000,
            },
        }
        if REDIS_URL
        else {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1000}}
    )
}

# The server's own bound holds for both sockets; each consumer has the closer one.
DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE = DAPHNE_WEBSOCKET_MAX_FRAME_SIZE = (
    max(FRAME_MAX, PAGE_FRAME_MAX) if FRAME_MAX and PAGE_FRAME_MAX else 0
)

# The same bound on any other ASGI server.
DATA_UPLOAD_MAX_MEMORY_SIZE = FORM_MAX

# Static files: hashed, compressed, served by the app itself

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "servestatic.storage.CompressedManifestStaticFilesStorage"
        )
    },
}

# Safety

SESSION_ENGINE = "rooms.sessions"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "rooms.views.csrf.refused"
CSRF_COOKIE_SAMESITE = SESSION_COOKIE_SAMESITE = "Lax"
if HTTPS:
    # A browser takes such a cookie from this very host alone, not from one beside it.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "rooms": {"level": "INFO"},
        # The pool repeats every failed attempt; whoever asked is told, and tells it once.
        "psycopg.pool": {"level": "CRITICAL"},
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # A foreign Host, or a form of a thousand fields, is answered with 400; it is no error of
        # ours, and no reason for a traceback whenever a stranger likes.
        "django.security": {"level": "CRITICAL"},
        "django.security.csrf": {"level": "WARNING"},
    },
}
