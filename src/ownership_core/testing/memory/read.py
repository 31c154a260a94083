"""The questions of the ``Reader`` port, answered one customer at a time by :mod:`ownership_core.evaluate`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cmp_to_key, partial
from itertools import islice

from attrs import evolve, frozen

from ownership_core.distribute import Marked
from ownership_core.errors import Problem, UncompilableScope
from ownership_core.evaluate import holds
from ownership_core.events import Event, Subject
from ownership_core.fields import Field, Fold
from ownership_core.keys import id_order
from ownership_core.model import Access, Actor, CoverRow, Customer, CustomerId, Department, Level, Staff, StaffId, Value
from ownership_core.ports import Guard, Load, Order, Position, Query, Run, Task
from ownership_core.rules import Rule
from ownership_core.ruling import Fate, PlanRow
from ownership_core.scope import Scope
from ownership_core.testing.memory.state import State


class MemoryReader:
    """Answers from one state: a snapshot for a reader, the copy being written for a writer."""

    def __init__(self, state: State) -> None:
        self._state = state

    def access(self, staff: Collection[StaffId] | None) -> dict[StaffId, Access]:
        """Access snapshots of these staff, or of all; unknown and deleted ones are left out."""
        wanted = self._state.staff if staff is None else set(staff)
        found = {id: self._state.access(id) for id in self._state.staff_order(wanted)}
        return {id: snapshot for id, snapshot in found.items() if snapshot is not None}

    def page(self, query: Query, order: Order, after: Position | None, limit: int) -> list[Customer]:
        """The next ``limit`` customers in ``order``."""
        declared = self._state.options.fields[order.field]
        if declared.fold is Fold.DATABASE:
            raise UncompilableScope(
                Problem("uncompilable_scope", f"Only the database can sort by the field {declared.name!r}.")
            )
        places = {c.id: self._place(declared, c.values.get(declared.name), c.id) for c in self._matching(query)}
        before = cmp_to_key(partial(_compare, order.descending))
        start = None if after is None else before(self._place(declared, after.value, after.id))
        later = [id for id, place in places.items() if start is None or before(place) > start]
        found = self._known(sorted(later, key=lambda id: before(places[id]))[:limit])
        return [evolve(customer, shares={}) for customer in found]

    def count(self, query: Query, at_most: int | None = None) -> int:
        """How many customers there are; counting ends at ``at_most``."""
        return sum(1 for _ in islice(self._matching(query), at_most))

    def ids(self, query: Query) -> Iterator[CustomerId]:
        """All ids in id order."""
        return iter([customer.id for customer in self._matching(query)])

    def check(self, query: Query, ids: Sequence[CustomerId]) -> frozenset[CustomerId]:
        """Those of ``ids`` the query holds of."""
        if not self._guarded(query.guard):
            return frozenset()
        return frozenset(c.id for c in self.customers(ids) if self._holds(query.scope, c))

    def marks(
        self, query: Query, scopes: Sequence[Scope], fields: Sequence[str], after: CustomerId | None, limit: int
    ) -> list[Marked]:
        """The next ``limit`` customers in id order, each with which of ``scopes`` are TRUE of it."""
        key = self._state.options.customer_key
        later = (c for c in self._matching(query) if after is None or id_order(c.id, key) > id_order(after, key))
        return [
            Marked(
                customer=one.id,
                held=sum(1 << place for place, scope in enumerate(scopes) if self._holds(scope, one)),
                values={name: one.values.get(name) for name in fields},
                primary=one.primary,
            )
            for one in islice(later, limit)
        ]

    def loads(self, staff: Collection[StaffId], since: int) -> dict[StaffId, Load]:
        """What each of these staff holds."""
        found = {id: [a for held in self._state.assignments.values() for a in held if a.staff == id] for id in staff}
        return {
            id: Load(
                primary=sum(a.primary for a in held),
                secondary=sum(not a.primary for a in held),
                recent=sum(a.since >= since for a in held),
            )
            for id, held in found.items()
        }

    def customers(self, ids: Sequence[CustomerId]) -> list[Customer]:
        """These customers in id order; missing ones are left out."""
        return self._known(self._state.in_order(set(ids)))

    def staff(self, ids: Collection[StaffId] | None = None) -> list[Staff]:
        """These staff, or all, by id; tombstones included."""
        known = self._state.staff
        return [known[id] for id in self._state.staff_order(known) if ids is None or id in ids]

    def rules(self) -> list[Rule]:
        """All assignment rules, by id."""
        return [self._state.rules[id] for id in sorted(self._state.rules)]

    def staff_of(self, login: str) -> StaffId | None:
        """The one staff that logs in as ``login``."""
        return next((staff.id for staff in self._state.staff.values() if staff.login == login), None)

    def covers(self, staff: Collection[StaffId] | None = None) -> list[CoverRow]:
        """All covers, or those that name one of these staff, by id."""
        found = (self._state.covers[id] for id in sorted(self._state.covers))
        return [one for one in found if staff is None or one.staff in staff or one.by in staff]

    def departments(self) -> list[Department]:
        """All departments, by id."""
        return [self._state.departments[id] for id in sorted(self._state.departments)]

    def roles(self) -> dict[str, dict[str, Level]]:
        """All roles and how far each of their actions reaches."""
        return {role: dict(levels) for role, levels in sorted(self._state.roles.items())}

    def events(
        self, kind: Subject | None = None, subject: str | None = None, run: str | None = None
    ) -> Iterator[Event]:
        """Events by (kind, subject, version); narrowed to what is given."""
        return iter(self._state.events_of(kind, subject, run))

    def runs(self, limit: int = 50, actor: Actor | None = None) -> list[Run]:
        """The newest runs first, or those of ``actor``; runs of one moment by id, the last id first."""
        shown = [r for r in self._state.runs.values() if r.part_of is None and actor in (None, r.actor)]
        return sorted(shown, key=lambda run: (run.at, run.id), reverse=True)[:limit]

    def run(self, run: str) -> Run | None:
        """One run."""
        return self._state.runs.get(run)

    def parts(self, plan: str) -> list[Run]:
        """The runs that applied a part of ``plan``, by id."""
        return sorted((run for run in self._state.runs.values() if run.part_of == plan), key=lambda run: run.id)

    def plan_rows(self, run: str) -> Iterator[PlanRow]:
        """The rows of a run in customer id order."""
        rows = self._state.plan_rows.get(run, {})
        return iter([rows[id] for id in self._state.in_order(rows)])

    def count_changed(self, run: str, query: Query) -> int:
        """How many of the customers that a run or plan changes the query holds of now."""
        return len(self.check(query, [row.customer for row in self.plan_rows(run) if row.fate is Fate.CHANGED]))

    def outbox(self) -> list[Task]:
        """Undelivered outbox rows, by run and receiver."""
        tasks = self._state.outbox.values()
        return sorted(tasks, key=lambda t: (t.run, id_order(t.receiver, self._state.options.staff_key)))

    def strays(self) -> list[CustomerId]:
        """Nobody: whoever deletes a customer here ends its assignments."""
        return []

    def _matching(self, query: Query) -> Iterator[Customer]:
        if self._guarded(query.guard):
            yield from (c for c in self._state.customers() if self._holds(query.scope, c))

    def _holds(self, scope: Scope, customer: Customer) -> bool:
        return holds(scope, customer, self._state.options.fields)

    def _guarded(self, guard: Guard | None) -> bool:
        if guard is None:
            return True
        access = self._state.access(guard.staff)
        return access is not None and access.active and access.version == guard.version

    def _known(self, ids: Iterable[CustomerId]) -> list[Customer]:
        found = (self._state.customer(id) for id in ids)
        return [customer for customer in found if customer is not None]

    def _place(self, declared: Field, value: Value | None, id: CustomerId) -> Place:
        by_id = id_order(id, self._state.options.customer_key)
        if declared.name == "id":
            return Place(False, by_id, by_id)
        text = (0, declared.folded(value)) if isinstance(value, str) else (int(value or 0), "")
        return Place(value is None, text, by_id)


@frozen
class Place:
    """Where a customer stands in an order."""

    missing: bool
    value: tuple[int, str]
    id: tuple[int, str]


def _compare(descending: bool, a: Place, b: Place) -> int:
    """Missing values last in either direction, then the value up or down, then always the id upwards."""
    if a.missing is not b.missing:
        return 1 if a.missing else -1
    if a.value != b.value:
        return 1 if (a.value > b.value) is not descending else -1
    return (a.id > b.id) - (a.id < b.id)
