"""The one mixin a host's admin gains."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from ownership_core.commands import CreateCustomer, DeleteCustomer, NewCustomer
from ownership_core.errors import InvalidInput, OwnershipError, Refused
from ownership_core.model import Action, CustomerId
from ownership_core.settings import Channel
from ownership_django.admin.actions import SelectedPage, names_for
from ownership_django.admin.filters import CLAIMABLE, FILTERS, STATE
from ownership_django.admin.held import Held, held_by
from ownership_django.admin.inline import AssignmentInline
from ownership_django.admin.limits import LimitedAdmin
from ownership_django.admin.lists import HELD, owned_list, seen_filter
from ownership_django.admin.pages import CustomerPages
from ownership_django.admin.paths import ITSELF
from ownership_django.admin.plans import PlanPage
from ownership_django.admin.runs import RunPages
from ownership_django.admin.shortcut import guard_shortcut
from ownership_django.admin.words import said_of
from ownership_django.requests import get_ownership


class OwnershipAdmin(SelectedPage, PlanPage, RunPages, CustomerPages, LimitedAdmin):
    """``class CustomerAdmin(OwnershipAdmin, admin.ModelAdmin)``: first the mixin, then whatever there was.

    The admin of the customers shows those its user may see, who is assigned to them, and pages to change that, each
    by a plan that is shown before it is applied. On the admin of another model it limits rows that follow a customer
    (orders) to those of visible customers, and what its forms and filters name.
    """

    def __init__(self, model: Any, admin_site: Any) -> None:
        super().__init__(model, admin_site)
        guard_shortcut(admin_site)

    ownership_columns = ("ownership_primary", "ownership_assigned")

    def ownership_is_of_customers(self) -> bool:
        """Whether this is the customers' own admin."""
        return self.ownership_path() == ITSELF

    def ownership_action(self, request: HttpRequest) -> str:
        """``view``; ``claim`` for the list of customers that are open to claim, which may not be listed otherwise."""
        said: str | None = getattr(request, "ownership_action", None)
        if said is None and self.ownership_is_of_customers() and request.GET.get(STATE) == CLAIMABLE:
            match = request.resolver_match
            if match is not None and match.url_name == f"{self.opts.app_label}_{self.opts.model_name}_changelist":
                return Action.CLAIM
        return Action.VIEW if said is None else said

    @property
    def media(self) -> forms.Media:
        """The host's files and our one style sheet."""
        ours = forms.Media(css={"all": ["ownership/admin.css"]})
        return super().media + ours

    # --- the list

    def get_list_display(self, request: HttpRequest) -> Any:
        """The host's columns, then who stands for a customer and who else is assigned."""
        shown = super().get_list_display(request)
        if not self.ownership_is_of_customers():
            return shown
        return (*shown, *(column for column in self.ownership_columns if column not in shown))

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """None from the list of those that can only be claimed: they have no page yet."""
        if self.ownership_action(request) != Action.VIEW:
            return None
        return super().get_list_display_links(request, list_display)

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Ours, then the host's with choices limited to what the user may see."""
        theirs = [seen_filter(self.model, one) for one in super().get_list_filter(request)]
        return [*FILTERS, *theirs] if self.ownership_is_of_customers() else theirs

    def get_changelist(self, request: HttpRequest, **options: Any) -> Any:
        """The host's kind of list, which also knows what is hidden and who is assigned."""
        return owned_list(super().get_changelist(request, **options))

    @admin.display(description=_("primary"))
    def ownership_primary(self, customer: Any) -> str | None:
        """Who stands for the customer."""
        return next((str(one) for one in _held(customer) if one.primary), None)

    @admin.display(description=_("also assigned"))
    def ownership_assigned(self, customer: Any) -> str | None:
        """Everybody else who is assigned."""
        return ", ".join(str(one) for one in _held(customer) if not one.primary) or None

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> Any:
        """The host's actions, and on the list those of ours that the user may do to anybody.

        Those who can only be claimed are for ours alone: a host's export is not for rows nobody may view.
        """
        more = {} if action_location is None else {"action_location": action_location}
        actions = super().get_actions(request, **more) if self.ownership_action(request) == Action.VIEW else {}
        listed = getattr(action_location, "name", "CHANGE_LIST") == "CHANGE_LIST"
        if not listed or self.actions is None or "_popup" in request.GET or not self.ownership_is_of_customers():
            return actions
        return {**actions, **{name: self.get_action(name) for name in names_for(get_ownership(request))}}

    def response_action(  # type: ignore[override]
        self, request: HttpRequest, queryset: QuerySet[Any], **more: Any
    ) -> Any:
        """As Django does, whatever more its newer versions hand over; 400 for what can be no key of a customer."""
        if self.ownership_is_of_customers() and request.POST.get("select_across") != "1":
            try:
                get_ownership(request).service.edge.customer_ids(request.POST.getlist(ACTION_CHECKBOX_NAME))
            except InvalidInput as nonsense:
                raise SuspiciousOperation(*nonsense.codes) from None
        return super().response_action(request, queryset, **more)

    # --- one customer

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> Any:
        """The host's, and last who is assigned."""
        inlines = super().get_inline_instances(request, obj)
        if obj is None or not self.ownership_is_of_customers():
            return inlines
        last = AssignmentInline(self.model, self.admin_site)
        last.owner = self
        return [*inlines, last]

    def get_urls(self) -> list[URLPattern]:
        """Our pages before the host's, whose address of a customer takes whatever comes."""
        ours = [*self.plan_urls(), *self.run_urls(), *self.ownership_urls()] if self.ownership_is_of_customers() else []
        return [*ours, *super().get_urls()]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """A customer that is new is told to the service, whose creation policy says who owns it."""
        super().save_related(request, form, formsets, change)
        if not change and self.ownership_is_of_customers():
            new = NewCustomer(CustomerId(str(form.instance.pk)))
            for warning in get_ownership(request).execute(CreateCustomer(new, Channel.STAFF)).warnings:
                self.message_user(request, said_of(warning), messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """A customer is deleted by a command first, so that its history says who did it."""
        self._delete_first(request, [obj.pk])
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The same for several, all or none."""
        with transaction.atomic(using=queryset.db):
            self._delete_first(request, list(queryset.values_list("pk", flat=True)))
            super().delete_queryset(request, queryset)

    def _delete_first(self, request: HttpRequest, keys: list[Any]) -> None:
        if not self.ownership_is_of_customers():
            return
        bound = get_ownership(request)
        size = bound.service.settings.limits.ids
        try:
            for start in range(0, len(keys), size):
                ids = [CustomerId(str(key)) for key in keys[start : start + size]]
                bound.execute(DeleteCustomer(ids), strict=True)
        except Refused as refused:
            raise PermissionDenied(*refused.codes) from None

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """As Django does; what the service refuses is undone and said."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except OwnershipError as refused:
            if request.method != "POST":
                raise
            self.ownership_errors(request, refused)
            return HttpResponseRedirect(request.get_full_path())


def _held(customer: Any) -> list[Held]:
    """From the list it stands in, or looked up where it stands alone."""
    held: list[Held] | None = getattr(customer, HELD, None)
    return held_by([customer.pk])[customer.pk] if held is None else held
