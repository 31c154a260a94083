"""The site's settings.

``BAZAAR_DB`` is sqlite (the default), postgresql or mariadb; ``BAZAAR_KEY`` is text (the default), int or uuid.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

KEY = os.environ.get("BAZAAR_KEY", "text")
VENDOR = os.environ.get("BAZAAR_DB", "sqlite")


def _server(variable: str, engine: str, **more: Any) -> dict[str, Any]:
    """A server's database, from the address the other tests use."""
    address = urlsplit(os.environ[variable])
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": address.path.lstrip("/"),
        "USER": address.username or "",
        "PASSWORD": address.password or "",
        "HOST": address.hostname or "",
        "PORT": str(address.port or ""),
        **more,
    }


def _database(number: int) -> dict[str, Any]:
    # Databases of tests are named after the process and the keys, so that several runs may share a server.
    test = f"bazaar_{KEY}_{number}_{os.getpid()}"
    if VENDOR == "postgresql":
        return _server("OWNERSHIP_TEST_POSTGRES_URL", "postgresql", TEST={"NAME": test})
    if VENDOR == "mariadb":
        import pymysql

        pymysql.install_as_MySQLdb()
        # A loose collation, as most servers have it: ours must be exact in spite of it.
        loose = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_general_ci"}
        options = {"charset": "utf8mb4"}
        return _server("OWNERSHIP_TEST_MARIADB_URL", "mysql", OPTIONS=options, TEST={"NAME": test, **loose})
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("BAZAAR_FILE", ":memory:")}


DATABASES = {"default": _database(1)}
SECRET_KEY = "only tests know it"  # noqa: S105 - and nothing is kept by it
DEBUG = False
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bazaar.urls"
DEFAULT_AUTO_FIELD = os.environ.get("BAZAAR_AUTO_FIELD", "django.db.models.BigAutoField")
SITE_ID = 1
STATIC_URL = "static/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.staticfiles",
    "bazaar",
    "ownership_django",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
            ],
        },
    },
]

_PLACES = {"cities": "city", "states": "state", "zips": "zip", "countries": "country"}

OWNERSHIP = {
    "CUSTOMER_MODEL": "bazaar.Customer",
    "FIELDS": {
        "kind": "sort",
        "name": "full_name",
        "email": "email",
        "phone": "phone",
        "active": "enabled",
        "created_at": "since",
        "score": "score",
        "vip": "is_vip",
        "website": "site__domain",
        "parent": "profile__head",
        "region": "profile__region",
        "last_seen": "profile__last_seen",
        "groups": "profile__groups__code",
        "tags": "tags__name",
        "aliases": "nicknames__text",
        "external_ids": "references__code",
        **{name: f"addresses__{column}" for name, column in _PLACES.items()},
        **{f"billing_{name}": f"billing_addresses__{column}" for name, column in _PLACES.items()},
        **{f"shipping_{name}": f"shipping_addresses__{column}" for name, column in _PLACES.items()},
    },
    "SETTINGS": {
        "operator": True,
        "fields": [
            {"name": "region", "separator": "/"},
            {"name": "score", "kind": "integer"},
            {"name": "vip", "kind": "boolean"},
            {"name": "last_seen", "kind": "time"},
            {"name": "aliases", "many": True, "fold": "ascii", "separator": "/"},
        ],
    },
}
