"""A migrated database in a file, and what the tests ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from databases import emptied
from sqlalchemy import event

from ownership_core.testing.worlds import WORLD_FIELDS
from ownership_sqlalchemy import SqlAlchemyStore

Opener: TypeAlias = Callable[..., SqlAlchemyStore]
Sent: TypeAlias = list[tuple[str, Any]]


@pytest.fixture
def opener(tmp_path: Path) -> Iterator[Opener]:
    """Opens empty, migrated stores; closes them afterwards."""
    opened: list[SqlAlchemyStore] = []

    def open_one(name: str = "o", **options: Any) -> SqlAlchemyStore:
        store = SqlAlchemyStore.open(f"sqlite:///{tmp_path}/{name}.db", fields=WORLD_FIELDS, **options)
        opened.append(store)
        store.upgrade()
        return store

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def kind(request: pytest.FixtureRequest) -> str:
    """Every supported database; servers that are not named are skipped."""
    return str(request.param)


@pytest.fixture
def address(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    """Addresses of empty databases of this kind."""
    if kind == "sqlite":
        numbers = count(1)
        return lambda: f"sqlite:///{tmp_path}/{next(numbers)}.db"
    databases = request.getfixturevalue("databases")
    return lambda: databases.new(kind)


@pytest.fixture
def anywhere(address: Callable[[], Any]) -> Iterator[Opener]:
    """As ``opener``, on every supported database."""
    opened: list[SqlAlchemyStore] = []

    def open_one(**options: Any) -> SqlAlchemyStore:
        store = SqlAlchemyStore.open(address(), fields=WORLD_FIELDS, **options)
        opened.append(store)
        store.upgrade()
        return store

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture(scope="session")
def _resting() -> Iterator[dict[tuple[str, str], list[SqlAlchemyStore]]]:
    """Stores on servers whose test is over, by kind and cardinality."""
    resting: dict[tuple[str, str], list[SqlAlchemyStore]] = {}
    yield resting
    for stores in resting.values():
        for store in stores:
            store.close()


@pytest.fixture
def somewhere(anywhere: Opener, kind: str, _resting: dict[tuple[str, str], list[SqlAlchemyStore]]) -> Iterator[Opener]:
    """As ``anywhere``, on servers in tables that a test before had: for tests that leave tables as they were made."""
    taken: list[tuple[str, SqlAlchemyStore]] = []

    def open_one(cardinality: str) -> SqlAlchemyStore:
        if kind == "sqlite":
            return anywhere(cardinality=cardinality)
        free = _resting.setdefault((kind, cardinality), [])
        store = free.pop() if free else anywhere(cardinality=cardinality)
        emptied(store.engine, store._tables, cardinality=cardinality)
        taken.append((cardinality, store))
        return store

    yield open_one
    for cardinality, store in taken:
        _resting[kind, cardinality].append(store)


@pytest.fixture
def sent() -> Callable[[SqlAlchemyStore], Any]:
    """Notes every statement that reaches the driver inside a ``with`` block."""

    @contextmanager
    def noting(store: SqlAlchemyStore) -> Iterator[Sent]:
        statements: Sent = []

        def note(_c: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
            statements.append((statement, parameters))

        event.listen(store.engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(store.engine, "before_cursor_execute", note)

    return noting
