"""The list of customers: its columns, and filters whose choices come from what the user may see."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.filters import (
    AllValuesFieldListFilter,
    RelatedFieldListFilter,
    RelatedOnlyFieldListFilter,
)
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import ChangeList
from django.db.models import BooleanField, DateField, Field
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest

from ownership_django.admin.held import held_by
from ownership_django.admin.paths import ITSELF, is_customer_model
from ownership_django.admin.unseen import cover
from ownership_django.requests import get_ownership

HELD = "_ownership_held"


class OwnedChangeList(ChangeList):
    """A list that covers hidden customers its rows refer to, and knows who is assigned to those on its page."""

    def get_results(self, request: HttpRequest) -> None:
        """The page, and at most two statements more for all its rows."""
        super().get_results(request)
        rows = list(self.result_list)  # a queryset keeps what it has read, and gives the same rows again
        admin: Any = self.model_admin
        path = admin.ownership_path()
        cover(rows, self.model, path, request)
        if rows and path == ITSELF:
            held = held_by(row.pk for row in rows)
            for row in rows:
                setattr(row, HELD, held[row.pk])


def owned_list(base: type[Any]) -> type[Any]:
    """``base``, the host's own kind of list, as one of ours."""
    return base if issubclass(base, OwnedChangeList) else type(base.__name__, (OwnedChangeList, base), {})


class SeenRelatedFilter(RelatedOnlyFieldListFilter):
    """The related rows that occur among the rows the user may see; customers among them only if seen as well."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """Their keys and names."""
        if not is_customer_model(field.remote_field.model):
            return super().field_choices(field, request, model_admin)
        occurring = model_admin.get_queryset(request).order_by().values(f"{self.field_path}__pk")
        model = field.remote_field.model
        rows = model._default_manager.filter(pk__in=occurring)  # noqa: SLF001 - documented, and what Django takes
        seen = get_ownership(request).visible_to(rows)
        return [(row.pk, str(row)) for row in seen]


class SeenValuesFilter(AllValuesFieldListFilter):
    """The values that occur among the rows the user may see, also where they stand in another table."""

    def __init__(self, field: Any, request: Any, params: Any, model: Any, model_admin: Any, field_path: str) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        rows = model_admin.get_queryset(request)
        self.lookup_choices = rows.order_by(field_path).values_list(field_path, flat=True).distinct()


def seen_filter(model: Any, item: Any) -> Any:
    """One item of a host's ``list_filter``, with choices limited to what the user may see."""
    path, chosen = item if isinstance(item, list | tuple) else (item, None)
    if not isinstance(path, str):
        return item  # a filter of the host's own
    field = get_fields_from_path(model, path)[-1]
    if chosen in (None, RelatedFieldListFilter, RelatedOnlyFieldListFilter) and field.is_relation:
        return path, SeenRelatedFilter
    if chosen is AllValuesFieldListFilter or (chosen is None and LOOKUP_SEP in path and _lists_values(field)):
        return path, SeenValuesFilter
    return item


def _lists_values(field: Field[Any, Any]) -> bool:
    """Whether Django's own choice for the field is a list of all its values."""
    return not (isinstance(field, BooleanField | DateField) or field.flatchoices)
