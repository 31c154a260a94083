"""Rows of ours that say something of customers: who is assigned to them, who else sees them, whom rules leave alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, assert_never

from django.db.models import Exists, OuterRef, Q, QuerySet

from ownership_core.model import StaffId
from ownership_core.scope import Members, Outsiders, StaffSet, Wildcard
from ownership_django.hosts import rows_in
from ownership_django.models import Assignment, Head, Share, Staff, StaffDepartment
from ownership_django.values import Part


def left_alone() -> QuerySet[Any]:
    """The heads of customers that rules leave alone (``no_auto``)."""
    return rows_in(Head).filter(no_auto=True)


def assignments(*conditions: Q) -> QuerySet[Any]:
    """The assignments for which these hold."""
    return rows_in(Assignment).filter(*conditions)


def shares(staff: frozenset[StaffId], at: int) -> QuerySet[Any]:
    """The shares of these staff that end after a moment."""
    return rows_in(Share).filter(staff_id__in=sorted(staff), until__gt=at)


def to_staff(staff: StaffSet, *, one_by_one: bool) -> Part:
    """Of an assignment: it is to one of these; asked about each by itself, or as a list of all of them."""
    match staff:
        case Wildcard.ANY:
            return True
        case Wildcard.ANY_ACTIVE:
            return Q(staff__active=True, staff__deleted=False)
        case Members(departments):
            if not departments:
                return False
            return Q(_works_in(departments)) if one_by_one else Q(staff_id__in=_working_in(departments))
        case Outsiders(departments):
            return Q(~_works_in(departments)) if departments else True
        case frozenset():
            return Q(staff_id__in=sorted(staff)) if staff else False
        case _:
            assert_never(staff)


def to_staff_of(several: Sequence[StaffSet]) -> Q:
    """To one of the staff of several sets, as one list that an index can follow."""
    ids: set[str] = set()
    departments: set[str] = set()
    for staff in several:
        if isinstance(staff, Members):
            departments |= staff.departments
        elif isinstance(staff, frozenset):
            ids |= staff
    # One join of staff, and no subquery in the OR: databases guess its size well, and begin with it.
    listed = rows_in(Staff).filter(Q(key__in=sorted(ids)) | Q(works_in__department_id__in=sorted(departments)))
    return Q(staff_id__in=listed.values("key"))


def _works_in(departments: Iterable[str]) -> Exists:
    return Exists(_working_in(departments).filter(staff_id=OuterRef("staff_id")))


def _working_in(departments: Iterable[str]) -> QuerySet[Any]:
    return rows_in(StaffDepartment).filter(department_id__in=sorted(departments)).values("staff_id")
