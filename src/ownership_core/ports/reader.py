"""One consistent view of a store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from ownership_core.distribute import Marked
from ownership_core.events import Event, Subject
from ownership_core.model import (
    Access,
    Actor,
    CoverRow,
    Customer,
    CustomerId,
    Department,
    Level,
    Staff,
    StaffId,
)
from ownership_core.ports.data import (
    Load,
    Order,
    Position,
    Query,
    Run,
    Task,
)
from ownership_core.rules import Rule
from ownership_core.ruling import PlanRow
from ownership_core.scope import Scope


class Reader(Protocol):
    """Questions. Each is one statement however many customers there are, unless it says otherwise."""

    def access(self, staff: Collection[StaffId] | None) -> dict[StaffId, Access]:
        """Access snapshots of these staff, or of all (None); unknown and deleted ones are left out."""
        ...

    def page(self, query: Query, order: Order, after: Position | None, limit: int) -> list[Customer]:
        """The next ``limit`` customers in ``order``, with values, sets and assignments, and without shares."""
        ...

    def count(self, query: Query, at_most: int | None = None) -> int:
        """How many customers there are; counting ends at ``at_most``."""
        ...

    def ids(self, query: Query) -> Iterator[CustomerId]:
        """All ids in id order, streamed."""
        ...

    def check(self, query: Query, ids: Sequence[CustomerId]) -> frozenset[CustomerId]:
        """Those of ``ids`` the query holds of: one statement for one id or a thousand."""
        ...

    def marks(
        self, query: Query, scopes: Sequence[Scope], fields: Sequence[str], after: CustomerId | None, limit: int
    ) -> list[Marked]:
        """The next ``limit`` customers in id order, each with which of ``scopes`` are TRUE of it."""
        ...

    def loads(self, staff: Collection[StaffId], since: int) -> dict[StaffId, Load]:
        """What each of these staff holds; ``recent`` counts assignments that began at ``since`` or later."""
        ...

    def customers(self, ids: Sequence[CustomerId]) -> list[Customer]:
        """Everything a scope can ask about these customers, in id order; missing ones are left out."""
        ...

    def staff(self, ids: Collection[StaffId] | None = None) -> list[Staff]:
        """These staff, or all, by id; tombstones included (D01)."""
        ...

    def rules(self) -> list[Rule]:
        """All assignment rules, by id."""
        ...

    def staff_of(self, login: str) -> StaffId | None:
        """The one staff that logs in as ``login``, compared exactly."""
        ...

    def covers(self, staff: Collection[StaffId] | None = None) -> list[CoverRow]:
        """Who stands in for whom, by id: all covers, or those that name one of these staff on either side."""
        ...

    def departments(self) -> list[Department]:
        """All departments, by id."""
        ...

    def roles(self) -> dict[str, dict[str, Level]]:
        """All roles and how far each of their actions reaches."""
        ...

    def events(
        self, kind: Subject | None = None, subject: str | None = None, run: str | None = None
    ) -> Iterator[Event]:
        """Events by (kind, subject, version), streamed; narrowed to what is given."""
        ...

    def runs(self, limit: int = 50, actor: Actor | None = None) -> list[Run]:
        """The newest runs first, or those of ``actor``; parts are left out, their plan stands for them."""
        ...

    def run(self, run: str) -> Run | None:
        """One run."""
        ...

    def parts(self, plan: str) -> list[Run]:
        """The runs that applied a part of ``plan``, by id."""
        ...

    def plan_rows(self, run: str) -> Iterator[PlanRow]:
        """The rows of a run in customer id order, streamed."""
        ...

    def count_changed(self, run: str, query: Query) -> int:
        """How many of the customers that a run or plan changes the query holds of now."""
        ...

    def outbox(self) -> list[Task]:
        """Undelivered outbox rows, by run and receiver."""
        ...

    def strays(self) -> list[CustomerId]:
        """Customers that are assigned and gone, by id: a host deleted its rows where nothing holds them."""
        ...
