"""The back office. One mixin narrows what staff see of customers and of their orders; another one guards leavers."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User

from ownership_django.admin import OwnershipAdmin, StaffOwnershipAdmin
from shop.models import Customer, Order, OrderLine, PriceGroup, Profile


class ProfileInline(admin.StackedInline):
    """The profile on the customer's page."""

    model = Profile
    autocomplete_fields = ("groups",)


@admin.register(Customer)
class CustomerAdmin(OwnershipAdmin, admin.ModelAdmin):
    """The customers."""

    list_display = ("full_name", "site", "is_active")
    list_filter = ("is_active", "site", "profile__groups", "profile__country")
    list_select_related = ("site",)
    list_per_page = 25
    search_fields = ("full_name", "email", "profile__company", "profile__city")
    inlines = (ProfileInline,)


class LineInline(admin.TabularInline):
    """The articles on the order's page."""

    model = OrderLine
    extra = 0


@admin.register(Order)
class OrderAdmin(OwnershipAdmin, admin.ModelAdmin):
    """The orders, which follow their customers."""

    list_display = ("number", "customer", "placed", "status", "total")
    list_filter = ("status", "placed")
    list_select_related = ("customer",)
    search_fields = ("number", "customer__full_name")
    autocomplete_fields = ("customer",)
    inlines = (LineInline,)


@admin.register(PriceGroup)
class PriceGroupAdmin(admin.ModelAdmin):
    """The price groups."""

    list_display = ("name", "code", "discount")
    search_fields = ("name", "code")


admin.site.unregister(User)


@admin.register(User)
class StaffAdmin(StaffOwnershipAdmin, UserAdmin):
    """Who works here. Nobody leaves with customers unless somebody says so."""
