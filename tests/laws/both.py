"""The memory store and every SQL store side by side: the same clock, the same run ids, the same commands.

SQLite is always there; PostgreSQL and MariaDB where they are named. Those take part in one example of
:data:`SERVERS_EVERY`: each of their statements is a round trip.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

from databases import emptied
from shelf import Shelf

from ownership_core import Ownership
from ownership_core.model import Customer
from ownership_core.ports import Query, Store
from ownership_core.scope import Everything
from ownership_core.settings import Settings
from ownership_core.testing.memory import MemoryStore
from ownership_core.testing.worlds import WORLD_FIELDS, World, load
from ownership_sqlalchemy import SqlAlchemyStore

SERVERS_EVERY = 5
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


_shelf = cache(Shelf)


class Servers:
    """The stores on servers: opened once, emptied for each example. ``tests/conftest.py`` opens and closes them."""

    def __init__(self, databases: Any) -> None:
        self._databases = databases
        self._opened: dict[tuple[str, str], SqlAlchemyStore] = {}
        self._turn = count()

    def stores(self, cardinality: str) -> list[SqlAlchemyStore]:
        """An empty store on each server that is named, now and then."""
        if next(self._turn) % SERVERS_EVERY:
            return []
        return [self.store(kind, cardinality) for kind in self._databases.named()]

    def close(self) -> None:
        """Close the connections."""
        for store in self._opened.values():
            store.close()

    def store(self, kind: str, cardinality: str) -> SqlAlchemyStore:
        """An empty store on one server; the test is skipped where it is not named."""
        key = (kind, cardinality)
        if key not in self._opened:
            made = SqlAlchemyStore.open(self._databases.new(kind), fields=WORLD_FIELDS, cardinality=cardinality)
            made.upgrade()
            self._opened[key] = made
        emptied(self._opened[key].engine, self._opened[key]._tables, cardinality=cardinality)
        return self._opened[key]


_SERVERS: list[Servers] = []


@contextmanager
def servers(databases: Any) -> Iterator[None]:
    """Let the servers that are named take part until this ends."""
    _SERVERS.append(Servers(databases))
    yield
    _SERVERS.pop().close()


def on_server(kind: str, cardinality: str) -> SqlAlchemyStore:
    """An empty store on one server; the test is skipped where it is not named."""
    return _SERVERS[-1].store(kind, cardinality)


@contextmanager
def shops(settings: Settings, world: World | None = None) -> Iterator[tuple[Clock, list[Ownership]]]:
    """The same shop in memory and in SQL, loaded with ``world``; the memory one comes first."""
    clock = Clock()
    shelf = _shelf(settings.cardinality)
    stores: list[Store] = [MemoryStore(WORLD_FIELDS, settings.cardinality), shelf.open(fields=WORLD_FIELDS)]
    stores += [store for servers in _SERVERS for store in servers.stores(settings.cardinality)]
    if world is not None:
        for store in stores:
            load(store, world)
    try:
        yield clock, [_opened(store, settings, clock) for store in stores]
    finally:
        shelf.rest()


KINDS = ("memory", "sqlite", "postgresql", "mariadb")


@contextmanager
def shop_on(kind: str, settings: Settings, world: World) -> Iterator[Ownership]:
    """The same shop on one store alone; the test is skipped where its server is not named."""
    shelf = _shelf(settings.cardinality)
    store: Store
    if kind == "memory":
        store = MemoryStore(WORLD_FIELDS, settings.cardinality)
    elif kind == "sqlite":
        store = shelf.open(fields=WORLD_FIELDS)
    else:
        store = on_server(kind, settings.cardinality)
    load(store, world)
    try:
        yield _opened(store, settings, Clock())
    finally:
        shelf.rest()


def _opened(store: Store, settings: Settings, clock: Clock) -> Ownership:
    numbers = count(1)
    return Ownership(store, settings, clock=clock, random=lambda size: next(numbers).to_bytes(size, "big"))


def customers(store: Store) -> list[Customer]:
    """All customers as the store has them now."""
    with store.reader() as reader:
        return reader.customers(list(reader.ids(Query(Everything()))))
