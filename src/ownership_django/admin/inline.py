"""Who is assigned to a customer, on the page of that customer: rows and links, and a form that saves nothing."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import options
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ownership_core.model import Action
from ownership_django.admin.held import Held, held_by
from ownership_django.models import Assignment
from ownership_django.requests import get_ownership


class NothingToSave(BaseInlineFormSet):  # type: ignore[type-arg]
    """No forms at all: whatever is posted under its name is not read, and saving writes nothing."""

    links: Any = ()
    address = ""
    may_assign = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "data": None, "files": None})

    def total_form_count(self) -> int:
        """None."""
        return 0

    def initial_form_count(self) -> int:
        """None."""
        return 0

    def is_valid(self) -> bool:
        """Nothing can be wrong."""
        return True

    def has_changed(self) -> bool:
        """Never."""
        return False

    def save(self, commit: bool = True) -> list[Any]:  # noqa: ARG002 - as Django calls it
        """Nothing."""
        self.new_objects: list[Any] = []
        self.changed_objects: list[Any] = []
        self.deleted_objects: list[Any] = []
        return []

    @property
    def held(self) -> list[Held]:
        """The rows."""
        return held_by([self.instance.pk])[self.instance.pk]


class AssignmentInline(options.InlineModelAdmin):  # type: ignore[type-arg]
    """Added to a customer's page by :class:`~ownership_django.admin.OwnershipAdmin`; it is shown and never saved."""

    model = Assignment
    formset = NothingToSave
    fields = ()
    fk_name = "customer"
    verbose_name = _("assignment")
    verbose_name_plural = _("ownership")
    template = "ownership/admin/assignments.html"
    extra = max_num = 0
    can_delete = False
    owner: Any
    """The admin on whose page it is."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Not here: by a command."""
        return False

    has_change_permission = has_delete_permission = has_add_permission

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Whoever sees the customer sees who is assigned."""
        return True

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        """The rows, with links to what may be asked for."""
        kind: Any = super().get_formset(request, obj, **options)
        if obj is not None:
            kind.links, kind.address = self.owner.ownership_links(request, obj), self.owner.ownership_address(obj)
            kind.may_assign = get_ownership(request).allows(Action.ASSIGN, obj)
        return kind

    def get_queryset(self, request: HttpRequest) -> Any:  # noqa: ARG002
        """No forms, so no rows for them."""
        return Assignment.objects.none()
