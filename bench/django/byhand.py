"""The same questions as a careful Django developer asks them by hand, on the same tables: what we are held against.

Who asks and what they may do is read by one statement, as any program must; the customers then are a queryset that
carries the same guard as ours: nothing is found once that access has changed.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen
from django.contrib.auth.models import User
from django.db import connections
from django.db.models import Exists, OuterRef, Q, QuerySet

from bench.django.load import shop_model
from bench.django.site import Router
from ownership_django.models import Assignment, Staff, StaffDepartment

Customer, Profile = shop_model("Customer"), shop_model("Profile")
ORDER = ("full_name", "pk")
PAGE = 50
ACCESS = """
SELECT 'staff', s.key, s.access_version, s.active, s.website_restricted, s.group_mode FROM ownership_staff s
 JOIN auth_user u ON u.id = s.user_id WHERE s.user_id = %s AND NOT s.deleted AND u.is_active AND NOT u.is_superuser
UNION ALL SELECT 'website', w.website, 0, true, true, NULL FROM ownership_staffwebsite w
 JOIN ownership_staff s ON s.key = w.staff_id WHERE s.user_id = %s
UNION ALL SELECT 'level', '', max(l.level), true, true, NULL FROM ownership_staffrole r
 JOIN ownership_staff s ON s.key = r.staff_id JOIN ownership_rolelevel l ON l.role_id = r.role_id
 WHERE s.user_id = %s AND l.action = 'view'
UNION ALL SELECT 'unit', d.department_id, 0, true, true, NULL FROM ownership_staffdepartment d
 JOIN ownership_staff s ON s.key = d.staff_id WHERE s.user_id = %s
UNION ALL SELECT 'denied', g.customer_group, 0, true, true, NULL FROM ownership_staffgroup g
 JOIN ownership_staff s ON s.key = g.staff_id WHERE s.user_id = %s
"""


@frozen
class Mine:
    """What one user may do."""

    staff: str
    version: int
    level: int
    websites: list[str]
    units: list[str]
    denied: list[str]


def mine(user: User) -> Mine:
    """Read it."""
    with connections[Router.here].cursor() as cursor:
        cursor.execute(ACCESS, [user.pk] * 5)
        rows = cursor.fetchall()
    listed: dict[str, list[str]] = {"website": [], "unit": [], "denied": [], "staff": [], "level": []}
    numbers = {}
    for what, text, number, *_ in rows:
        listed[what].append(text)
        numbers[what] = number
    return Mine(
        listed["staff"][0], numbers["staff"], numbers["level"], listed["website"], listed["unit"], listed["denied"]
    )


def visible(user: User, *, walk: bool) -> QuerySet[Any]:
    """The customers a user may view: gathered from the assignments, or walked and asked one by one."""
    me = mine(user)
    group = Profile.groups.through.objects.filter(profile__customer=OuterRef("pk"))
    found: QuerySet[Any] = Customer.objects.filter(
        Exists(group), ~Exists(group.filter(pricegroup__code__in=me.denied)), site__domain__in=me.websites
    )
    held = Staff.objects.filter(key=me.staff, active=True, deleted=False, access_version=me.version)
    login = Q(user__isnull=True) | Q(user__is_active=True, user__is_superuser=False)
    found = found.filter(Exists(held.filter(login)))
    assigned = Assignment.objects.filter(_reached(me))
    if walk:
        return found.filter(Exists(assigned.filter(customer_id=OuterRef("pk"))))
    return found.filter(pk__in=assigned.values("customer_id"))


def _reached(me: Mine) -> Q:
    if me.level == 1:
        return Q(staff_id=me.staff)
    colleagues = StaffDepartment.objects.filter(department_id__in=me.units).values("staff_id")
    return Q(staff_id=me.staff) | Q(staff_id__in=colleagues)


def page(found: QuerySet[Any]) -> list[Any]:
    """The first customers by name."""
    return list(found.order_by(*ORDER)[:PAGE])
