"""The key of the bazaar's customers, which the environment chooses; on MariaDB texts are keys letter by letter."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models

from bazaar.settings import KEY, VENDOR

EXACTLY = {"mariadb": "utf8mb4_nopad_bin"}.get(VENDOR)


def key_field() -> models.Field[Any, Any]:
    """A number, a text or a UUID."""
    if KEY == "uuid":
        return models.UUIDField(primary_key=True, default=uuid.uuid4, serialize=False)
    if KEY == "int":
        return models.BigAutoField(primary_key=True, serialize=False)
    return models.CharField(max_length=191, primary_key=True, serialize=False, db_collation=EXACTLY)
