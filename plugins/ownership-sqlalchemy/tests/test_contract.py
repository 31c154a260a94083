"""The store keeps the contract every store keeps."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ownership_core.testing.contracts import ScopeContract, StoreContract
from ownership_sqlalchemy import SqlAlchemyStore


class Shelf:
    """Empty SQLite stores at the price of a file copy: one file and one engine, wiped for each store.

    Migrating a new file and compiling every statement again would take most of the time.
    """

    def __init__(self, cardinality: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "ownership.db"
        self._cardinality = cardinality
        made = SqlAlchemyStore.open(f"sqlite:///{self._path}", cardinality=cardinality)
        made.upgrade()
        self._engine = made.engine
        self._engine.dispose()
        self._template = self._path.read_bytes()

    def open(self, **options: Any) -> SqlAlchemyStore:
        """A store with nothing in it; the one before is gone."""
        self._engine.dispose()
        for leftover in Path(self._folder.name).iterdir():
            leftover.unlink()
        self._path.write_bytes(self._template)
        return SqlAlchemyStore.open(self._engine, cardinality=self._cardinality, **options)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()
        self._folder.cleanup()


_SHELVES: dict[str, Shelf] = {}


@pytest.fixture(scope="module", autouse=True)
def shelves() -> Iterator[None]:
    """Nothing is left when the tests are over."""
    yield
    while _SHELVES:
        _SHELVES.popitem()[1].close()


def _open(_folder: Path, cardinality: str = "single", **options: Any) -> SqlAlchemyStore:
    if cardinality not in _SHELVES:
        _SHELVES[cardinality] = Shelf(cardinality)
    return _SHELVES[cardinality].open(**options)


class TestSqlAlchemyStore(StoreContract):
    """SQLite, text keys."""

    store = staticmethod(_open)


class TestSqlAlchemyScopes(ScopeContract):
    """SQLite answers every scope as Python does."""

    store = staticmethod(_open)
