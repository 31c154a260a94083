"""What a host's admin of its users gains: what somebody holds, offboarding, and a guard before it goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.utils import flatten_fieldsets, quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import select_template
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ownership_core.errors import OwnershipError, Refused
from ownership_core.keys import from_micros
from ownership_core.model import StaffId
from ownership_core.service.inventory import Inventory
from ownership_django.admin.choosing import EVERYTHING, Chosen
from ownership_django.admin.forms import OffboardForm
from ownership_django.admin.held import names_of
from ownership_django.admin.leavers import holding, rows_of, staff_behind
from ownership_django.admin.mixin import OwnershipAdmin
from ownership_django.bound import BoundOwnership
from ownership_django.requests import get_ownership

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    _Base = ModelAdmin[Any]
else:
    _Base = object

CONFIRM = "ownership_confirm"
"""Posted by whoever lets somebody go who still holds customers."""

_ASKED = "_ownership_holding"


class StaffOwnershipAdmin(_Base):
    """``class StaffAdmin(StaffOwnershipAdmin, UserAdmin)``: first the mixin, then whatever there was.

    For the admin of the users who log in, or of the model of staff. Deactivating or deleting somebody who still holds
    customers asks for offboarding first, or for a confirmation. ``ownership_active`` is the field that deactivates.
    """

    ownership_active = "is_active"
    change_form_template = "ownership/admin/staff_form.html"

    # --- the page

    def get_urls(self) -> list[URLPattern]:
        """Our page before the host's, whose address of a user takes whatever comes."""
        view = self.admin_site.admin_view(self.ownership_staff)
        return [path("<path:object_id>/ownership/", view, name=self._ownership_name()), *super().get_urls()]

    def ownership_staff_address(self, key: Any) -> str:
        """The address of somebody's page."""
        return reverse(f"{self.admin_site.name}:{self._ownership_name()}", args=[quote(key)])

    def _ownership_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_ownership"

    def ownership_staff(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What somebody holds, and the form that plans to hand it over or release it.

        Forbidden where the right to assign does not extend to it.
        """
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        if row is None:
            answer: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
            return answer
        staff, bound = staff_behind(self.model, [row.pk]).first(), get_ownership(request)
        context: dict[str, Any] = {"title": _("Ownership"), "subject": str(row), "staff": staff}
        if staff is not None:
            form = OffboardForm(StaffId(str(staff.key)), request.POST if request.method == "POST" else None)
            inventory = _inventory(bound, form.staff)
            answer_or_none = self._planned(request, bound, form) if form.is_bound else None
            if answer_or_none is not None:
                return answer_or_none
            context |= {"form": form, "inventory": inventory, "covers": _covers(bound, inventory)}
        context["crumbs"] = [(str(row), self._address_of(row.pk))]
        return self._ownership_page(request, "staff", context)

    def _planned(self, request: HttpRequest, bound: BoundOwnership, form: OffboardForm) -> HttpResponse | None:
        """The way to the plan; None where the form says what is wrong."""
        customers = self._customers(request)
        if not form.is_valid():
            return None
        try:
            plan = Chosen(EVERYTHING).planned(bound, form.command)
        except OwnershipError as refused:
            form.refuse(refused)
            return None
        return HttpResponseRedirect(customers.ownership_url("plan", plan.id))

    def _customers(self, request: HttpRequest) -> OwnershipAdmin:
        """The customers' admin, on whose page plans are shown; forbidden for whoever may not open it."""
        for admin in self.admin_site._registry.values():  # noqa: SLF001 - asked, not changed
            is_theirs = isinstance(admin, OwnershipAdmin) and admin.ownership_is_of_customers()
            if is_theirs and admin.has_view_or_change_permission(request):
                return admin  # type: ignore[return-value]
        raise PermissionDenied

    def _ownership_page(self, request: HttpRequest, page: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name
        whole = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media, **context}
        return TemplateResponse(request, f"ownership/admin/{page}.html", whole)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **options: Any) -> HttpResponse:
        """The host's page of a user, with a link to ours above it."""
        row = context.get("original")
        if row is not None and staff_behind(self.model, [row.pk]).exists():
            context["ownership_staff"] = self.ownership_staff_address(row.pk)
        opts, theirs = self.opts, super().change_form_template
        several = [f"admin/{opts.app_label}/{opts.model_name}/", f"admin/{opts.app_label}/", "admin/"]
        names = [f"{folder}change_form.html" for folder in several] if theirs is None else [str(theirs)]
        chosen: Any = select_template(names)
        context["ownership_base"] = chosen.template
        return super().render_change_form(request, context, *args, **options)

    def _address_of(self, key: Any) -> str:
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(name, args=[quote(key)])

    # --- the guard on the form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The host's, and a box to tick for whoever deactivates somebody who still holds customers."""
        theirs = super().get_fieldsets(request, obj)
        if obj is None or not self._may_deactivate(request, obj, flatten_fieldsets(theirs)):
            return theirs
        if not self._still_holds(request, obj):
            return theirs
        return [*theirs, (gettext_lazy("Ownership"), {"fields": (CONFIRM,)})]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        """The host's form, which asks for the tick where the box is on the page."""
        fields = options["fields"] if "fields" in options else flatten_fieldsets(self.get_fieldsets(request, obj))
        guarded = CONFIRM in (fields or ())
        if guarded:
            options["fields"] = [name for name in fields if name != CONFIRM]
        form = super().get_form(request, obj, change=change, **options)
        if not guarded:
            return form
        box = forms.BooleanField(
            required=False,
            label=_("Deactivate all the same"),
            help_text=_("Still holds customers. Offboard first, or tick this to leave them with somebody inactive."),
        )
        return type(form.__name__, (_AsksFirst, form), {CONFIRM: box, "flag": self.ownership_active})

    def get_changelist_form(self, request: HttpRequest, **options: Any) -> Any:
        """A list that is edited in place deactivates nobody who still holds customers."""
        form = super().get_changelist_form(request, **options)
        return type(form.__name__, (_Refuses, form), {"flag": self.ownership_active})

    def _may_deactivate(self, request: HttpRequest, row: Any, fields: Iterable[Any]) -> bool:
        flag = self.ownership_active
        if flag not in fields or flag in self.get_readonly_fields(request, row):
            return False
        return bool(self.has_change_permission(request, row) and getattr(row, flag, False))

    def _still_holds(self, request: HttpRequest, row: Any) -> bool:
        """Asked once for a request, whatever is on the form by then."""
        asked: dict[Any, bool] = request.__dict__.setdefault(_ASKED, {})
        if row.pk not in asked:
            asked[row.pk] = bool(holding(self.model, [row.pk]))
        return asked[row.pk]

    # --- the guard on deleting

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """As Django does, once it was confirmed that somebody goes who still holds customers."""
        if request.method == "POST" and CONFIRM not in request.POST:
            row = self.get_object(request, unquote(object_id))
            if row is not None and self.has_delete_permission(request, row):
                warned = self._warned(request, [row.pk])
                if warned is not None:
                    return warned
        return super().delete_view(request, object_id, extra_context)

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> Any:
        """The host's, where Django's own for deleting several asks first."""
        more = {} if action_location is None else {"action_location": action_location}
        actions = super().get_actions(request, **more)
        if "delete_selected" in actions:
            actions = {**actions, "delete_selected": _behind_question(actions["delete_selected"])}
        return actions

    def _warned(self, request: HttpRequest, keys: Iterable[Any]) -> HttpResponse | None:
        """The page that asks, with all that was posted; None where nobody of these holds a customer."""
        found = holding(self.model, keys)
        if not found:
            return None
        rows = rows_of(self.model, [str(one.key) for one in found])
        posted = [(name, one) for name, several in request.POST.lists() for one in several]
        context = {
            "title": _("Still hold customers"),
            "held": [(str(one), self.ownership_staff_address(rows[str(one.key)])) for one in found],
            "hidden": [pair for pair in posted if pair[0] not in ("csrfmiddlewaretoken", CONFIRM)],
            "back": reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist"),
        }
        return self._ownership_page(request, "leaving", context)


class _AsksFirst(forms.BaseModelForm):  # type: ignore[type-arg]
    """A form whose row may be deactivated only with a tick."""

    flag: str

    def clean(self) -> Any:
        """As the host's, and the tick."""
        cleaned = super().clean()
        if self.cleaned_data.get(self.flag) is False and not self.cleaned_data.get(CONFIRM):
            self.add_error(CONFIRM, _("Still holds customers: offboard first, or confirm here."))
        return cleaned


class _Refuses(forms.BaseModelForm):  # type: ignore[type-arg]
    """A form in a list, in which there is no place to tick."""

    flag: str

    def clean(self) -> Any:
        """As the host's; who is deactivated holds nobody."""
        cleaned = super().clean()
        leaves = self.flag in self.changed_data and self.cleaned_data.get(self.flag) is False
        if leaves and holding(type(self.instance), [self.instance.pk]):
            self.add_error(self.flag, _("Still holds customers: offboard first, or confirm on the page of this user."))
        return cleaned


def _behind_question(listed: Any) -> Any:
    """An action as Django lists it: a tuple, from 6.1 on a dataclass."""
    if not isinstance(listed, tuple):
        return dataclasses.replace(listed, func=_asking_first(listed.func))
    func, *rest = listed
    return (_asking_first(func), *rest)


def _asking_first(theirs: Callable[..., Any]) -> Callable[..., Any]:
    """Django's action for deleting several, behind the same question."""

    def deleted(admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> Any:
        if request.POST.get("post") and CONFIRM not in request.POST:
            warned = admin._warned(request, rows.values_list("pk", flat=True))  # noqa: SLF001 - its own
            if warned is not None:
                return warned
        return theirs(admin, request, rows)

    return deleted


def _inventory(bound: BoundOwnership, staff: StaffId) -> Inventory:
    try:
        return bound.service.inventory(bound.actor, staff)
    except Refused as refused:
        raise PermissionDenied(*refused.codes) from None


def _covers(bound: BoundOwnership, inventory: Inventory) -> list[dict[str, Any]]:
    """Who stands in for whom, of the covers that are not over."""
    mine = [one for one in bound.service.covers(bound.actor) if one.id in inventory.covers]
    names = names_of(staff for one in mine for staff in (one.staff, one.by))
    return [
        {"by": names.get(one.by, one.by), "staff": names.get(one.staff, one.staff), "until": from_micros(one.until)}
        for one in mine
    ]
