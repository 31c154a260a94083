"""Says who works here and who looks after whom. The one file besides the settings that a site writes, and once."""

from __future__ import annotations

from collections.abc import Mapping

from people import People
from people.nouns import Seller

from ownership_core import Actor, Assign, ChangeDepartment, ChangeStaff, GrantAccess, Mode, Transaction
from ownership_core.model import CustomerId, DepartmentId, StaffId
from ownership_django.service import superusers

INSTALLER = Actor.operator("bring_up")
"""Whoever sets a site up acts for nobody who works there."""


def own(people: People, customers: Mapping[str, str]) -> None:
    """Tell the service about everybody, all or nobody."""
    shop = superusers()
    first = next(seller for seller in people.sellers if seller.role == "admin")
    shop.bootstrap(first.login, f"{first.first} {first.last}", INSTALLER.id)
    with shop.atomic() as together:
        for department, parent in people.departments.items():
            above = None if parent is None else DepartmentId(parent)
            command = ChangeDepartment(DepartmentId(department), create=True, label=department.title(), parent=above)
            together.execute(command, INSTALLER)
        for seller in people.sellers:
            _hire(together, seller, new=seller is not first)
        for number, logins in people.looks_after.items():
            for login in logins:
                given = Assign(CustomerId(customers[number]), StaffId(login), Mode.ADD, source="import")
                together.execute(given, INSTALLER)


def _hire(together: Transaction, seller: Seller, new: bool) -> None:
    """A staff is linked to the user who logs in by its login."""
    staff = StaffId(seller.login)
    departments = frozenset({DepartmentId(seller.department)})
    label = f"{seller.first} {seller.last}"
    hired = ChangeStaff(staff, create=new, label=label, login=seller.login, departments=departments)
    together.execute(hired, INSTALLER)
    if new:
        together.execute(GrantAccess(seller.role, staff=staff), INSTALLER)
