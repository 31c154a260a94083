"""The bazaar's back office, with one mixin on whatever shows or names customers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.contrib.sites.models import Site
from django.http import HttpRequest

from bazaar.models import Customer, Group, Note, Order, Tag
from bazaar.settings import KEY
from ownership_django.admin import OwnershipAdmin, StaffOwnershipAdmin


@admin.register(Customer)
class CustomerAdmin(OwnershipAdmin, admin.ModelAdmin):
    """The customers: a list that is edited in place, filtered by what stands in other tables."""

    fields = ("full_name", "email", "phone", "site", "invited_by", "enabled")
    list_display = ("full_name", "email", "phone", "invited_by", "inviter")
    list_editable = ("phone",)
    list_filter = ("enabled", "site", "invited_by", "profile__groups", "profile__region", "email")
    list_per_page = 4
    list_select_related = ("invited_by",)
    ordering = ("full_name", "pk")
    search_fields = ("full_name", "email")

    @admin.display
    def inviter(self, customer: Customer) -> str | None:
        """How to write to whoever invited a customer."""
        return customer.invited_by.email if customer.invited_by_id is not None else None

    def get_fields(self, _request: HttpRequest, obj: Any = None) -> Any:
        """Whoever adds a customer says its key, unless the database counts."""
        return ("id", *self.fields) if obj is None and KEY != "int" else self.fields

    def get_form(self, *args: Any, **options: Any) -> Any:
        """What is not known may stay empty."""
        form = super().get_form(*args, **options)
        for field in form.base_fields.values():
            field.required = False
        return form


@admin.register(Order)
class OrderAdmin(OwnershipAdmin, admin.ModelAdmin):
    """What follows a customer."""

    list_display = ("number", "customer")
    list_filter = ("customer",)
    autocomplete_fields = ("customer",)


@admin.register(Note)
class NoteAdmin(OwnershipAdmin, admin.ModelAdmin):
    """The same, by raw ids."""

    list_display = ("text", "customer")
    raw_id_fields = ("customer",)


admin.site.unregister(Site)
admin.site.unregister(User)


@admin.register(Site)
class SiteAdmin(OwnershipAdmin, admin.ModelAdmin):
    """What customers stand in the way of deleting."""

    list_display = ("domain",)


@admin.register(User)
class StaffAdmin(StaffOwnershipAdmin, UserAdmin):
    """The staff, some of it edited in the list."""

    list_display = ("username", "is_active")
    list_editable = ("is_active",)


admin.site.register(Group)


@admin.register(Tag)
class TagAdmin(OwnershipAdmin, admin.ModelAdmin):
    """Words that are stuck on many customers at once."""

    fields = ("name", "customers")
