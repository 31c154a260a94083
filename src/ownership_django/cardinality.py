"""The recorded cardinality: written where tables are made or emptied, moved by ``SwitchCardinality`` alone."""

from __future__ import annotations

from typing import Any

from django.db import router

from ownership_core.errors import OwnershipError
from ownership_core.policies import SINGLE
from ownership_django import conf
from ownership_django.models import Cardinality, rows_of


def record_cardinality(using: str, **_: Any) -> None:
    """Record what the settings say, unless a cardinality is recorded already: after ``migrate`` and ``flush``."""
    if not router.allow_migrate_model(using, Cardinality):
        return
    rows_of(Cardinality, using).bulk_create([Cardinality(place=1, name=_chosen())], ignore_conflicts=True)


def _chosen() -> str:
    try:
        return conf.configuration().settings.cardinality
    except OwnershipError:  # the checks have said so already
        return SINGLE
