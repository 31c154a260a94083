"""What a store is asked with, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from attrs import field as attribute
from attrs import frozen

from ownership_core.commands import Selection
from ownership_core.keys import KeyType
from ownership_core.model import (
    Actor,
    CustomerId,
    Json,
    StaffId,
    Value,
)
from ownership_core.policies import Limit
from ownership_core.ruling import Demand, Effect, Requirement
from ownership_core.scope import Scope


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
class Given:
    """How many customers with this ``source`` a run gives to ``receiver``, and the last of them in id order."""

    source: str
    receiver: StaffId
    many: int
    last: CustomerId


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

    With ``sources`` a row of a plan whose source is not among them is ``stale``: the rule that chose is gone or
    another by now.

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
    sources: tuple[str, ...] | None = None


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
