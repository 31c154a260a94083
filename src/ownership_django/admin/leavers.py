"""Which staff stands behind a row of the host's, and whether it still holds customers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from ownership_django import conf, hosts
from ownership_django.models import Assignment, Staff


def staff_behind(model: type[Any], keys: Iterable[Any]) -> QuerySet[Staff]:
    """The staff that these users, or rows of the model of staff, are linked to; those who were deleted among them."""
    rows: QuerySet[Staff] = Staff.objects.using(conf.configuration().database).order_by("label", "key")
    path = hosts.path_of(model)
    return rows.none() if path is None else rows.filter(**{f"{path}__in": list(keys)})


def holding(model: type[Any], keys: Iterable[Any]) -> list[Staff]:
    """Those of them to whom a customer is assigned, whoever may see it; one statement."""
    held = Assignment.objects.using(conf.configuration().database).filter(staff=OuterRef("pk"))
    return list(staff_behind(model, keys).filter(Exists(held)))


def rows_of(model: type[Any], staff: Iterable[str]) -> dict[str, Any]:
    """The keys of the rows of ``model`` that these staff are linked to; who is linked to none is left out."""
    path = hosts.path_of(model)
    if path is None:
        return {}
    rows = Staff.objects.using(conf.configuration().database).filter(key__in=list(staff))
    return {str(key): row for key, row in rows.values_list("key", path) if row is not None}
