"""Customers with everything a scope can ask of them, read by one statement."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any

from attrs import frozen
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from ownership_core.fields import Kind
from ownership_core.keys import to_micros
from ownership_core.model import (
    AssignedStaff,
    Assignment,
    Customer,
    CustomerId,
    DepartmentId,
    StaffId,
    Value,
)
from ownership_django.hosts import Customers, Kept, Place
from ownership_django.models import Assignment as AssignmentRow
from ownership_django.models import Head, Share, StaffDepartment, rows_of
from ownership_django.query import UNMAPPED
from ownership_django.store.words import AsJson, JsonList, JsonRow, JsonText, Word, bit


@frozen
class Facts:
    """How the host's customers are read in full."""

    customers: Customers
    using: str

    def of(self, rows: QuerySet[Any], *, shares: bool = False) -> Iterator[Customer]:
        """The customers of a queryset, in its order: a page of them, or with ``shares`` as many as were named."""
        ones = [place for place in self.customers.places.values() if not place.declared.many]
        sets = [place for place in self.customers.places.values() if place.declared.many]
        pk = self.customers.pk.attname
        heads = rows_of(Head, self.using).filter(customer_id=OuterRef(pk))
        found = rows.values_list(
            pk,
            Subquery(heads.values("version")),
            Subquery(heads.values("no_auto")),
            self._assigned(),
            self._shared() if shares else Word("[]"),
            *(F(place.path) for place in ones),
            *(self._set(place) for place in sets),
        )
        return (self._customer(row, ones, sets) for row in found)

    def _assigned(self) -> Subquery:
        units = rows_of(StaffDepartment, self.using).filter(staff_id=OuterRef("staff_id"))
        line = JsonRow(
            F("staff_id"),
            F("slot"),
            F("since"),
            F("role"),
            F("source"),
            bit(Q(staff__active=True, staff__deleted=False), 1, 0),
            AsJson(Subquery(units.values_list(JsonText(JsonList(F("department_id")))))),
        )
        mine = rows_of(AssignmentRow, self.using).filter(customer_id=OuterRef(self.customers.pk.attname))
        return Subquery(mine.values_list(JsonText(JsonList(line))))

    def _shared(self) -> Subquery:
        mine = rows_of(Share, self.using).filter(customer_id=OuterRef(self.customers.pk.attname))
        return Subquery(mine.values_list(JsonText(JsonList(JsonRow(F("staff_id"), F("until"))))))

    def _set(self, place: Place) -> Subquery:
        start = place.start
        rows: QuerySet[Any] = QuerySet(start.model, using=self.using).filter(**{start.link: OuterRef(start.outer)})
        return Subquery(rows.values_list(JsonText(JsonList(F(start.rest)))))

    def _customer(self, row: tuple[Any, ...], ones: list[Place], sets: list[Place]) -> Customer:
        id, version, no_auto, assigned, shared, *rest = row
        values: dict[str, Value | None] = dict(UNMAPPED.values)
        for place, raw in zip(ones, rest, strict=False):
            value = value_of(place, raw)
            values.pop(place.declared.name, None)
            if value is not None:
                values[place.declared.name] = value
        values["no_auto"] = bool(no_auto)
        every_set = {}
        for place, text in zip(sets, rest[len(ones) :], strict=True):
            held = frozenset(_texts_of(place, text))
            if held:
                every_set[place.declared.name] = held
        assignments, staff = _assignments_of(assigned)
        shares = {StaffId(one): until for one, until in json.loads(shared or "[]")}
        return Customer(CustomerId(str(id)), values, every_set, assignments, staff, version or 0, shares)


def value_of(place: Place, raw: Any) -> Value | None:
    """A value of a host's column as scopes compare it; None where it is missing."""
    if raw is None or (place.blank and raw == ""):
        return None
    if place.declared.kind is Kind.TEXT:
        return str(raw)
    if isinstance(raw, datetime):
        return to_micros(raw if raw.tzinfo is not None else raw.replace(tzinfo=UTC))
    if isinstance(raw, date):
        return to_micros(datetime.combine(raw, time(), UTC))
    return raw  # type: ignore[no-any-return]


def _texts_of(place: Place, text: str | None) -> Iterable[str]:
    for raw in json.loads(text or "[]"):
        if raw is None or (place.blank and raw == ""):
            continue
        yield str(uuid.UUID(str(raw))) if place.kept is Kept.UUID else str(raw)


def _assignments_of(text: str) -> tuple[tuple[Assignment, ...], dict[StaffId, AssignedStaff]]:
    assignments, staff = [], {}
    for id, slot, since, role, source, active, departments in json.loads(text):
        name = StaffId(id)
        assignments.append(Assignment(name, slot == 0, since, role, source))
        staff[name] = AssignedStaff(bool(active), frozenset(map(DepartmentId, departments)))
    return tuple(sorted(assignments, key=lambda one: one.staff)), staff
