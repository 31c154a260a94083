from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ownership_core.testing.contracts import ScopeContract, StoreContract

ownership_sqlalchemy = pytest.importorskip("ownership_sqlalchemy")


class Shelf:
    """Empty SQLite stores at the price of a file copy: one file and one engine, wiped for each store.

    Migrating a new file and compiling every statement again would take most of the time.
    """

    def __init__(self, cardinality: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "ownership.db"
        self._cardinality = cardinality
        made = ownership_sqlalchemy.SqlAlchemyStore.open(f"sqlite:///{self._path}", cardinality=cardinality)
        made.upgrade()
        self._engine = made.engine
        self._engine.dispose()
        self._template = self._path.read_bytes()

    def open(self, **options: Any) -> Any:
        """A store with nothing in it; the one before is gone."""
        self._engine.dispose()
        for leftover in Path(self._folder.name).iterdir():
            leftover.unlink()
        self._path.write_bytes(self._template)
        return ownership_sqlalchemy.SqlAlchemyStore.open(self._engine, cardinality=self._cardinality, **options)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()
        self._folder.cleanup()


SHELVES: dict[str, Shelf] = {}


@pytest.fixture(scope="module", autouse=True)
def shelves() -> Iterator[None]:
    """Nothing is left when the tests are over."""
    yield
    while SHELVES:
        SHELVES.popitem()[1].close()


def _open(_folder: Path, cardinality: str, **options: Any) -> Any:
    if cardinality not in SHELVES:
        SHELVES[cardinality] = Shelf(cardinality)
    return SHELVES[cardinality].open(**options)


class TestSqlite(StoreContract):
    """SQLite keeps the contract of stores."""

    store = staticmethod(_open)


class TestSqliteScopes(ScopeContract):
    """SQLite answers every scope as Python does."""

    store = staticmethod(_open)
