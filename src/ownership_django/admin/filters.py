"""Filters of the list of customers: by what state they are in, by staff, by department."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ownership_core.scope import ORPHANED, UNASSIGNED, AssignedIn, AssignedTo, Scope
from ownership_django import conf
from ownership_django.models import Assignment, Department, Staff, StaffDepartment
from ownership_django.query import condition
from ownership_django.requests import get_ownership

STATE = "ownership"
CLAIMABLE = "claimable"


class ScopeFilter(SimpleListFilter):
    """A filter each of whose choices is a scope."""

    @classmethod
    def scope(cls, request: HttpRequest, value: str) -> Scope:
        """The sentence that a choice stands for."""
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows the chosen sentence is TRUE of; none for what nobody offered."""
        value = self.value()
        if not value:
            return queryset
        if value not in {str(lookup) for lookup, _title in self.lookup_choices}:
            return queryset.none()
        return queryset.filter(condition(self.scope(request, value)))

    def get_facet_counts(self, pk_attname: str, _filtered: QuerySet[Any]) -> dict[str, Any]:
        """How many rows each choice would leave, all by one statement."""
        return {
            f"{place}__c": Count(pk_attname, filter=condition(self.scope(self.request, str(value))))
            for place, (value, _title) in enumerate(self.lookup_choices)
            if value != CLAIMABLE  # those are no part of this list
        }


class StateFilter(ScopeFilter):
    """Mine, unassigned, orphaned, or open to be claimed.

    Whoever may not list unassigned customers may still be allowed to claim them (``claimable_only``). That is another
    list, asked for with the action ``claim``: see ``OwnershipAdmin.ownership_action``.
    """

    title = _("ownership")
    parameter_name = STATE

    def lookups(self, _request: HttpRequest, _admin: Any) -> list[tuple[str, Any]]:
        """The states."""
        return [
            ("mine", _("Mine")),
            ("unassigned", _("Unassigned")),
            ("orphaned", _("Orphaned: only inactive staff")),
            (CLAIMABLE, _("Open to claim")),
        ]

    @classmethod
    def scope(cls, request: HttpRequest, value: str) -> Scope:
        """The sentence of a state."""
        if value == "mine":
            return AssignedTo([get_ownership(request).actor.id])
        return ORPHANED if value == "orphaned" else UNASSIGNED


class StaffFilter(ScopeFilter):
    """Assigned to a staff; those are offered to whom somebody in the list is assigned."""

    title = _("staff")
    parameter_name = "ownership_staff"

    def lookups(self, request: HttpRequest, admin: Any) -> list[tuple[str, str]]:
        """Keys and names."""
        return [(str(staff.key), str(staff)) for staff in staff_in(request, admin)]

    @classmethod
    def scope(cls, request: HttpRequest, value: str) -> Scope:  # noqa: ARG003 - not every choice asks who asks
        """Assigned to this one."""
        return AssignedTo([value])

    def get_facet_queryset(self, changelist: Any) -> dict[str, int]:
        """How many customers of the list each has, gathered in one pass however many staff there are."""
        rows = changelist.get_queryset(self.request, exclude_parameters=self.expected_parameters())
        held = Assignment.objects.using(conf.configuration().database).filter(customer__in=rows.order_by().values("pk"))
        counts = dict(held.values_list("staff").annotate(many=Count("pk")))
        return {f"{place}__c": counts.get(key, 0) for place, (key, _name) in enumerate(self.lookup_choices)}


class DepartmentFilter(ScopeFilter):
    """Assigned to anybody who works in a department now."""

    title = _("department")
    parameter_name = "ownership_department"

    def lookups(self, request: HttpRequest, admin: Any) -> list[tuple[str, str]]:
        """Keys and names of the departments of all that :class:`StaffFilter` offers."""
        keys = [staff.key for staff in staff_in(request, admin)]
        here = StaffDepartment.objects.filter(staff__in=keys).values("department")
        rows = Department.objects.using(conf.configuration().database).filter(key__in=here).order_by("label", "key")
        return [(str(department.key), str(department)) for department in rows]

    @classmethod
    def scope(cls, request: HttpRequest, value: str) -> Scope:  # noqa: ARG003 - not every choice asks who asks
        """Assigned to somebody of it."""
        return AssignedIn([value])


def staff_in(request: HttpRequest, admin: Any) -> list[Staff]:
    """Everybody who is assigned to a customer in the list, asked once for a request: facets make filters anew."""
    known: dict[str, list[Staff]] = request.__dict__.setdefault("_ownership_staff", {})
    action = admin.ownership_action(request)
    if action not in known:
        listed = admin.get_queryset(request).order_by().values("pk")
        theirs = Assignment.objects.filter(customer__in=listed).values("staff").distinct()
        rows = Staff.objects.using(conf.configuration().database).filter(key__in=theirs)
        known[action] = list(rows.order_by("label", "key"))
    return known[action]


FILTERS: tuple[type[ScopeFilter], ...] = (StateFilter, StaffFilter, DepartmentFilter)
