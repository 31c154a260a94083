"""Rows, choices and labels that an admin shows, limited to customers its user may see.

Nothing is decided here: every answer is one of :class:`~ownership_django.bound.BoundOwnership`, so that an admin's
list holds what the core's list holds. What is hidden is left out of querysets, and Django then answers for it as
for what was never there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from ownership_core.errors import InvalidInput
from ownership_core.model import Action
from ownership_django import hosts
from ownership_django.admin.deleting import deleted_objects
from ownership_django.admin.paths import ITSELF, customer_of, is_customer_model, is_new, path_to_customer
from ownership_django.admin.unseen import (
    cover,
    cover_members,
    hidden_members,
    hidden_relations,
    relations_of,
)
from ownership_django.requests import get_ownership

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    _Base = ModelAdmin[Any]
else:
    _Base = object


def limited(rows: QuerySet[Any], request: HttpRequest, path: str | None, action: str) -> QuerySet[Any]:
    """``rows`` without those whose customer the user may not do ``action`` to; rows without a customer are hidden."""
    if path is None:
        return rows
    bound = get_ownership(request)
    if path == ITSELF:
        return bound.visible_to(rows, action)
    return rows.filter(**{f"{path}__in": bound.visible_to(hosts.customers().rows(), action)})


class LimitedAdmin(_Base):
    """For an admin of customers, of what follows them, or of anything whose pages can name customers.

    ``ownership_customer`` is the lookup to the customer that rows follow (``"order__customer"``); it is found by
    itself where the model has one foreign key to customers. ``view``, ``edit`` and ``delete`` of the policy are
    asked beside Django's own permissions, and never instead of them.
    """

    ownership_customer: str | None = None

    def ownership_path(self) -> str | None:
        """The lookup from a row to its customer."""
        return path_to_customer(self.model, self.ownership_customer)

    def ownership_action(self, _request: HttpRequest) -> str:
        """What one must be allowed to do to a customer for it to be listed."""
        return Action.VIEW

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of the host's own queryset that the user may see."""
        return limited(super().get_queryset(request), request, self.ownership_path(), self.ownership_action(request))

    # --- one row

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row, if the user may see it; hidden customers it refers to are covered."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            cover([row], self.model, self.ownership_path(), request)
            cover_members(row, request)
        return row

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The host's, and relations to hidden customers: nobody changes what is not shown."""
        said = super().get_readonly_fields(request, obj)
        if obj is None or is_new(obj):
            return said
        fields = relations_of(self.model, self.ownership_path())
        covered = [field.name for _row, field in hidden_relations([obj], fields, request)]
        return [*said, *(name for name in covered if name not in said)] if covered else said

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """As Django does; hidden members of a relation stay in it, which Django 6.1 would take out."""
        kept = hidden_members(form.instance, request) if change else []
        super().save_related(request, form, formsets, change)
        for field, members in kept:
            getattr(form.instance, field.name).add(*members)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Django's permission, and the right to view this customer."""
        return super().has_view_permission(request, obj) and self._may(request, Action.VIEW, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Django's permission, and the right to edit this customer."""
        return super().has_change_permission(request, obj) and self._may(request, Action.EDIT, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Django's permission, and the right to delete this customer."""
        return super().has_delete_permission(request, obj) and self._may(request, Action.DELETE, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Only what the user may edit: a list that is edited in place asks for no single row."""
        if change and not self.has_change_permission(request, obj):
            raise PermissionDenied
        super().save_model(request, obj, form, change)

    def _may(self, request: HttpRequest, action: str, obj: Any) -> bool:
        # An inline asks with the row it hangs on.
        path = None if obj is None else path_to_customer(type(obj), self._said_of(obj))
        if path is None or is_new(obj):
            return True  # a row that is not there yet, such as a form's empty one
        customer = customer_of(obj, path)
        try:
            return customer is not None and get_ownership(request).allows(action, str(customer))
        except InvalidInput:  # a key that is no id of ours is nobody's customer
            return False

    def _said_of(self, obj: Model) -> str | None:
        return self.ownership_customer if isinstance(obj, self.model) else None

    # --- what a page names beside its rows

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> Any:
        """Only customers that the user may see can be chosen, and only these are shown as chosen."""
        rows = super().get_field_queryset(db, db_field, request)
        model = db_field.remote_field.model
        if not is_customer_model(model):
            return rows
        if rows is None:
            rows = model._default_manager.using(db)  # noqa: SLF001 - documented, and what Django takes
        return get_ownership(request).visible_to(rows)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A raw id of a customer is called by its name only where the user may see it."""
        wanted = db_field.name in self.raw_id_fields and is_customer_model(db_field.remote_field.model)
        if wanted and "widget" not in kwargs:
            kwargs["widget"] = _RawCustomerId(db_field.remote_field, self.admin_site, using=kwargs.get("using"))
            kwargs["widget"].request = request
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What a deletion would take with it, without the names of customers that are hidden."""
        return deleted_objects(list(objs), request, self.admin_site)


class _RawCustomerId(ForeignKeyRawIdWidget):
    """The field for a raw id that looks up the name of what it holds."""

    request: HttpRequest

    def label_and_url_for_value(self, value: Any) -> tuple[str, str]:
        """The name and page of a customer; of a hidden one as little as of one that is not there."""
        try:
            seen = get_ownership(self.request).check(Action.VIEW, [str(value)])
        except InvalidInput:  # what can be no id
            seen = frozenset()
        return super().label_and_url_for_value(value) if seen else ("", "")
