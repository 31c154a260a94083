"""The site the tests run in; the environment chooses its database and its keys (see ``bazaar.settings``)."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bazaar.settings")

import django
import pytest
from django.db import connection

django.setup()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """On MariaDB, domains that differ in case only are two: worlds have such, and Django's own table has not."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute(
                "ALTER TABLE django_site MODIFY domain VARCHAR(100) COLLATE utf8mb4_nopad_bin NOT NULL UNIQUE"
            )
