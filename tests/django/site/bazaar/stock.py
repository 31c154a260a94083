"""Customers of worlds as rows of the bazaar, and the people of worlds as rows of ours: written straight, by no door."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.sites.models import Site
from django.db.models import Model, QuerySet

from bazaar import models as bazaar
from ownership_core.model import Customer
from ownership_core.testing.worlds import World
from ownership_django import models as ours

PROFILE = {"parent": "head", "region": "region", "last_seen": "last_seen"}
OWN = {
    "kind": "sort",
    "name": "full_name",
    "email": "email",
    "phone": "phone",
    "active": "enabled",
    "created_at": "since",
    "score": "score",
    "vip": "is_vip",
}
ADDRESSES = {"": bazaar.Address, "billing_": bazaar.BillingAddress, "shipping_": bazaar.ShippingAddress}
PLACES = {"cities": "city", "states": "state", "zips": "zip", "countries": "country"}


def insert(model: type[Model], rows: Iterable[dict[str, Any]]) -> list[Any]:
    """Rows of a model, whoever guards it."""
    return QuerySet(model).bulk_create([model(**row) for row in rows])


def stock(world: World, cardinality: str = "single") -> None:
    """Everything of a world, in empty tables."""
    insert(ours.Department, ({"key": one.id, "label": one.label, "parent_id": one.parent} for one in world.departments))
    insert(
        ours.Staff,
        ({"key": one.id, "label": one.label, "active": one.active, "deleted": one.deleted} for one in world.staff),
    )
    works = ({"staff_id": one.id, "department_id": unit} for one in world.staff for unit in one.departments)
    insert(ours.StaffDepartment, works)
    sites: dict[str, Any] = {}
    for customer in world.customers:
        _customer(customer, sites)
        _assignments(customer, cardinality)


def _customer(customer: Customer, sites: dict[str, Any]) -> None:
    values, id = customer.values, customer.id
    website = values.get("website")
    if website is not None and website not in sites:
        sites[str(website)] = insert(Site, [{"domain": website, "name": ""}])[0]
    site = None if website is None else sites[str(website)]
    insert(
        bazaar.Customer,
        [{"id": id, "site": site, **{column: values.get(name) for name, column in OWN.items()}}],
    )
    kept = {column: values.get(name) for name, column in PROFILE.items()}
    groups = customer.sets.get("groups", ())
    if groups or any(value is not None for value in kept.values()):
        (profile,) = insert(bazaar.Profile, [{"customer_id": id, **kept}])
        for group in insert(bazaar.Group, ({"code": code} for code in groups)):
            insert(bazaar.Profile.groups.through, [{"profile_id": profile.pk, "group_id": group.pk}])
    for tag in insert(bazaar.Tag, ({"name": name} for name in customer.sets.get("tags", ()))):
        insert(bazaar.Tag.customers.through, [{"tag_id": tag.pk, "customer_id": id}])
    insert(bazaar.Nickname, ({"customer_id": id, "text": one} for one in customer.sets.get("aliases", ())))
    insert(bazaar.Reference, ({"customer_id": id, "code": one} for one in customer.sets.get("external_ids", ())))
    for prefix, model in ADDRESSES.items():
        for name, column in PLACES.items():
            insert(model, ({"customer_id": id, column: one} for one in customer.sets.get(prefix + name, ())))
    if "no_auto" in values:
        insert(ours.Head, [{"customer_id": id, "no_auto": values["no_auto"]}])


def _assignments(customer: Customer, cardinality: str) -> None:
    insert(
        ours.Assignment,
        (
            {
                "customer_id": customer.id,
                "staff_id": one.staff,
                "slot": 0 if one.primary else None,
                "cardinality_id": cardinality,
                "role": one.role,
                "source": one.source,
                "since": one.since,
            }
            for one in customer.assignments
        ),
    )
    shares = ({"staff_id": staff, "until": until} for staff, until in customer.shares.items())
    insert(ours.Share, ({"customer_id": customer.id, **share} for share in shares))
