"""The example's settings, for tests: a cheap password, no debug pages; ``OSCAR_DB`` is sqlite or postgresql."""

from __future__ import annotations

import os

VENDOR = os.environ.get("OSCAR_DB", "sqlite")
os.environ["SHOP_FILE"] = ":memory:"
if VENDOR == "postgresql":
    os.environ["SHOP_DATABASE_URL"] = os.environ["OWNERSHIP_TEST_POSTGRES_URL"].replace("+psycopg", "", 1)
else:
    os.environ.pop("SHOP_DATABASE_URL", None)

from project.settings import *  # noqa: E402, F403 - the environment first
from project.settings import DATABASES  # noqa: E402 - the same

DEBUG = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if VENDOR == "postgresql":
    DATABASES["default"]["TEST"] = {"NAME": f"oscar_{os.getpid()}"}
