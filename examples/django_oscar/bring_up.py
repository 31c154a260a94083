"""Brings the shop up: makes its tables, lets people order, and says who looks after whom."""

from __future__ import annotations

import os

from people import BUYERS, PASSWORD, SELLERS


def fill() -> dict[str, int]:
    """Orders by customers, through Oscar's own factories; tells the key of each customer by its name."""
    from oscar.core.loading import get_model  # noqa: PLC0415 - models can be asked for once Django is set up
    from oscar.test import factories  # noqa: PLC0415 - the same

    germany, _ = get_model("address", "Country").objects.get_or_create(
        iso_3166_1_a2="DE", defaults={"printable_name": "Germany", "name": "GERMANY"}
    )
    made = {}
    for number, buyer in enumerate(BUYERS, 1):
        user = factories.UserFactory(
            username=buyer.name.lower(), email=buyer.email, first_name="Customer", last_name=buyer.name
        )
        factories.UserAddressFactory(user=user, country=germany, line4=buyer.city, postcode="10000")
        if buyer.orders:
            factories.create_order(number=f"{1000 + number}", user=user)
        made[buyer.name] = user.pk
    return made


def staff() -> None:
    """Users of the dashboard who may open its pages about users, and one superuser called root."""
    from django.contrib.auth.models import Permission, User  # noqa: PLC0415 - the same

    rights = Permission.objects.filter(codename__in=("dashboard_access", "view_user", "change_user", "delete_user"))
    for seller in SELLERS:
        user = User.objects.create_user(
            seller.login, f"{seller.login}@shop.example", PASSWORD, first_name=seller.label, last_name="Shop"
        )
        user.user_permissions.set(rights)
    User.objects.create_superuser("root", "root@shop.example", PASSWORD)


def own(customers: dict[str, int]) -> None:
    """Tell the service about everybody, all or nobody."""
    from ownership_core import Actor, Assign, ChangeDepartment, ChangeStaff, GrantAccess  # noqa: PLC0415 - the same
    from ownership_core.model import CustomerId, DepartmentId, StaffId  # noqa: PLC0415 - the same
    from ownership_django.service import superusers  # noqa: PLC0415 - the same

    shop, installer = superusers(), Actor.operator("bring_up")
    first = next(seller for seller in SELLERS if seller.role == "admin")
    shop.bootstrap(first.login, first.label, installer.id)
    with shop.atomic() as together:
        for department in sorted({seller.department for seller in SELLERS}):
            unit = DepartmentId(department)
            together.execute(ChangeDepartment(unit, create=True, label=department.title()), installer)
        for seller in SELLERS:
            new, works = seller is not first, frozenset({DepartmentId(seller.department)})
            id = StaffId(seller.login)
            hired = ChangeStaff(id, create=new, label=seller.label, login=seller.login, departments=works)
            together.execute(hired, installer)
            if new:
                together.execute(GrantAccess(seller.role, staff=id), installer)
        for buyer in BUYERS:
            if buyer.seller is not None:
                given = Assign(CustomerId(str(customers[buyer.name])), StaffId(buyer.seller), source="import")
                together.execute(given, installer)


def bring_up() -> dict[str, int]:
    """Fill a shop whose tables are there."""
    customers = fill()
    staff()
    own(customers)
    return customers


def main() -> None:
    """The command line."""
    import django  # noqa: PLC0415 - first the settings
    from django.core.management import call_command  # noqa: PLC0415 - the same

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    many = len(bring_up())
    print(f"{many} users. Log in at /dashboard/ as mara@shop.example, lena@..., anna@... or root@...")
    print(f"Every password is {PASSWORD!r}.")


if __name__ == "__main__":
    main()
