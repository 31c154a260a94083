from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ownership_core.testing.contracts import ScopeContract, StoreContract

ownership_sqlalchemy = pytest.importorskip("ownership_sqlalchemy")


@cache
def _template(cardinality: str) -> bytes:
    """The file of an empty SQLite store: migrating takes longer than copying."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        ownership_sqlalchemy.schema.upgrade(f"sqlite:///{path}", cardinality=cardinality)
        assert [found.name for found in Path(folder).iterdir()] == [path.name]
        return path.read_bytes()


def _open(folder: Path, cardinality: str, **options: Any) -> Any:
    path = folder / "ownership.db"
    path.write_bytes(_template(cardinality))
    return ownership_sqlalchemy.SqlAlchemyStore.open(f"sqlite:///{path}", cardinality=cardinality, **options)


class TestSqlite(StoreContract):
    """SQLite keeps the contract of stores."""

    store = staticmethod(_open)


class TestSqliteScopes(ScopeContract):
    """SQLite answers every scope as Python does."""

    store = staticmethod(_open)
