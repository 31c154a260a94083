"""Relations from a row that is shown to customers that are hidden: their names stay off the page, the rows as they are.

A row may refer to a customer its reader may not see: who invited whom, whose account belongs to whose. Such a relation
is shown as hidden, cannot be changed, and is never lost by saving the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Field, ForeignKey, Model
from django.http import HttpRequest
from django.utils.translation import gettext as _

from ownership_core.model import Action
from ownership_django.admin.paths import is_customer_model
from ownership_django.requests import get_ownership


class Hidden:
    """Stands in a page for a customer that is not shown, and whatever a host's column asks of it is not shown either.

    It is nothing (False), so that nobody tries to save it; and no address can be made of its key.
    """

    pk = ""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return _("(hidden)")

    def __getattr__(self, name: str) -> Hidden:
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __call__(self, *_args: object, **_options: object) -> Hidden:
        """Nothing can be asked of it in a method either."""
        return self


def relations_of(model: type[Model], path: str | None) -> list[Any]:
    """The foreign keys of ``model`` to customers, but for the one its rows follow."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and is_customer_model(field.remote_field.model) and field.name != path
    ]


def memberships_of(model: type[Model]) -> list[Any]:
    """The many-to-many fields of ``model`` to customers."""
    return [field for field in model._meta.many_to_many if is_customer_model(field.remote_field.model)]


def hidden_relations(rows: Iterable[Model], fields: Iterable[Any], request: HttpRequest) -> list[tuple[Model, Any]]:
    """Each row and foreign key that leads to a hidden customer; all are asked about by one statement."""
    led = [
        (row, field, str(customer))
        for row in rows
        for field in fields
        if (customer := getattr(row, field.attname)) is not None
    ]
    if not led:
        return []
    seen = get_ownership(request).check(Action.VIEW, list(dict.fromkeys(customer for *_rest, customer in led)))
    return [(row, field) for row, field, customer in led if customer not in seen]


def cover(rows: Iterable[Model], model: type[Model], path: str | None, request: HttpRequest) -> None:
    """Put :class:`Hidden` in the place of hidden customers; which customer it is stays in the row."""
    fields = relations_of(model, path)
    for row, field in hidden_relations(rows, fields, request) if fields else ():
        field.set_cached_value(row, Hidden())


def cover_members(row: Model, request: HttpRequest) -> None:
    """Let the many-to-many relations of ``row`` show visible customers only."""
    for field in memberships_of(type(row)):
        seen = get_ownership(request).visible_to(getattr(row, field.name).all())
        cache: dict[str, Any] = row.__dict__.setdefault("_prefetched_objects_cache", {})
        cache[field.name] = seen


def hidden_members(row: Model, request: HttpRequest) -> list[tuple[Field[Any, Any], list[Any]]]:
    """The hidden customers in each many-to-many relation of ``row``, for whoever replaces the visible ones."""
    found = []
    for field in memberships_of(type(row)):
        members = type(row)._base_manager.get(pk=row.pk)  # noqa: SLF001 - documented: the row without what we cover
        keys = list(getattr(members, field.name).values_list("pk", flat=True))
        seen = get_ownership(request).check(Action.VIEW, [str(key) for key in keys]) if keys else frozenset()
        found.append((field, [key for key in keys if str(key) not in seen]))
    return found
