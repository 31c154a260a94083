"""The memory store and SQLite side by side: the same clock, the same run ids, the same commands."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path

from ownership_core import Ownership
from ownership_core.model import Customer
from ownership_core.ports import Query, Store
from ownership_core.scope import Everything
from ownership_core.settings import Settings
from ownership_core.testing.memory import MemoryStore
from ownership_core.testing.worlds import WORLD_FIELDS, World, load
from ownership_sqlalchemy import SqlAlchemyStore

START = datetime(2030, 1, 1, tzinfo=UTC)


class Clock:
    """Stands still until somebody lets time pass."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def passes(self, seconds: int = 1) -> None:
        """Later."""
        self.at += timedelta(seconds=seconds)


class Shelf:
    """One database file and one engine for all examples: emptied by a file copy, statements compiled once."""

    def __init__(self, cardinality: str) -> None:
        self.cardinality = cardinality
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "o.db")
        store = SqlAlchemyStore.open(f"sqlite:///{self.path}", fields=WORLD_FIELDS, cardinality=cardinality)
        store.upgrade()
        self.engine = store.engine
        self.engine.dispose()
        self.empty = self.path.read_bytes()

    def store(self) -> SqlAlchemyStore:
        """An empty store; the one before is gone."""
        self.engine.dispose()
        for leftover in Path(self.folder.name).iterdir():
            leftover.unlink()
        self.path.write_bytes(self.empty)
        return SqlAlchemyStore.open(self.engine, fields=WORLD_FIELDS, cardinality=self.cardinality)


_shelf = cache(Shelf)


@contextmanager
def shops(settings: Settings, world: World | None = None) -> Iterator[tuple[Clock, list[Ownership]]]:
    """The same shop in memory and on SQLite, loaded with ``world``; the memory one comes first."""
    clock = Clock()
    shelf = _shelf(settings.cardinality)
    stores: list[Store] = [MemoryStore(WORLD_FIELDS, settings.cardinality), shelf.store()]
    if world is not None:
        for store in stores:
            load(store, world)
    try:
        yield clock, [_opened(store, settings, clock) for store in stores]
    finally:
        shelf.engine.dispose()


def _opened(store: Store, settings: Settings, clock: Clock) -> Ownership:
    numbers = count(1)
    return Ownership(store, settings, clock=clock, random=lambda size: next(numbers).to_bytes(size, "big"))


def customers(store: Store) -> list[Customer]:
    """All customers as the store has them now."""
    with store.reader() as reader:
        return reader.customers(list(reader.ids(Query(Everything()))))
