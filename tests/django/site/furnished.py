"""Rows that are put back instead of made anew: two dozen commands before each test cost more than most tests."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, TypeAlias

from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import connection, transaction

from ownership_django.models.guarded import rows_of

Rows: TypeAlias = list[tuple[type[Any], list[Any]]]

_KEPT: dict[Hashable, Rows] = {}


def put_back(what: Hashable) -> bool:
    """Whether the rows kept as ``what`` were there to be put back, each as it was made."""
    with transaction.atomic(), connection.constraint_checks_disabled():
        for model, rows in _KEPT.get(what, []):
            rows_of(model, "default").bulk_create(rows)
    return what in _KEPT


def keep(what: Hashable, before: Rows) -> None:
    """Remember as ``what`` the rows that were not there ``before``."""
    were = {model: {row.pk for row in rows} for model, rows in before}
    found = [(model, [row for row in rows if row.pk not in were[model]]) for model, rows in rows_now()]
    _KEPT[what] = [(model, rows) for model, rows in found if rows]


def rows_now() -> Rows:
    """All rows of the site and of ours. Permissions are the site's furniture, and numbered anew after a flush."""
    return [(model, list(rows_of(model, "default"))) for model in _models()]


def _models() -> Iterator[type[Any]]:
    for label in ("auth", "sites", "bazaar", "ownership"):
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            refers = {field.related_model for field in model._meta.concrete_fields}
            if model is not Permission and Permission not in refers and model._meta.managed and not model._meta.proxy:
                yield model
