"""A site for each kind of customers; ``KINDS`` chooses it, ``BAZAAR_DB`` its database."""

from __future__ import annotations

import os
from typing import Any

from bazaar.settings import DATABASES as BAZAAR
from bazaar.settings import SECRET_KEY

__all__ = ["SECRET_KEY"]

KINDS: dict[str, dict[str, Any]] = {
    "user": {
        "CUSTOMER_MODEL": "auth.User",
        "FIELDS": {"name": "username", "groups": "groups__name", "active": "is_active", "created_at": "date_joined"},
    },
    "child": {"CUSTOMER_MODEL": "kinds.Client", "FIELDS": {"name": "name", "groups": "segments__code"}},
    "elsewhere": {
        "CUSTOMER_MODEL": "kinds.Client",
        "FIELDS": {"name": "name", "groups": "segments__code"},
        "DATABASE": "crm",
    },
    "beside": {"CUSTOMER_MODEL": "kinds.Account", "FIELDS": {"name": "user__username", "groups": "segment"}},
    "tenant": {"CUSTOMER_MODEL": "kinds.Tenant", "FIELDS": {"name": "code", "groups": "segment__code"}},
}
KIND = os.environ.get("KINDS", "user")
OWNERSHIP = {**KINDS[KIND], "SETTINGS": {"operator": True}}
DATABASES = BAZAAR
DATABASE_ROUTERS: list[str] = []
if KIND == "elsewhere":
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}, "crm": BAZAAR["default"]}
    DATABASE_ROUTERS = ["kinds.routers.Elsewhere"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "kinds", "ownership_django"]
AUTHENTICATION_BACKENDS = ["ownership_django.backend.OwnershipBackend"]
