"""One transaction of a store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from ownership_core.commands import Selection
from ownership_core.distribute import Placement
from ownership_core.events import Event
from ownership_core.model import (
    Actor,
    CoverRow,
    CustomerId,
    Department,
    Level,
    Staff,
    StaffId,
    Value,
)
from ownership_core.ports.data import (
    Draft,
    Expected,
    Given,
    NewRow,
    Query,
    Remembered,
    Run,
    Tally,
)
from ownership_core.ports.reader import Reader
from ownership_core.rules import Rule
from ownership_core.scope import Scope


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

    def expect(self, run: str, rows: Iterable[Expected], plan: str = "") -> None:
        """Load the rows of a plan file for a ``from_plan`` draft; streamed, O(chunk) memory.

        With ``plan`` each has the source of the CHANGED row of that stored plan with the same customer, version
        and receiver, or none.
        """
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

    def place_in_turn(self, run: str, query: Query, staff: Sequence[StaffId]) -> int:
        """Place everybody ``query`` holds of, in id order: the first with the first of ``staff``, and so on in a ring.

        As :meth:`place` would be told one by one; how many there were.
        """
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

    def refuse(self, draft: Draft, customers: Sequence[CustomerId], code: str) -> Tally:
        """Refuse these CHANGED rows of a drafted run after all, with one of the codes of ``draft.unplaced``.

        The tally is that of the whole run then. O(chunk) customers by one statement.
        """
        ...

    def given(self, run: str) -> list[Given]:
        """Whom the CHANGED rows of ``run`` give customers to: one for each source and receiver, by one statement."""
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
