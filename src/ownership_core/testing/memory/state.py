"""What the memory store holds: one dict of frozen values per table, copied for every transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, TypeAlias, cast

import attrs
from attrs import define, frozen
from attrs import field as attribute

from ownership_core.errors import Conflict, Problem
from ownership_core.events import Event, Subject
from ownership_core.fields import Fields
from ownership_core.keys import KeyType, id_order
from ownership_core.model import (
    Access,
    Actor,
    AssignedStaff,
    Assignment,
    Covered,
    CoverRow,
    Customer,
    CustomerId,
    Department,
    DepartmentId,
    GroupRestriction,
    Level,
    Staff,
    StaffId,
    Value,
)
from ownership_core.policies import SINGLE
from ownership_core.ports import Remembered, Run, Task
from ownership_core.rules import Rule
from ownership_core.ruling import PlanRow

EventKey: TypeAlias = tuple[str, str, int]


@frozen
class Options:
    """How a memory store was opened."""

    fields: Fields
    customer_key: KeyType
    staff_key: KeyType


@frozen
class Row:
    """A customer's own fields. ``no_auto`` is not among them: it lives in the head."""

    values: Mapping[str, Value]
    sets: Mapping[str, frozenset[str]]
    email_key: str | None


@frozen
class Head:
    """What outlives a customer: how many events it had, and whether rules may assign it."""

    version: int = 0
    no_auto: bool = False


@define
class State:
    """All tables. Values are frozen, so a copy of the dicts is a copy of everything."""

    options: Options
    cardinality: str
    rows: dict[CustomerId, Row] = attribute(factory=dict)
    heads: dict[CustomerId, Head] = attribute(factory=dict)
    assignments: dict[CustomerId, tuple[Assignment, ...]] = attribute(factory=dict)
    staff: dict[StaffId, Staff] = attribute(factory=dict)
    access_versions: dict[StaffId, int] = attribute(factory=dict)
    departments: dict[DepartmentId, Department] = attribute(factory=dict)
    roles: dict[str, Mapping[str, Level]] = attribute(factory=dict)
    covers: dict[str, CoverRow] = attribute(factory=dict)
    shares: dict[CustomerId, Mapping[StaffId, int]] = attribute(factory=dict)
    events: dict[EventKey, Event] = attribute(factory=dict)
    runs: dict[str, Run] = attribute(factory=dict)
    plan_rows: dict[str, Mapping[CustomerId, PlanRow]] = attribute(factory=dict)
    remembered: dict[tuple[Actor, str], tuple[Remembered, int]] = attribute(factory=dict)
    outbox: dict[tuple[str, StaffId], Task] = attribute(factory=dict)
    rotations: dict[str, StaffId] = attribute(factory=dict)
    rules: dict[str, Rule] = attribute(factory=dict)

    def copy(self) -> State:
        """The same tables, free to be written to."""
        return State(self.options, self.cardinality, *(dict(table) for table in self._tables().values()))

    def digest(self) -> str:
        """A hash over every row of every table, whatever order they were written in."""
        tables = {name: _plain(table) for name, table in self._tables().items()}
        text = json.dumps({**tables, "cardinality": self.cardinality}, sort_keys=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def _tables(self) -> dict[str, dict[Any, Any]]:
        return {a.name: getattr(self, a.name) for a in attrs.fields(State) if a.name not in ("options", "cardinality")}

    # Customers

    def customer(self, id: CustomerId) -> Customer | None:
        """A customer with everything a scope can ask about it; None when there is none."""
        row = self.rows.get(id)
        if row is None:
            return None
        head = self.heads.get(id, Head())
        assignments = self.assignments.get(id, ())
        staff = {a.staff: self._assigned(a.staff) for a in assignments}
        values: dict[str, Value | None] = {**row.values, "no_auto": head.no_auto}
        return Customer(id, values, row.sets, assignments, staff, head.version, self.shares.get(id, {}))

    def customers(self) -> Iterator[Customer]:
        """All customers in id order."""
        for id in self.in_order(self.rows):
            customer = self.customer(id)
            if customer is not None:
                yield customer

    def in_order(self, ids: Iterable[CustomerId]) -> list[CustomerId]:
        """``ids`` sorted as every store sorts customer ids."""
        return sorted(ids, key=lambda id: id_order(id, self.options.customer_key))

    def staff_order(self, staff: Iterable[StaffId]) -> list[StaffId]:
        """``staff`` sorted as every store sorts staff ids."""
        return sorted(staff, key=lambda id: id_order(id, self.options.staff_key))

    def _assigned(self, staff: StaffId) -> AssignedStaff:
        known = self.staff[staff]
        return AssignedStaff(known.active and not known.deleted, known.departments)

    def assign(self, id: CustomerId, assignments: Iterable[Assignment]) -> None:
        """Replace a customer's assignments, or ``conflict`` where a database's constraints would object."""
        by_staff = {a.staff: a for a in assignments}
        kept = tuple(by_staff[staff] for staff in self.staff_order(by_staff))
        if any(a.staff not in self.staff for a in kept):
            raise conflict("An assignment names a staff that does not exist.")
        if sum(a.primary for a in kept) > 1:
            raise conflict("A customer has at most one primary.")
        if self.cardinality == SINGLE and (len(kept) > 1 or any(not a.primary for a in kept)):
            raise conflict("In single a customer has at most one assignment, and it is primary.")
        self.assignments.pop(id, None)
        if kept:
            self.assignments[id] = kept

    def share(self, id: CustomerId, gained: Collection[StaffId], lost: Iterable[Assignment], until: int | None) -> None:
        """End the share of who is assigned, and give those who lost the customer one until then at least."""
        kept = {staff: end for staff, end in self.shares.get(id, {}).items() if staff not in gained}
        if until is not None:
            kept |= {one.staff: max(until, kept.get(one.staff, until)) for one in lost}
        self.shares.pop(id, None)
        if kept:
            self.shares[id] = kept

    def check_email_key(self, id: CustomerId, email_key: str | None) -> None:
        """``conflict`` when another customer has this e-mail key."""
        if email_key is not None and any(row.email_key == email_key for other, row in self.rows.items() if other != id):
            raise conflict("Another customer has this e-mail address.")

    # Events

    def record(self, event: Event) -> None:
        """Store an event; its subject and version are its identity."""
        key = (event.subject_kind.value, event.subject, event.version)
        if key in self.events:
            raise conflict("This version of the subject has been written already.")
        self.events[key] = event

    def events_of(self, kind: Subject | None, subject: str | None, run: str | None) -> list[Event]:
        """Events by (kind, subject, version), narrowed to what is given."""
        found = [event for _, event in sorted(self.events.items(), key=lambda item: item[0])]
        return [
            event
            for event in found
            if (kind is None or event.subject_kind is kind)
            and (subject is None or event.subject == subject)
            and (run is None or event.run == run)
        ]

    # Access

    def access(self, staff: StaffId) -> Access | None:
        """The access snapshot of one staff; None when unknown or deleted."""
        who = self.staff.get(staff)
        if who is None or who.deleted:
            return None
        return Access(
            staff=staff,
            active=who.active,
            version=self.access_versions[staff],
            roles=who.roles,
            levels=self._best_levels(who.roles),
            departments=who.departments,
            tree=self._below(who.departments),
            websites=who.websites,
            restrictions=self._restrictions(who),
            covers=tuple(self._covered(one) for _, one in sorted(self.covers.items()) if one.by == staff),
            shared_until=max((shares.get(staff, 0) for shares in self.shares.values()), default=0),
        )

    def _covered(self, cover: CoverRow) -> Covered:
        levels = self._best_levels(self.staff[cover.staff].roles)
        actions = frozenset(action for action, level in levels.items() if level >= Level.OWN)
        return Covered(cover.staff, cover.since, cover.until, actions)

    def covering(self, staff: Iterable[StaffId]) -> set[StaffId]:
        """These staff, and whoever is named to stand in for one of them."""
        covered = set(staff)
        return covered | {cover.by for cover in self.covers.values() if cover.staff in covered}

    def raise_access(self, staff: Iterable[StaffId]) -> None:
        """Let every snapshot of these staff go stale."""
        for id in staff:
            self.access_versions[id] = self.access_versions.get(id, 0) + 1

    def _best_levels(self, roles: Iterable[str]) -> dict[str, Level]:
        best: dict[str, Level] = {}
        for role in roles:
            for action, level in self.roles.get(role, {}).items():
                best[action] = max(level, best.get(action, level))
        return best

    def _below(self, departments: Iterable[DepartmentId]) -> frozenset[DepartmentId]:
        found = frozenset(departments)
        while True:
            wider = found | {d.id for d in self.departments.values() if d.parent in found}
            if wider == found:
                return found
            found = wider

    def _above(self, departments: Iterable[DepartmentId]) -> frozenset[DepartmentId]:
        found = frozenset(departments)
        while True:
            known = (self.departments[id] for id in found if id in self.departments)
            wider = found | {d.parent for d in known if d.parent is not None}
            if wider == found:
                return found
            found = wider

    def _restrictions(self, who: Staff) -> tuple[GroupRestriction, ...]:
        units = (self.departments.get(id) for id in sorted(self._above(who.departments)))
        found = [unit.restriction for unit in units if unit is not None]
        return tuple(restriction for restriction in (*found, who.restriction) if restriction is not None)


def conflict(what: str) -> Conflict:
    """What a database says when a constraint would break."""
    return Conflict(Problem("conflict", what, "Read again and repeat the command."), who="memory store")


def _plain(value: object) -> object:
    """``value`` as JSON with one spelling: keys and sets sorted by their own JSON."""
    if isinstance(value, Enum) or value is None or isinstance(value, str | int):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Mapping):
        return sorted(([_plain(key), _plain(one)] for key, one in value.items()), key=_spelled)
    if isinstance(value, frozenset | set):
        return sorted((_plain(one) for one in value), key=_spelled)
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return {a.name: _plain(getattr(value, a.name)) for a in attrs.fields(cast("Any", type(value)))}


def _spelled(value: object) -> str:
    return json.dumps(value, sort_keys=True)
