"""Every setting, read from the environment once, typed, refusing nonsense.

docs/settings.md lists the variables; tests/test_documentation.py holds the two together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from celery.schedules import crontab
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from assistant import logs, rates
from assistant.home import Home
from inference.profiles import FAMILIES, profile_of
from learning.config import UpdateConfig

BASE_DIR = Path(__file__).resolve().parent.parent


class Environment(BaseSettings):
    """The environment variables of Danas. A wrong value stops the start with its name."""

    model_config = SettingsConfigDict(extra="ignore")

    home: Path = Field(BASE_DIR / ".danas", alias="DANAS_HOME")
    host: str = Field("127.0.0.1", alias="DANAS_HOST")
    port: int = Field(8000, alias="DANAS_PORT", ge=1, le=65535)
    engine_port: int | None = Field(None, alias="DANAS_ENGINE_PORT", ge=1, le=65535)
    engine_urls: str = Field("", alias="DANAS_ENGINE_URLS")
    engine_key: str = Field("", alias="DANAS_ENGINE_KEY")
    storage: str = Field("", alias="DANAS_STORAGE")
    storage_options: dict[str, Any] = Field(default_factory=dict, alias="DANAS_STORAGE_OPTIONS")
    gpu_engine_memory: float = Field(0.45, alias="DANAS_GPU_ENGINE_MEMORY", gt=0, le=1)
    gpu_learner_memory: float = Field(0.45, alias="DANAS_GPU_LEARNER_MEMORY", gt=0, le=1)
    rollout_workers: int = Field(0, alias="DANAS_ROLLOUT_WORKERS", ge=0)
    model: str = Field("embedded", alias="DANAS_MODEL")
    allowed_hosts: str = Field("", alias="DANAS_ALLOWED_HOSTS")
    secure_cookies: bool = Field(False, alias="DANAS_SECURE_COOKIES")
    secret_key: str = Field("", alias="DANAS_SECRET_KEY")
    debug: bool = Field(False, alias="DANAS_DEBUG")
    signup: Literal["open", "invitation", "closed"] | None = Field(None, alias="DANAS_SIGNUP")
    public_url: str = Field("", alias="DANAS_PUBLIC_URL")
    email_url: str = Field("", alias="DANAS_EMAIL_URL")
    email_from: str = Field("danas@localhost", alias="DANAS_EMAIL_FROM")
    oidc_issuer: str = Field("", alias="DANAS_OIDC_ISSUER")
    oidc_client_id: str = Field("", alias="DANAS_OIDC_CLIENT_ID")
    oidc_client_secret: str = Field("", alias="DANAS_OIDC_CLIENT_SECRET")
    oidc_name: str = Field("Single sign-on", alias="DANAS_OIDC_NAME")
    database_url: str = Field("", alias="DATABASE_URL")
    valkey_url: str = Field("", alias="VALKEY_URL")
    profile: str = Field("", alias="DANAS_PROFILE")
    tower_lora: Literal["on", "off"] = Field("off", alias="DANAS_TOWER_LORA")
    engine_flags: str = Field("", alias="DANAS_ENGINE_FLAGS")
    window_tokens: int | None = Field(None, alias="DANAS_WINDOW_TOKENS", ge=64)
    profile_tokens: int | None = Field(None, alias="DANAS_PROFILE_TOKENS", ge=0)
    answer_tokens: int | None = Field(None, alias="DANAS_ANSWER_TOKENS", ge=1)
    tool_steps: int = Field(8, alias="DANAS_TOOL_STEPS", ge=1)
    temperature: float | None = Field(None, alias="DANAS_TEMPERATURE", ge=0, le=2)
    top_p: float | None = Field(None, alias="DANAS_TOP_P", gt=0, le=1)
    system_text: str = Field(
        "You are Danas, a helpful personal assistant.", alias="DANAS_SYSTEM_TEXT"
    )
    message_bytes: int = Field(1_000_000, alias="DANAS_MESSAGE_BYTES", ge=1)
    image_bytes: int = Field(20_000_000, alias="DANAS_IMAGE_BYTES", ge=1)
    image_day_bytes: int = Field(200_000_000, alias="DANAS_IMAGE_DAY_BYTES", ge=1)
    update_steps: int = Field(8, alias="DANAS_UPDATE_STEPS", ge=1)
    update_config: dict[str, Any] = Field(default_factory=dict, alias="DANAS_UPDATE_CONFIG")
    update_events: int = Field(32, alias="DANAS_UPDATE_EVENTS", ge=1)
    update_hours: float = Field(6.0, alias="DANAS_UPDATE_HOURS", gt=0)
    canary_answers: int = Field(50, alias="DANAS_CANARY_ANSWERS", ge=1)
    canary_hours: float = Field(24.0, alias="DANAS_CANARY_HOURS", gt=0)
    titles: Literal["auto", "model", "words"] = Field("auto", alias="DANAS_TITLES")
    rewriting: Literal["auto", "on", "off"] = Field("auto", alias="DANAS_REWRITING")
    temporary_hours: float = Field(24.0, alias="DANAS_TEMPORARY_HOURS", gt=0)
    personal_events: int = Field(40, alias="DANAS_PERSONAL_EVENTS", ge=1)
    review_twice: int = Field(7, alias="DANAS_REVIEW_TWICE", ge=0, le=100)
    review_thumbs_up: int = Field(10, alias="DANAS_REVIEW_THUMBS_UP", ge=0, le=100)
    personal_loaded: int = Field(8, alias="DANAS_PERSONAL_LOADED", ge=1)
    rates: dict[str, str] = Field(default_factory=dict, alias="DANAS_RATES")
    log_format: Literal["", "line", "json"] = Field("", alias="DANAS_LOG_FORMAT")
    metrics_key: str = Field("", alias="DANAS_METRICS_KEY")
    sockets: int = Field(200, alias="DANAS_SOCKETS", ge=1)
    tool_programs: bool = Field(False, alias="DANAS_TOOL_PROGRAMS")

    @field_validator("signup", mode="before")
    @classmethod
    def _empty_is_unset(cls, mode: str | None) -> str | None:
        """A compose file can't leave a variable out."""
        return mode or None

    @field_validator("profile")
    @classmethod
    def _is_a_profile(cls, name: str) -> str:
        if name not in {"", *FAMILIES}:
            raise ValueError(f"{name!r} is none of {', '.join(FAMILIES)}")
        return name

    @field_validator("update_config")
    @classmethod
    def _is_of_an_update(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """Refuses names that `UpdateConfig` lacks, and values that it refuses."""
        UpdateConfig.model_validate(fields)
        return fields

    @field_validator("rates")
    @classmethod
    def _are_rates(cls, wanted: dict[str, str]) -> dict[str, str]:
        rates.parsed(wanted)
        return wanted


env = Environment()
HOME = Home(env.home.expanduser().resolve())


def _secret(name: str, given: str) -> str:
    """The secret from the environment, else the one that `manage.py run` laid under DANAS_HOME."""
    path = HOME.secrets / name
    if given:
        return given
    return path.read_text().strip() if path.exists() else ""


DEBUG = env.debug
# Empty until `manage.py run` has made one; Django refuses to sign anything with an empty key.
SECRET_KEY = _secret("django", env.secret_key)
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    env.host,
    *filter(None, env.allowed_hosts.split(",")),
]
if env.host in {"0.0.0.0", "::"} and not env.allowed_hosts:
    ALLOWED_HOSTS = ["*"]

INSTALLED_APPS = [
    "unfold",
    # Without its own site and its search for tables: both are in assistant.admin.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.messages",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.postgres",
    "channels",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "assistant",
    "learning",
    "inference",
]
MIDDLEWARE = [
    "assistant.operations.observed.Observed",
    "assistant.headers.Headers",
    "assistant.api.shortcut.Shortcut",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# Of the admin's theme; asgi.py serves them from the packages.
STATIC_URL = "/static/"
ROOT_URLCONF = "assistant.urls"
ASGI_APPLICATION = "assistant.asgi.application"
AUTH_USER_MODEL = "assistant.User"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 8},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Parts of allauth behind our own addresses: second factors, addresses of e-mail, OpenID Connect.
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "assistant.accounts.sealing.SealedSecrets"
MFA_TOTP_ISSUER = "Danas"
# A code of the half minute before or after is as good: clocks differ, and people type.
MFA_TOTP_TOLERANCE = 1
SOCIALACCOUNT_ADAPTER = "assistant.accounts.oidc.Door"
SOCIALACCOUNT_STORE_TOKENS = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.secure_cookies
# A part of a message may be an image; the limit on a whole request is ours to word.
DATA_UPLOAD_MAX_MEMORY_SIZE = None


def _mail(url: str) -> dict[str, Any]:
    """Django's settings of a mail server: `smtp://user:password@host:587` or `smtps://…:465`."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError(f"DANAS_EMAIL_URL: {parts.scheme}://… is neither smtp:// nor smtps://")
    is_tls = parts.scheme == "smtps"
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if is_tls else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": is_tls,
        # A password never travels in the clear.
        "EMAIL_USE_TLS": not is_tls and bool(parts.username),
        "EMAIL_TIMEOUT": 20,
    }


def _oidc() -> dict[str, Any]:
    """The one place elsewhere that people may sign in at, as allauth wants to be told of it."""
    if not env.oidc_client_id:
        raise ValueError("DANAS_OIDC_ISSUER needs DANAS_OIDC_CLIENT_ID beside it")
    return {
        "provider_id": "oidc",
        "name": env.oidc_name,
        "client_id": env.oidc_client_id,
        "secret": env.oidc_client_secret,
        "settings": {"server_url": env.oidc_issuer.rstrip("/"), "oauth_pkce_enabled": True},
    }


HAS_MAIL = bool(env.email_url)
if HAS_MAIL:
    globals().update(_mail(env.email_url))
DEFAULT_FROM_EMAIL = env.email_from
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [_oidc()] if env.oidc_issuer else []}}


def _database() -> dict[str, Any]:
    """PostgreSQL: DATABASE_URL, read by psycopg's own parser, or the embedded server's socket."""
    if env.database_url:
        parts = conninfo_to_dict(env.database_url)
    else:
        parts = {"host": str(HOME.sockets), "user": "danas", "dbname": "danas", "port": "5432"}
    known = {"dbname", "user", "password", "host", "port"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname") or "danas",
        "USER": parts.get("user") or "danas",
        "PASSWORD": parts.get("password") or "",
        "HOST": parts.get("host") or "",
        "PORT": str(parts.get("port") or ""),
        "OPTIONS": {
            # An ASGI request runs on a thread of its own, so a connection can't live on a thread.
            "pool": {"min_size": 1, "max_size": 16, "timeout": 30},
            **{key: value for key, value in parts.items() if key not in known},
        },
    }


DATABASES = {"default": _database()}

VALKEY_URL = env.valkey_url or f"unix://{HOME.valkey_socket}"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [VALKEY_URL], "capacity": 1000},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": VALKEY_URL,
        "KEY_PREFIX": "danas",
    }
}

CELERY_BROKER_URL = VALKEY_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_ROUTES = {
    "learning.reward.*": {"queue": "reward"},
    "learning.memory.*": {"queue": "reward"},
    "learning.policy.rollout": {"queue": "rollout"},
    "learning.policy.*": {"queue": "learner"},
}
CELERY_BEAT_SCHEDULE = {
    "updates when enough was learned": {"task": "assistant.schedule_update", "schedule": 300.0},
    "settle what a lost process left": {"task": "assistant.settle", "schedule": 15.0},
    "look at the version on trial": {"task": "assistant.advance_canary", "schedule": 15.0},
    "fit the reward model to its whole log": {
        "task": "learning.reward.refit",
        "schedule": crontab(hour=3, minute=30),
    },
    "learn what should have been remembered": {
        "task": "learning.memory.learn",
        "schedule": crontab(hour=3, minute=45),
    },
    "forget sessions that ran out": {
        "task": "assistant.clear_sessions",
        "schedule": crontab(hour=4, minute=10),
    },
    "measure how busy everything is": {"task": "assistant.measure", "schedule": 30.0},
    "purge what was deleted": {"task": "assistant.purge", "schedule": 60.0},
    "understand what was said": {"task": "assistant.understand", "schedule": 10.0},
    "carry over what is worth keeping": {"task": "assistant.carry_over", "schedule": 300.0},
    "tend the researchers' feed": {"task": "assistant.tend_feed", "schedule": 60.0},
    "delete files that nobody keeps": {"task": "assistant.sweep_files", "schedule": 600.0},
    "order the review queue": {"task": "assistant.describe_reviews", "schedule": 30.0},
    "remind": {"task": "assistant.remind", "schedule": 5.0},
    "ask tool servers what they offer": {
        "task": "assistant.list_tools",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "make room on the engines": {"task": "assistant.evict_adapters", "schedule": 60.0},
}

ENGINE_PORT = env.engine_port or env.port + 1
ENGINE_URLS = [url.strip().rstrip("/") for url in env.engine_urls.split(",") if url.strip()] or [
    f"http://127.0.0.1:{ENGINE_PORT}"
]
if wrong := [url for url in ENGINE_URLS if urlsplit(url).scheme not in {"http", "https"}]:
    raise ValueError(f"DANAS_ENGINE_URLS: {wrong[0]!r} is not an http(s) address")
ENGINE_KEY = _secret("engine", env.engine_key)
# Where adapters and data sets lie; see `inference.storage`.
STORAGE = env.storage.rstrip("/") or str(HOME.adapters)
STORAGE_OPTIONS = env.storage_options
if "://" in STORAGE and not STORAGE.startswith("s3://"):
    raise ValueError(f"DANAS_STORAGE: {STORAGE!r} is neither a folder nor an s3:// address")
# Where images and exports of people lie; see `assistant.files`.
FILES = f"{STORAGE}/people" if env.storage else str(HOME.files)
GPU_LEARNER_MEMORY = env.gpu_learner_memory
if not env.engine_urls and env.gpu_engine_memory + env.gpu_learner_memory > 1:
    raise ValueError("DANAS_GPU_ENGINE_MEMORY and DANAS_GPU_LEARNER_MEMORY exceed the card")
ROLLOUT_WORKERS = env.rollout_workers
EMBEDDED_MODEL = "embedded"
MODEL = env.model
MODEL_PATH = HOME.models / "SmolLM2-135M-Instruct"
if MODEL != EMBEDDED_MODEL:
    local = Path(MODEL).expanduser()
    MODEL_PATH = local.resolve() if local.is_dir() else HOME.models / MODEL.replace("/", "--")

HOST, PORT = env.host, env.port
# Empty where administrators choose; see `assistant.accounts.signup`.
SIGNUP: str = env.signup or ""
# Where links in e-mails lead.
PUBLIC_URL = env.public_url.rstrip("/") or f"http://localhost:{PORT}"
OIDC_NAME = env.oidc_name if env.oidc_issuer else ""
# What suits the model, unless it was set.
_suited = profile_of(MODEL_PATH)
WINDOW_TOKENS = env.window_tokens or _suited.window_tokens
ANSWER_TOKENS = env.answer_tokens or _suited.answer_tokens
TEMPERATURE = _suited.temperature if env.temperature is None else env.temperature
TOP_P = env.top_p or _suited.top_p
# An eighth of the window, unless it was set.
PROFILE_TOKENS = WINDOW_TOKENS // 8 if env.profile_tokens is None else env.profile_tokens
if PROFILE_TOKENS > WINDOW_TOKENS // 2:
    raise ValueError("DANAS_PROFILE_TOKENS is more than half of DANAS_WINDOW_TOKENS")
# Requests to the engine for one answer; in the last one no tool may be called.
TOOL_STEPS = env.tool_steps
SYSTEM_TEXT = env.system_text
MESSAGE_BYTES = env.message_bytes
IMAGE_BYTES, IMAGE_DAY_BYTES = env.image_bytes, env.image_day_bytes
UPDATE_STEPS, UPDATE_EVENTS, UPDATE_HOURS = env.update_steps, env.update_events, env.update_hours
UPDATE_CONFIG = env.update_config
CANARY_ANSWERS, CANARY_HOURS = env.canary_answers, env.canary_hours
TITLES, TEMPORARY_HOURS = env.titles, env.temporary_hours
REWRITING = env.rewriting
PERSONAL_EVENTS, PERSONAL_LOADED = env.personal_events, env.personal_loaded
# What a person may do in a while, and how many sockets they may have open in one process.
RATES, SOCKETS = rates.parsed(env.rates), env.sockets
# Whether administrators may name programs as tool servers; these run as Danas does.
TOOL_PROGRAMS = env.tool_programs
REVIEW_TWICE, REVIEW_THUMBS_UP = env.review_twice, env.review_thumbs_up
FRONTEND_DIST = BASE_DIR / "frontend" / "dist"

METRICS_KEY = env.metrics_key
LOGGING = logs.configuration(env.log_format)
