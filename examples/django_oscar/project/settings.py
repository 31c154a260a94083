"""An Oscar shop's settings, as Oscar's own manual has them. What is ours stands at the end."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from oscar.defaults import *  # noqa: F403 - so a site of Oscar's begins

HERE = Path(__file__).resolve().parent.parent

SECRET_KEY = "an example has no secrets"  # noqa: S105
DEBUG = os.environ.get("SHOP_DEBUG", "1") == "1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
ROOT_URLCONF = "project.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_ID = 1
STATIC_URL = "static/"
MEDIA_URL = "media/"
MEDIA_ROOT = HERE / "media"
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def _database() -> dict[str, object]:
    """A file of SQLite, or what ``SHOP_DATABASE_URL`` names: ``postgresql://user:password@host:port/name``."""
    address = urlsplit(os.environ.get("SHOP_DATABASE_URL", ""))
    if not address.scheme:
        file = os.environ.get("SHOP_FILE", HERE / "shop.sqlite3")
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": file, "ATOMIC_REQUESTS": True}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.path.lstrip("/"),
        "USER": address.username or "",
        "PASSWORD": address.password or "",
        "HOST": address.hostname or "",
        "PORT": str(address.port or ""),
        "ATOMIC_REQUESTS": True,
    }


DATABASES = {"default": _database()}
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
OSCAR_DEFAULT_CURRENCY = "EUR"
OSCAR_INITIAL_ORDER_STATUS = "Pending"

_SHOP = ("analytics", "checkout", "address", "shipping", "catalogue", "catalogue.reviews", "communication", "partner")
_SHOP += ("basket", "payment", "offer", "order", "customer", "search", "voucher", "wishlists", "dashboard")
_DASHBOARD = ("reports", "users", "orders", "catalogue", "offers", "partners", "pages", "ranges", "reviews")
_DASHBOARD += ("vouchers", "communications", "shipping")


def _config(name: str) -> str:
    return f"oscar.apps.{name}.apps.{''.join(part.title() for part in reversed(name.split('.')))}Config"


INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.sites",
    "django.contrib.flatpages",
    "oscar.config.Shop",
    *(_config(name) for name in _SHOP if name != "catalogue.reviews"),
    "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig",
    *(_config(f"dashboard.{name}") for name in _DASHBOARD),
    "widget_tweaks",
    "haystack",
    "treebeard",
    "sorl.thumbnail",
    "django_tables2",
    "ownership_django",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.template.context_processors.i18n",
                "django.contrib.messages.context_processors.messages",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
                "oscar.core.context_processors.metadata",
            ],
        },
    },
]

# What ownership needs: one app (above), one backend, one dict.

AUTHENTICATION_BACKENDS = [
    "oscar.apps.customer.auth_backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
    "ownership_django.backend.OwnershipBackend",
]
OWNERSHIP = {
    "CUSTOMER_MODEL": "auth.User",  # Oscar has no model of customers: they are users with orders, staff are users too
    "FIELDS": {
        "name": "last_name",
        "email": "email",
        "active": "is_active",
        "created_at": "date_joined",
        "groups": "groups__name",
        "cities": "addresses__line4",
        "zips": "addresses__postcode",
        "countries": "addresses__country__iso_3166_1_a2",
    },
}
