"""Who is assigned to the customers on a page, by one statement for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from attrs import frozen
from django.utils.translation import gettext as _

from ownership_core.keys import from_micros
from ownership_django import conf
from ownership_django.models import Assignment, Staff


@frozen
class Held:
    """One assignment as a page shows it."""

    staff: str
    name: str
    active: bool
    primary: bool
    role: str
    source: str
    since: datetime

    def __str__(self) -> str:
        return self.name if self.active else _("%(name)s (inactive)") % {"name": self.name}


def held_by(customers: Iterable[Any]) -> dict[Any, list[Held]]:
    """The assignments of these customers by their keys: the primary first, then whoever has been there longest."""
    keys = list(customers)
    found: dict[Any, list[Held]] = {key: [] for key in keys}
    rows = Assignment.objects.using(conf.configuration().database).filter(customer_id__in=keys)
    for row in rows.select_related("staff").order_by("since", "staff_id"):
        found.setdefault(row.customer_id, []).append(_held(row))
    for some in found.values():
        some.sort(key=lambda one: not one.primary)
    return found


def names_of(staff: Iterable[str]) -> dict[str, str]:
    """What these staff are called."""
    rows = Staff.objects.using(conf.configuration().database).filter(key__in=sorted(set(staff)))
    return {str(row.key): str(row) for row in rows}


def _held(row: Assignment) -> Held:
    staff = row.staff
    active = bool(staff.active and not staff.deleted)
    return Held(str(staff.key), str(staff), active, row.primary, row.role, row.source, from_micros(row.since))
