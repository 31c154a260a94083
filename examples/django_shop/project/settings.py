"""The shop's settings. Everything about ownership stands in ``OWNERSHIP``, and one line of ``INSTALLED_APPS``."""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent

SECRET_KEY = "an example has no secrets"  # noqa: S105
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
ROOT_URLCONF = "project.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_ID = 1
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SHOP_FILE", HERE / "shop.sqlite3"),
        "ATOMIC_REQUESTS": True,
    },
}
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.staticfiles",
    "shop",
    "ownership_django",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "project.headers.only_our_own",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
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

OWNERSHIP = {
    "CUSTOMER_MODEL": "shop.Customer",
    "FIELDS": {
        "name": "full_name",
        "email": "email",
        "phone": "phone",
        "active": "is_active",
        "created_at": "joined",
        "website": "site__domain",
        "groups": "profile__groups__code",
        "cities": "profile__city",
        "countries": "profile__country",
    },
    "SETTINGS": {"cardinality": "multi"},
}
