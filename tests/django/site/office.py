"""A back office to try doors in: five staff of two departments, and customers that not everybody may see.

``lena`` and ``tom`` are associates in the north, ``mara`` manages it; ``zoe`` is alone in the south; ``anna`` may do
everything; ``ghost`` is not active any more. ``root`` is a superuser of the site and no staff.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import furnished
from bazaar.models import Customer, Group, Note, Order, Profile
from bazaar.settings import KEY
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.contrib.sites.models import Site
from django.test import Client
from django.urls import reverse

from ownership_core.commands import Assign, ChangeDepartment, ChangeStaff, GrantAccess
from ownership_core.model import Actor, CustomerId, DepartmentId, StaffId
from ownership_django.service import superusers

OPERATOR = Actor.operator("installer")
CREW = {
    "lena": ("north", "associate"),
    "tom": ("north", "associate"),
    "mara": ("north", "manager"),
    "zoe": ("south", "associate"),
    "anna": ("north", "admin"),
    "ghost": ("north", "associate"),
}
OWNED = {"adler": "lena", "birke": "lena", "clara": "tom", "dohle": "zoe", "eiche": None, "falke": "ghost"}
"""Who owns which customer at first; ``dohle`` is hidden from all of the north."""

_BASE = "admin:bazaar_customer"


def id_of(name: str) -> str:
    """The id of the customer of this name, of whatever type the bazaar's keys are."""
    if KEY == "uuid":
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    return str(int.from_bytes(name.encode()[:7], "big")) if KEY == "int" else name


def name_of(name: str) -> str:
    """What the customer is called on pages."""
    return f"{name.title()} Kundin"


class Office:
    """The site, its people, and a browser for each of them."""

    def __init__(self, owned: Mapping[str, str | None] | None = None) -> None:
        self.service = superusers()
        self.owned = OWNED if owned is None else owned
        kind = repr((self.owned, settings.OWNERSHIP))
        if not furnished.put_back(kind):
            before = furnished.rows_now()
            self._build()
            furnished.keep(kind, before)
        self.site = Site.objects.get(name="north")
        allowed = Permission.objects.filter(content_type__app_label__in=("bazaar", "sites"))
        through, people = User.user_permissions.through, User.objects.filter(username__in=CREW)
        through.objects.bulk_create(through(user=user, permission=one) for user in people for one in allowed)

    def _build(self) -> None:
        self.site = Site.objects.create(domain="north.example", name="north")
        self.service.bootstrap("anna", "Anna", "installer")
        for department in ("north", "south"):
            self.do(ChangeDepartment(DepartmentId(department), create=True, label=department.title()))
        for name, (department, role) in CREW.items():
            self._hire(name, department, role)
        User.objects.create_superuser("root", password="")
        for name, owner in self.owned.items():
            self.add(name, owner)
        self.do(ChangeStaff(StaffId("ghost"), active=False))

    def _hire(self, name: str, department: str, role: str) -> None:
        User.objects.create(username=name, is_staff=True)
        staff, departments = StaffId(name), frozenset({DepartmentId(department)})
        hired = ChangeStaff(staff, create=name != "anna", label=name.title(), login=name, departments=departments)
        self.do(hired)
        if name != "anna":
            self.do(GrantAccess(role, staff=staff))

    def add(self, name: str, owner: str | None = None, **values: Any) -> Customer:
        """A customer with a profile, an order and a note."""
        values = {"full_name": name_of(name), "email": f"{name}@mail.example", "site": self.site, **values}
        customer = Customer.objects.create(id=id_of(name), **values)
        profile = Profile.objects.create(customer=customer, region=f"region-of-{name}")
        profile.groups.add(Group.objects.create(code=f"group-of-{name}"))
        Order.objects.create(customer=customer, number=f"order-of-{name}")
        Note.objects.create(customer=customer, author=User.objects.get(username="root"), text=f"note-on-{name}")
        if owner is not None:
            self.do(Assign(CustomerId(id_of(name)), StaffId(owner)))
        return customer

    def do(self, command: Any, actor: Actor = OPERATOR) -> Any:
        """Execute a command as whoever installs the site."""
        return self.service.execute(command, actor)

    def browser(self, name: str) -> Client:
        """Somebody logged in."""
        client = Client()
        client.force_login(User.objects.get(username=name))
        return client

    def key_of(self, name: str) -> Any:
        """The key of somebody's user."""
        return User.objects.get(username=name).pk

    def owners(self) -> dict[str, list[str]]:
        """Who is assigned to whom now, the primary first."""
        with self.service.store.reader() as reader:
            found = {customer.id: customer for customer in reader.customers([id_of(name) for name in self.owned])}
        return {
            name: [one.staff for one in sorted(found[id_of(name)].assignments, key=lambda one: not one.primary)]
            for name in self.owned
            if id_of(name) in found
        }

    def digest(self) -> tuple[Any, ...]:
        """All of our tables, and how many rows of the host's there are."""
        hosts = tuple(model.objects.count() for model in (Customer, Profile, Order, Note, Group))
        return self.service.store.digest(), hosts, tuple(Customer.objects.order_by("pk").values_list())


def page(name: str, *args: Any) -> str:
    """The address of a page of the customers' admin: ``changelist``, ``change``, ``ownership_why`` ..."""
    return reverse(f"{_BASE}_{name}", args=args)


def text_of(response: Any) -> str:
    """A page without the token that differs each time."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", response.content.decode())


def listed(response: Any) -> set[str]:
    """The customers a list shows, by the names they were made with."""
    rows = response.context["cl"].result_list
    return {str(row).removesuffix(" Kundin").lower() for row in rows}


def named(text: str, names: Iterable[str]) -> set[str]:
    """Those of ``names`` that a page gives away: by name, address, group, region, order or note."""
    signs = ("{} kundin", "{}@mail", "group-of-{}", "region-of-{}", "order-of-{}", "note-on-{}")
    return {name for name in names if any(sign.format(name) in text.lower() for sign in signs)}


def choose(browser: Client, verb: str, names: list[str], query: str = "", **more: Any) -> Any:
    """Both steps of an action of the list; ends on the plan's page, or on the page that says what is wrong."""
    ticked = {"action": f"ownership_{verb}", "index": "0", "_selected_action": [id_of(name) for name in names], **more}
    asked = browser.post(page("changelist") + query, ticked)
    assert asked.status_code == 200
    step = {name: value for name, value in asked.context["hidden"] if name != "_selected_action"}
    step["_selected_action"] = [value for name, value in asked.context["hidden"] if name == "_selected_action"]
    return browser.post(page("changelist") + query, {**step, "reason": "holiday", **more}, follow=True)


def on_plan(response: Any) -> str:
    """The address of the plan a browser has come to."""
    return str(response.redirect_chain[-1][0])


def words_of(response: Any) -> str:
    """A page as it is read, without its marks."""
    return " ".join(re.sub(r"<[^>]*>", " ", text_of(response)).split())
