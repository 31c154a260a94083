"""A migrated database in a file, and what the tests ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
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
