"""Where tests that need many empty SQLite stores take them from."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ownership_sqlalchemy import SqlAlchemyStore


def migrated(path: Path, cardinality: str, **options: Any) -> SqlAlchemyStore:
    """A store in a new file."""
    made = SqlAlchemyStore.open(f"sqlite:///{path}", cardinality=cardinality, **options)
    made.upgrade()
    return made


class Shelf:
    """Empty SQLite stores at the price of a file copy: one file and one engine, wiped for each store.

    Migrating a new file and compiling every statement again would take most of the time. ``make`` opens a
    migrated store at a path; ``again`` opens one on its engine once more.
    """

    def __init__(
        self,
        cardinality: str,
        make: Callable[..., SqlAlchemyStore] | None = None,
        again: Callable[..., SqlAlchemyStore] = SqlAlchemyStore.open,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "ownership.db"
        self._cardinality = cardinality
        self._again = again
        made = (make or migrated)(self._path, cardinality=cardinality)
        self._engine = made.engine
        self._engine.dispose()
        self._template = self._path.read_bytes()

    def open(self, **options: Any) -> SqlAlchemyStore:
        """A store with nothing in it; the one before is gone."""
        self.rest()
        for leftover in Path(self._folder.name).iterdir():
            leftover.unlink()
        self._path.write_bytes(self._template)
        return self._again(self._engine, cardinality=self._cardinality, **options)

    def rest(self) -> None:
        """Close all connections; the next store opens its own."""
        self._engine.dispose()

    def close(self) -> None:
        """Let go of the file."""
        self.rest()
        self._folder.cleanup()
