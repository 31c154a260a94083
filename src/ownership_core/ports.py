"""What the core needs from outside: a store, a clock, and new run ids. Small, and every method set-based.

A store keeps facts and applies drafts; it decides nothing. It must give the results, codes and order
of the memory store (:mod:`ownership_core.testing.memory`) for every script (I12);
:class:`ownership_core.testing.StoreContract` is the proof. Methods say how many statements they may send.
Drivers' exceptions never leave a store: they become :class:`~ownership_core.errors.StoreError`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from attrs import field as attribute
from attrs import frozen

from ownership_core.commands import Selection
from ownership_core.distribute import Marked, Placement
from ownership_core.events import Event, Subject
from ownership_core.fields import Fields
from ownership_core.keys import KeyType
from ownership_core.model import (
    Access,
    Actor,
    CoverRow,
    Customer,
    CustomerId,
    Department,
    DepartmentId,
    Json,
    Level,
    Staff,
    StaffId,
    Value,
)
from ownership_core.policies import Limit
from ownership_core.rules import Rule
from ownership_core.ruling import Demand, Effect, PlanRow, Requirement
from ownership_core.scope import Scope

Clock: TypeAlias = Callable[[], datetime]
"""Gives the present as an aware datetime."""


@frozen
class Capabilities:
    """What a store can do: asked, never guessed.

    ``writes_customers`` is False over a host's own tables. Key types say how ids are kept and parsed.
    ``guests`` says whether it can work inside a host's transaction, and be said as a condition in a host's
    own statements (:meth:`Store.within`, :meth:`Store.clause`).
    """

    name: str
    customer_key: KeyType = KeyType.TEXT
    staff_key: KeyType = KeyType.TEXT
    writes_customers: bool = True
    guests: bool = False


@frozen
class Guard:
    """Ties a statement to an access snapshot: it answers nothing once the staff's access has changed."""

    staff: StaffId
    version: int


@frozen
class Query:
    """Which customers a read is about: those ``scope`` is TRUE of, while ``guard`` (if any) still holds."""

    scope: Scope
    guard: Guard | None = None


@frozen
class Order:
    """Sort by one to-one field, then by id. Missing values come last in either direction.

    Text sorts by its folded form and code points, ids by :func:`ownership_core.keys.id_order`.
    """

    field: str = "id"
    descending: bool = False


@frozen
class Position:
    """The place in an order after which the next page begins: the last row's folded sort value and id."""

    value: Value | None
    id: CustomerId


@frozen
class Expected:
    """One row of a saved plan: it may be applied only where all of this still comes out the same."""

    customer: CustomerId
    version: int
    primary_after: StaffId | None
    added: StaffId | None
    removed: int
    receiver: StaffId | None = None
    source: str = ""
    restored: int = 0


@frozen
class Load:
    """What one staff holds: as the primary, beside one, and how much of both was given since a moment."""

    primary: int = 0
    secondary: int = 0
    recent: int = 0

    @property
    def total(self) -> int:
        """All assignments."""
        return self.primary + self.secondary


@frozen
class Draft:
    """A ruling on its way to customers, for one run. The store turns it into plan rows.

    Rows: for ``One`` and ``Ids`` one row per id asked for, missing and invisible ones as refused with
    ``not_found`` alone; for ``Matching`` one row per customer that is selected *and* visible. With
    ``from_plan`` one row per :class:`Expected` row of this run: ``not_found`` as before, ``stale`` where
    the version differs, the selection no longer holds, or the change would come out differently.

    Fates: a row with ``stale`` among its codes is STALE, with any other code REFUSED; else CHANGED where
    the effect changes assignments or says ``touch``, else UNCHANGED. ``cardinality`` is the one it was
    decided under; None leaves that open. ``codes`` holds *all* failing codes:
    ``version_conflict`` (``expected_version`` differs), ``stale``, ``changed_since``, then the requirements in
    order, the demands, the limits and the codes of placements (``unplaced``).

    An effect that adds ``PLACED`` gives each customer to whom :meth:`Writer.place` says, or with ``from_plan``
    to whom the plan says; with ``only_placed`` there are rows for those customers alone.

    One that undoes takes back what the runs ``undoes`` did, none of which met a customer of another: one row
    for each that is visible, ``changed_since`` where the version is another by now and something would
    change, ``limit_code`` where more staff than ``limits`` allow would be assigned, or in single one who does not
    stand for the customer.

    ``keep_view_until`` is until when whoever loses an assignment may view the customer, so that no store needs a
    clock; None: not at all.
    """

    run: str
    selection: Selection
    visible: Scope
    requirements: tuple[Requirement, ...]
    effect: Effect
    at: int
    expected_version: int | None = None
    from_plan: bool = False
    cardinality: str | None = None
    keep_view_until: int | None = None
    only_placed: bool = False
    demands: tuple[Demand, ...] = ()
    unplaced: tuple[str, ...] = ()
    undoes: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    limit_code: str = ""


@frozen
class Tally:
    """How many rows of a run met which fate; ``codes`` counts refused and stale rows by code.

    ``still_selected`` (only with ``from_plan``) counts rows that are visible and still selected.
    """

    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    stale: int = 0
    codes: Mapping[str, int] = attribute(factory=dict)
    still_selected: int = 0

    @property
    def total(self) -> int:
        """All rows."""
        return self.changed + self.unchanged + self.refused + self.stale


class RunState(StrEnum):
    """A plan waits, or was applied; applied runs stay for ever."""

    PLANNED = "planned"
    APPLIED = "applied"


@frozen
class Run:
    """One plan or one applied command. ``command`` is its wire form; times are UTC microseconds.

    ``part_of`` is the plan a run applied a part of, ``reached`` the last customer of that part.
    """

    id: str
    state: RunState
    what: str
    command: Json
    actor: Actor
    at: int
    reason: str | None = None
    tally: Tally = Tally()
    expires: int | None = None
    part_of: str | None = None
    reached: CustomerId | None = None


@frozen
class NewRow:
    """A customer ready to be stored: parsed values, and who owns it from the start."""

    id: CustomerId
    values: Mapping[str, Value | None]
    sets: Mapping[str, frozenset[str]]
    email_key: str | None
    owner: StaffId | None
    source: str


@frozen
class Remembered:
    """What an idempotency key did: the hash of its payload and the receipt it was answered with."""

    payload: str
    receipt: Json


@frozen
class Task:
    """One outbox row: tell ``receiver`` about ``run``; what to say is decided when it is sent (I38)."""

    run: str
    receiver: StaffId
    state: str = "ready"


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

    def outbox(self) -> list[Task]:
        """Undelivered outbox rows, by run and receiver."""
        ...

    def strays(self) -> list[CustomerId]:
        """Customers that are assigned and gone, by id: a host deleted its rows where nothing holds them."""
        ...


class Writer(Reader, Protocol):
    """One transaction. Nothing is seen by others before it ends well; an exception undoes all of it."""

    def lock_customers(self, selection: Selection, visible: Scope) -> None:
        """Insert missing heads and lock them, both in id order; for ``Matching`` those selected and visible."""
        ...

    def lock_listed(self, run: str, undoes: Sequence[str] = ()) -> None:
        """The same for the customers ``run`` expects, or those that the runs ``undoes`` changed."""
        ...

    @property
    def alone(self) -> bool:
        """Whether nobody else can write while this transaction lasts: what was read stays true without a lock."""
        ...

    def lock_staff(self, staff: Collection[StaffId] | None, *, changing: bool = False) -> None:
        """Hold these staff rows, or everybody's, as they are until the end (I7).

        Several may hold them at once, unless ``changing``: whoever is about to change them holds them alone.
        """
        ...

    def lock_cardinality(self, cardinality: str) -> None:
        """Hold the recorded cardinality until the end, so that nobody else writes an assignment or a head under it.

        Whoever is about to is waited for: by holding every head in id order, by one statement for every few
        thousand, or because writers hold the record too. ``cardinality_mismatch`` where another is recorded.
        """
        ...

    def expect(self, run: str, rows: Iterable[Expected]) -> None:
        """Load the rows of a plan file for a ``from_plan`` draft; streamed, O(chunk) memory."""
        ...

    def expect_plan(
        self, run: str, plan: str, after: CustomerId | None = None, limit: int | None = None
    ) -> CustomerId | None:
        """Take the CHANGED rows of the stored plan ``plan`` as what ``run`` expects.

        With ``limit`` no more than that many in id order, from those after ``after``; the last of them is
        returned, None where there are none.
        """
        ...

    def place(self, run: str, rows: Iterable[Placement]) -> None:
        """Say whom ``run`` gives its customers to; O(chunk) memory. Forgotten once the run is drafted."""
        ...

    def parties(self, draft: Draft) -> tuple[frozenset[StaffId], frozenset[StaffId]]:
        """Who may gain and who may lose customers by a draft that places or undoes, before it is drafted."""
        ...

    def lock_rotations(self, names: Collection[str]) -> dict[str, StaffId | None]:
        """Hold these rotations alone until the end, in order, and tell who was last; None for a new one."""
        ...

    def save_rotation(self, name: str, staff: StaffId) -> None:
        """``staff`` was last; :meth:`lock_rotations` goes before it."""
        ...

    def draft(self, draft: Draft) -> Tally:
        """Write the plan rows of a run; a fixed number of statements."""
        ...

    def write(self, run: Run, draft: Draft, fields: Sequence[str] = ()) -> None:
        """Apply the CHANGED rows of a drafted run, a fixed number of statements.

        Heads get the next version, one event per customer is written in the shape of
        :func:`ownership_core.events.customer_body` (``what`` is ``run.what``), assignments are vacated
        first and set then, with ``since`` = ``draft.at``. Whoever gains an assignment has no share any more;
        whoever loses one has a share until ``draft.keep_view_until`` at least, where that is given. Where the
        heads are under another cardinality than ``draft.cardinality`` by now, nothing is written and the code
        is ``cardinality_mismatch``.
        """
        ...

    def notify(self, run: str, parts: Sequence[str] = ()) -> None:
        """One outbox row for each staff that gained or lost a customer in ``run``, or in its ``parts``."""
        ...

    def taken(self, ids: Sequence[CustomerId], email_keys: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Which of these ids and which of these e-mail keys already exist."""
        ...

    def create_customers(self, run: Run, rows: Sequence[NewRow], cardinality: str | None = None) -> None:
        """Insert customers, their heads, assignments, plan rows and events (``what`` = ``run.what``).

        A re-created id goes on counting the versions of its old head. ``cardinality_mismatch`` as with
        :meth:`write`.
        """
        ...

    def switch_cardinality(self, cardinality: str) -> None:
        """Keep every head and assignment under ``cardinality`` from now on; a fixed number of statements.

        :meth:`lock_cardinality` goes before it. Assignments that contradict it are a ``conflict``.
        """
        ...

    def change_customer(
        self,
        customer: CustomerId,
        values: Mapping[str, Value | None],
        sets: Mapping[str, frozenset[str]],
        email_key: str | None,
    ) -> None:
        """Replace these fields of one customer; ``email_key`` counts only when ``values`` has ``email``."""
        ...

    def delete_customers(self, run: str) -> None:
        """Delete the customers ``run`` changed; heads and events stay."""
        ...

    def save_staff(self, staff: Staff, event: Event) -> None:
        """Insert or replace a staff and all that hangs on it; stores the event.

        Raises the access version of the staff and of whoever is named in a cover to stand in for it.
        """
        ...

    def save_department(self, department: Department, event: Event) -> None:
        """Insert or replace a department; raises the access version of every staff."""
        ...

    def save_role(self, role: str, levels: Mapping[str, Level], event: Event) -> None:
        """Insert or replace a role; raises the access version of every staff that holds it, and of whoever is
        named in a cover to stand in for one of them."""
        ...

    def save_cover(self, cover: CoverRow, event: Event) -> None:
        """Insert or replace a cover; its version is that of its event. Raises the access version of who covers."""
        ...

    def save_rule(self, rule: Rule, event: Event) -> None:
        """Insert or replace a rule; stores the event."""
        ...

    def delete_rule(self, rule: str, event: Event) -> None:
        """Forget a rule; its events stay."""
        ...

    def save_run(self, run: Run) -> None:
        """Store a run; its plan rows are already there."""
        ...

    def discard(self, run: str) -> None:
        """Forget the plan rows of a run that changes nothing."""
        ...

    def expire(self, now: int) -> None:
        """Forget the plans that wait until ``now`` (UTC microseconds) or less, with their rows."""
        ...

    def recall(self, actor: Actor, key: str) -> Remembered | None:
        """What this actor's idempotency key did before; a twin in flight is waited for."""
        ...

    def remember(self, actor: Actor, key: str, remembered: Remembered, at: int) -> None:
        """Keep what the key did, in this very transaction (I40)."""
        ...


class Store(Protocol):
    """Where everything is kept."""

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do."""
        ...

    @property
    def fields(self) -> Fields:
        """The customer fields it was opened with."""
        ...

    def check(self, cardinality: str) -> None:
        """Refuse to serve when not fit: ``schema_missing``, ``schema_outdated``, ``schema_newer``,
        ``cardinality_mismatch`` ..., each a :class:`~ownership_core.errors.StoreError`."""
        ...

    def reader(self) -> AbstractContextManager[Reader]:
        """A consistent view; closes by itself."""
        ...

    def writer(self) -> AbstractContextManager[Writer]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        ...

    @property
    def begins(self) -> bool:
        """Whether a writer opened now begins a transaction of its own, which may be begun again when it is ended.

        Where it joins a transaction of the host's, only the host can begin anew.
        """
        ...

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` once what the last writer wrote is permanent: now, or when the host's transaction is over.

        Never where it was undone. A guest that cannot know when its host commits leaves it out.
        """
        ...

    def clause(self, query: Query, column: Any) -> Any:
        """``query`` as a condition on a host's column of customer ids, in the words of the store's library.

        Built for one request: its guard lets nothing through once the access has changed. Stores without a
        language of their own answer ``no_host_transactions``.
        """
        ...

    def within(self, transaction: Any) -> Store:
        """The same store inside a host's open transaction: begins nothing, ends nothing, sets nothing.

        Its writers are undone by themselves when they raise; what they wrote stands or falls with the host's
        transaction. Codes: ``unsafe_isolation``, ``autocommit_on``, ``other_database``; ``no_host_transactions``
        where the store cannot.
        """
        ...

    def digest(self) -> str:
        """A hash over every row of every table of ours; equal digests mean nothing was written."""
        ...


DepartmentParents: TypeAlias = Mapping[DepartmentId, DepartmentId | None]
"""The department tree, each with its parent."""
