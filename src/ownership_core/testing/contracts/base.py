"""What all contracts share: how a store is opened, a small shop to ask about, and that no test was taken away."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import evolve

from ownership_core.model import (
    Assignment,
    Customer,
    CustomerId,
    Department,
    DepartmentId,
    GroupRestriction,
    Level,
    RestrictionMode,
    Staff,
    StaffId,
    Value,
)
from ownership_core.policies import SINGLE
from ownership_core.ports import Store, Writer
from ownership_core.testing.worlds import WORLD_FIELDS, World, load

ANN, BOB, CID, EVE = map(StaffId, ("ann", "bob", "cid", "eve"))
C1, C2, C3, C4, C5, C6, LOST = map(CustomerId, ("c1", "c2", "c3", "c4", "c5", "c6", "lost"))
HARBOUR, NORTH, SOUTH = map(DepartmentId, ("harbour", "north", "south"))


def restriction(mode: RestrictionMode, *groups: Any) -> GroupRestriction:
    """A restriction to some groups."""
    return GroupRestriction(mode, groups)


ONLY_VIP = restriction(RestrictionMode.ALLOW, "vip")
NO_PRESS = restriction(RestrictionMode.DENY, "press")
NO_TEST = restriction(RestrictionMode.DENY, "test")


class Contract:
    """A set of facts about a store. Subclasses say how one is opened, and change nothing else.

    ``store(folder, fields=..., cardinality=...)`` gives an empty store in ``folder``. A store that has a
    ``close`` method is closed afterwards.
    """

    store: ClassVar[Callable[..., Store]]

    def test_no_standard_test_was_taken_away_or_replaced(self) -> None:
        """A subclass holds every test of its contract as the contract wrote it."""
        for part in _parts_of(type(self)):
            for name, test in vars(part).items():
                if name.startswith("test_"):
                    assert getattr(type(self), name, None) is test, f"{name} is not the contract's own"

    @contextmanager
    def opened(self, folder: Path, cardinality: str = "multi", world: World | None = None) -> Iterator[Store]:
        """A store with ``world`` in it."""
        store = type(self).store(folder, fields=WORLD_FIELDS, cardinality=cardinality)
        try:
            if world is not None:
                load(store, world)
            yield store
        finally:
            close: Callable[[], object] = getattr(store, "close", lambda: None)
            close()

    @contextmanager
    def opened_anywhere(self, cardinality: str = "multi", world: World | None = None) -> Iterator[Store]:
        """The same in a folder that is gone afterwards: for one of many examples."""
        with tempfile.TemporaryDirectory() as folder, self.opened(Path(folder), cardinality, world) as store:
            yield store

    @pytest.fixture
    def shop(self, tmp_path: Path) -> Iterator[Store]:
        """The small shop in multi."""
        with self.opened(tmp_path, "multi", small_shop()) as store:
            yield store

    @pytest.fixture
    def single_shop(self, tmp_path: Path) -> Iterator[Store]:
        """The small shop in single: secondaries are left out, so ``c2`` is unassigned."""
        with self.opened(tmp_path, SINGLE, single(small_shop())) as store:
            yield store

    @pytest.fixture
    def empty(self, tmp_path: Path) -> Iterator[Store]:
        """A store nobody has written to, in multi."""
        with self.opened(tmp_path) as store:
            yield store


def _parts_of(kind: type) -> list[type]:
    """The classes of the package a contract is made of."""
    return [part for part in kind.__mro__ if part.__module__.startswith(f"{__package__}.")]


def small_shop() -> World:
    """Three departments, four staff, six customers; every kind of value is present once and missing once."""
    return World(_departments(), _roles(), _staff(), _customers())


def single(world: World) -> World:
    """``world`` with its primary assignments only."""
    kept = [evolve(c, assignments=tuple(a for a in c.assignments if a.primary)) for c in world.customers]
    return evolve(world, customers=tuple(kept))


def _departments() -> tuple[Department, ...]:
    return (
        Department(NORTH, "North", None, ONLY_VIP),
        Department(HARBOUR, "Harbour", NORTH, NO_PRESS),
        Department(SOUTH, "South"),
    )


def _roles() -> tuple[tuple[str, dict[str, Level]], ...]:
    return (
        ("clerk", {"view": Level.OWN, "claim": Level.OWN}),
        ("boss", {"view": Level.ALL, "assign": Level.DEPARTMENT}),
    )


def _staff() -> tuple[Staff, ...]:
    return (
        Staff(
            id=ANN,
            label="Ann",
            login="ann@shop",
            departments=frozenset({NORTH}),
            websites=frozenset({"de", "fr"}),
            roles=frozenset({"clerk", "boss"}),
        ),
        Staff(BOB, "Bob", None, True, False, frozenset({HARBOUR}), None, frozenset({"clerk"}), NO_TEST),
        Staff(CID, "Cid", active=False, departments=frozenset({SOUTH})),
        Staff(EVE, "Eve"),
    )


def _customers() -> tuple[Customer, ...]:
    ann = Assignment(ANN, True, 10, "lead", "test")
    bob = Assignment(BOB, False, 20, "", "test")
    return (
        _customer(C1, {"name": "alpha", "score": 3, "website": "de"}, {"groups": frozenset({"vip"})}, ann, bob),
        _customer(C2, {"name": "Beta"}, {}, bob),
        _customer(C3, {"score": 1, "vip": True}, {"groups": frozenset({"vip", "press"})}),
        _customer(C4, {"name": "beta", "score": 1}, {}, Assignment(CID, True, 5, "", "test")),
        _customer(C5, {"name": "%", "vip": False, "last_seen": 7}, {"aliases": frozenset({"A/b"})}),
        _customer(C6, {}, {}),
    )


def _customer(
    id: CustomerId, values: dict[str, Value | None], sets: dict[str, frozenset[str]], *assignments: Assignment
) -> Customer:
    always: dict[str, Value | None] = {"kind": "person", "active": True, "created_at": 100, "no_auto": False}
    return Customer(id, {**always, **values}, sets, assignments)


class _UndoneError(Exception):
    """Ends a transaction that is not to last."""


@contextmanager
def undone(store: Store) -> Iterator[Writer]:
    """A transaction that ends as if it had never been."""
    with suppress(_UndoneError), store.writer() as writer:
        yield writer
        raise _UndoneError


def found(store: Store, *ids: CustomerId) -> list[Customer]:
    """These customers as the store has them now."""
    with store.reader() as reader:
        return reader.customers(ids)


def assignments(store: Store, id: CustomerId) -> dict[str, bool]:
    """Who is assigned to a customer now, and whether as primary."""
    return {a.staff: a.primary for customer in found(store, id) for a in customer.assignments}


def body(what: str, primary: list[Any], **rest: Any) -> dict[str, Any]:
    """An event's body as the port words it."""
    return {"v": 1, "what": what, "primary": primary, "added": [], "removed": [], "fields": [], **rest}
